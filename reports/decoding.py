"""Bytes to the schema's records, and what to say where they are not so."""

import contextlib
import json
import math
import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from reports.combination import text_of
from reports.errors import InputError, printable
from reports.schema import (
    Benchmark,
    CaseOutcome,
    CheckedDocument,
    Document,
    ExtraInfo,
    Named,
    Stats,
    UncheckedDocument,
)

_EXTRA = msgspec.json.Decoder(ExtraInfo)
_OUTCOME = msgspec.json.Decoder(CaseOutcome)
_LONGEST_INTEGER = 300  # digits
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")  # as Python writes them
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ")
_STATS = msgspec.json.Decoder(Stats)
_VERSIONS = msgspec.json.Decoder(dict[str, str])
_NAMED = msgspec.json.Decoder(Named)

_Kind = TypeVar("_Kind")


def decode(content: bytes) -> Document:
    """Check a whole file but for the cases' ``extra_info``.

    Raises
    ------
    InputError
        if ``content`` is empty, cut off, no JSON, or JSON of another kind.
    """
    if content.startswith(_COMPRESSED):
        raise InputError("is compressed (gzip, zstd or xz); unpack it first")
    if not content.strip():
        raise InputError("is empty; did the run that made it measure anything?")
    # In one go, which is a fifth quicker, if nothing is wrong or anybody else's.
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = msgspec.json.decode(content, type=CheckedDocument)
        if all(benchmark.is_ours for benchmark in document.benchmarks):
            return document
    try:
        return msgspec.json.decode(content, type=UncheckedDocument)
    except msgspec.ValidationError as error:
        raise _other_kind(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # Slow path. Python writes NaN and Infinity, which are no JSON, and pytest-benchmark
    # keeps them; as text they fail only where a number is needed.
    try:
        lenient = json.loads(
            content, parse_constant=str, parse_float=_float, parse_int=_int
        )
        return msgspec.json.decode(json.dumps(lenient), type=UncheckedDocument)
    except msgspec.ValidationError as error:
        raise _other_kind(error) from None
    except json.JSONDecodeError as error:
        ends = error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg
        fault = "is cut off" if ends else "is not JSON"
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{fault} ({where}: {error.msg})") from None
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise InputError(f"is not JSON ({printable(str(error))})") from None


def _float(text: str) -> float | str:
    """The number, or its text where it is above all that a float can be."""
    value = float(text)
    return value if math.isfinite(value) else text


def _int(text: str) -> int | str:
    """The number, or its text where it is longer than any fact."""
    return int(text) if len(text) < _LONGEST_INTEGER else text


def extra_of(benchmark: Benchmark) -> ExtraInfo:
    """A case's ``extra_info``, checked; raises as `decode_outcome` does.

    Of another project, whose names only happen to be ours, nothing is taken.
    """
    content = benchmark.extra_info
    if isinstance(content, ExtraInfo):
        return content
    try:
        return _checked(_EXTRA, content)
    except InputError:
        if _is_ours(content):
            raise
        return ExtraInfo()


def _is_ours(content: Raw) -> bool:
    """Whether ``extra_info`` has the shape that this suite gives it."""
    try:
        extra = json.loads(bytes(content))
    except (ValueError, RecursionError):
        return True  # whoever's it is, it is broken
    if not isinstance(extra, dict):
        return False
    launches, frontier = extra.get("launches"), extra.get("frontier")
    if isinstance(frontier, dict):
        return "probes" in frontier
    return isinstance(launches, list) and all(
        isinstance(launch, dict) and "rounds" in launch for launch in launches
    )


def decode_stats(content: Raw) -> Stats:
    """Check what pytest-benchmark keeps of one case; raises as `decode_outcome`."""
    return _checked(_STATS, content)


def decode_versions(content: Raw) -> dict[str, str]:
    """Check the versions of a launch; raises as `decode_outcome` does."""
    return _checked(_VERSIONS, content)


def decode_outcome(content: Raw) -> CaseOutcome:
    """Check the record of one case that has no time.

    Raises
    ------
    InputError
        naming the first value in it that is wrong, its place, and what is expected.
    """
    return _checked(_OUTCOME, content)


def name_of(content: Raw) -> str:
    """The name in the record of a case, "" where it has none."""
    try:
        named = _NAMED.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return named.fullname or named.name


def _checked(decoder: msgspec.json.Decoder[_Kind], content: Raw) -> _Kind:
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        raise InputError(_explain(str(error), bytes(content))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # in strings that were skipped until now
        raise InputError(f"is not JSON ({printable(str(error))})") from None


def _other_kind(error: msgspec.ValidationError) -> InputError:
    detail = printable(str(error).replace("`", ""))
    return InputError(f"is JSON, but no file saved by pytest-benchmark ({detail})")


def _explain(message: str, content: bytes) -> str:
    """A ``message`` of msgspec (what, then where), with the value that is there."""
    expected, _, place = printable(message).replace("`", "").partition(" - at $.")
    if not place:
        return expected
    try:
        value: Any = json.loads(content)
        for name, index in re.findall(r"(\w+)|\[(\d+)\]", place):
            value = value[int(index)] if index else value[name]
        found = text_of(value)
        if isinstance(value, str) and value not in _NO_NUMBERS:
            found = json.dumps(found, ensure_ascii=False)
    except (ValueError, LookupError, TypeError, RecursionError):
        return f"{place}: {expected}"  # the fault is told, only not the value
    if len(found) > 40:
        found = f"{found[:40]}…"
    if place.endswith(".seconds") or place == "median" or place.startswith("data["):
        expected = "Expected a number of seconds above 0, from 1e-9 to 1e9"
    elif place.endswith("_seconds"):
        expected = "Expected a number of seconds, 0 or more"
    if place.endswith("joules[...]"):
        expected = "Expected numbers of joules, 0 or more"
    return f"{place} is {found}; {expected[0].lower()}{expected[1:]}"

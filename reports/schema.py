"""What is read of a file saved by pytest-benchmark, and what to say when it is not so.

Fields that are not named here are skipped, which is what makes reading fast.
"""

import json
import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from reports.combination import text_of
from reports.errors import InputError, printable

# Outside these bounds lies no epoch, and logarithms and ratios could overflow.
SHORTEST_SECONDS, LONGEST_SECONDS = 1e-9, 1e9

Seconds = Annotated[float, Meta(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS)]


class Round(Struct, frozen=True, gc=False):
    """One timed epoch."""

    seconds: Seconds


class Launch(Struct, frozen=True):
    """One worker process, its epochs, what its launcher and it itself say of it."""

    rounds: Annotated[tuple[Round, ...], Meta(min_length=1)]
    launched: dict[str, Any] = {}
    notes: tuple[str, ...] = ()


class ExtraInfo(Struct, frozen=True):
    """What the suite adds to a case; other projects' cases have no ``launches``."""

    launches: Annotated[tuple[Launch, ...], Meta(min_length=1)] | UnsetType = UNSET
    job: dict[str, Any] = {}


class Benchmark(Struct, frozen=True):
    """One case. ``extra_info`` stays raw, so that a fault in it costs one case only."""

    name: str
    fullname: str = ""
    params: dict[str, Any] | None = None
    extra_info: Raw = Raw(b"{}")


class Document(Struct, frozen=True):
    """One whole file."""

    benchmarks: tuple[Benchmark, ...]
    machine_info: dict[str, Any] = {}
    commit_info: dict[str, Any] = {}


_EXTRA = msgspec.json.Decoder(ExtraInfo)


def decode(content: bytes) -> Document:
    """Check a whole file but for the cases' ``extra_info``.

    Raises
    ------
    InputError
        if ``content`` is empty, cut off, no JSON, or JSON of another kind.
    """
    if not content.strip():
        raise InputError("is empty; did the run that made it measure anything?")
    try:
        return msgspec.json.decode(content, type=Document)
    except msgspec.ValidationError as error:
        raise _other_kind(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # Slow path. Python writes NaN and Infinity, which are no JSON, and pytest-benchmark
    # keeps them; as text they fail only where a number is needed.
    try:
        lenient = json.loads(content, parse_constant=str)
        return msgspec.json.decode(json.dumps(lenient), type=Document)
    except msgspec.ValidationError as error:
        raise _other_kind(error) from None
    except json.JSONDecodeError as error:
        ends = error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg
        fault = "is cut off" if ends else "is not JSON"
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{fault} ({where}: {error.msg})") from None
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise InputError(f"is not JSON ({printable(str(error))})") from None


def decode_extra(content: Raw) -> ExtraInfo:
    """Check one case's ``extra_info``.

    Raises
    ------
    InputError
        naming the first value in it that is wrong, its place, and what is expected.
    """
    try:
        return _EXTRA.decode(content)
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
    except (ValueError, LookupError, TypeError, RecursionError):
        return f"{place}: {expected}"  # the fault is told, only not the value
    if len(found) > 40:
        found = f"{found[:40]}…"
    if place.endswith("seconds"):
        expected = "Expected a number of seconds above 0"
    return f"{place} is {found}; {expected[0].lower()}{expected[1:]}"

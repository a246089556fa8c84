"""The file of thresholds: TOML, every entry with a reason and a last day.

::

    [[case]]                      # may be this much slower before it is a regression
    match = "theano-cpu-*"
    slowdown = "10%"
    reason = "two launches in three share a core with the runner's agent"
    expires = 2027-01-31

    [[expected]]                  # is known to have changed: tested is what is beyond
    match = "*device=cuda*loop=fused*"
    change = "+8%"
    commit = "9ebeca7"            # may be left out
    reason = "float32 sums of the loss, for the sake of accuracy"
    expires = 2026-12-31

``match`` is a shell's pattern (``*``, ``?``, ``[…]``) of a case's id, as pytest has it
between its brackets, or of its axes (``engine=theano device=cpu size=200 …``). Where
several of a kind match, the last one counts. Everything has a reason and a last day:
what nobody renews must not hide a slow-down for ever.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from reports.combination import text_of
from reports.errors import InputError, printable
from reports.guard import percent
from reports.guard.thresholds import Expected, Threshold, Thresholds

_REQUIRED = {"case": ("slowdown",), "expected": ("change",)}
_EVERY = ("match", "reason", "expires")
_OPTIONAL = {"case": (), "expected": ("commit",)}
# fewer would fit commits by chance
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_LONGEST = 200  # characters of a text


def read(path: Path, today: date) -> tuple[Thresholds, tuple[str, ...]]:
    """What the file says, and a line for each entry that is wrong or has expired.

    Raises
    ------
    InputError
        if it cannot be opened, or is no TOML.
    """
    where = printable(str(path))
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        why = printable(str(error)) or "nested too deeply"
        raise InputError(f"{where}: is not TOML ({why})") from None
    problems = [
        f"unknown {_quoted(key)}; there are [[case]] and [[expected]]"
        for key in document
        if key not in _REQUIRED
    ]
    found: dict[str, list[Mapping[str, Any]]] = {"case": [], "expected": []}
    for kind, entries in found.items():
        given = document.get(kind, [])
        if not isinstance(given, list) or not all(isinstance(e, dict) for e in given):
            problems.append(
                f"{kind} is no list of entries; write [[{kind}]] above each"
            )
            continue
        for number, entry in enumerate(given, 1):
            fault = _fault(kind, entry, today)
            if fault:
                problems.append(f"[[{kind}]] {_called(entry, number)}: {fault}")
            else:
                entries.append(entry)
    thresholds = Thresholds(
        tuple([_threshold(entry) for entry in found["case"]]),
        tuple([_expected(entry) for entry in found["expected"]]),
    )
    return thresholds, tuple(f"{where}: {each}" for each in problems)


def _fault(kind: str, entry: Mapping[str, Any], today: date) -> str:
    """What is wrong with an entry, "" if nothing."""
    required = (*_EVERY, *_REQUIRED[kind])
    known = (*required, *_OPTIONAL[kind])
    for key, value in entry.items():
        if key not in known:
            return f"unknown {_quoted(key)}; there are {', '.join(known)}"
        if fault := _value_fault(key, value):
            return fault
    missing = [key for key in required if key not in entry]
    if missing:
        return f"{missing[0]} is missing"
    try:
        _read_share(kind, entry)
    except InputError as error:
        return str(error)
    expired = entry["expires"] < today
    return f"expired on {entry['expires']}: renew it or remove it" if expired else ""


def _value_fault(key: str, value: object) -> str:
    """What is wrong with the value of a known ``key``, "" if nothing."""
    # a time of day is a date to Python, and no last day
    if key == "expires" and type(value) is date:
        return ""
    if key == "expires":
        return (
            f"expires is {_shown(value)}, expected a date such as 2027-01-31 without "
            "quotes"
        )
    if not isinstance(value, str):
        return f"{key} is {_shown(value)}, expected a text in quotes"
    if not value.strip():
        return f"{key} is empty, expected a text in quotes"
    if key == "commit" and not _COMMIT.fullmatch(value.strip()):
        return (
            f"commit is {_shown(value)}, expected 7 or more of the hexadecimal digits "
            "that are a commit's name"
        )
    return ""


def _read_share(kind: str, entry: Mapping[str, Any]) -> float:
    if kind == "case":
        return percent.slowdown(entry["slowdown"])
    return percent.change(entry["change"])


def _threshold(entry: Mapping[str, Any]) -> Threshold:
    return Threshold(
        _text(entry["match"]),
        _read_share("case", entry),
        _text(entry["reason"]),
        entry["expires"],
    )


def _expected(entry: Mapping[str, Any]) -> Expected:
    return Expected(
        _text(entry["match"]),
        _read_share("expected", entry),
        _text(entry["reason"]),
        entry["expires"],
        entry.get("commit", "").strip().lower(),
    )


def _called(entry: Mapping[str, Any], number: int) -> str:
    match = entry.get("match")
    return _quoted(match) if isinstance(match, str) and match else f"number {number}"


def _quoted(text: str) -> str:
    return f"'{_text(text)}'"


def _shown(value: object) -> str:
    """As TOML's reader has it, on one short line."""
    text = text_of(value if isinstance(value, str | int) else str(value))
    return text if len(text) <= 40 else f"{text[:39]}…"


def _text(text: str) -> str:
    return printable(text.strip()[:_LONGEST])

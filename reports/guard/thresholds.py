"""Thresholds: what a team knows of single cases, and which of it fits a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import TypeVar

from reports.combination import Combination
from reports.guard import percent


@dataclass(frozen=True)
class Threshold:
    """Cases that match are tested against ``slowdown``, a share, in place of all's."""

    match: str
    slowdown: float
    reason: str
    expires: date

    def __str__(self) -> str:
        """Its place and reason, for people."""
        allowed = f"allowed is {percent.text(self.slowdown)} more"
        return f"{allowed} until {self.expires}: {self.reason}"


@dataclass(frozen=True)
class Expected:
    """Cases that match are to take ``factor`` times as long in head as in base.

    Unless base was measured with ``commit``, which made the change: it has it by then.
    "" where the file names none.
    """

    match: str
    factor: float
    reason: str
    expires: date
    commit: str = ""

    def __str__(self) -> str:
        """Its change and reason, for people."""
        by = f" by {self.commit}" if self.commit else ""
        change = f"{(self.factor - 1) * 100:+.6g} %"
        return f"expected {change}{by} until {self.expires}: {self.reason}"


@dataclass(frozen=True)
class Thresholds:
    """All that the file says; of several that match a case, the last one counts."""

    cases: tuple[Threshold, ...] = ()
    expected: tuple[Expected, ...] = ()

    def threshold(self, name: str, combination: Combination) -> Threshold | None:
        """What the case called ``name`` is tested against; None: as all are."""
        return _last(self.cases, name, combination)

    def change(self, name: str, combination: Combination, base: str) -> Expected | None:
        """What is expected of the case, with ``base`` the commit of its base."""
        found = _last(self.expected, name, combination)
        if found and found.commit and base.startswith(found.commit):
            return None
        return found

    def unused(self, cases: Sequence[tuple[str, Combination]]) -> tuple[str, ...]:
        """A line for each entry that fits none of ``cases``."""
        kinds = (("case", self.cases), ("expected", self.expected))
        return tuple(
            f"[[{kind}]] match = '{entry.match}' fits no case of these"
            for kind, entries in kinds
            for entry in entries
            if not any(_fits(entry.match, *case) for case in cases)
        )


_Entry = TypeVar("_Entry", Threshold, Expected)


def _last(
    entries: Sequence[_Entry], name: str, combination: Combination
) -> _Entry | None:
    fitting = (e for e in reversed(entries) if _fits(e.match, name, combination))
    return next(fitting, None)


def _fits(match: str, name: str, combination: Combination) -> bool:
    return fnmatchcase(name, match) or fnmatchcase(combination.describe(), match)

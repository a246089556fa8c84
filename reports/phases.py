"""Where a launch's time went: its parts, what is left of its wall time, sums, medians.

The wall time is from before the process was started until it was gone, and the parts
lie within it one after the other. What a file does not tell, since it is older than the
figure or from elsewhere, is in the rest.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from reports.pool import Pooled
from reports.records import Launch

#: In the order of time.
PARTS = (
    "start",
    "imports",
    "data",
    "build",
    "first",
    "measured",
    "disturbed",
    "waited",
    "around",
    "audit",
    "end",
)
_NOTHING = 1e-6  # seconds; what sums of figures may be off by


@dataclass(frozen=True)
class Account:
    """Seconds of a launch, or of several together; None is what no file tells.

    ``wall`` is all of it. ``start`` and ``end`` are the process's own, ``first`` is
    compilation and the warm-up epoch, ``measured`` the rounds that count and
    ``disturbed`` those that do not, ``waited`` the pauses for a quiet machine before
    their repetition, ``around`` what the training loop took besides its epochs,
    ``audit`` reading back a GPU's memory pool.
    """

    wall: float | None
    start: float | None
    imports: float | None
    data: float | None
    build: float | None
    first: float | None
    measured: float | None
    disturbed: float | None
    waited: float | None
    around: float | None
    audit: float | None
    end: float | None

    def part(self, name: str) -> float | None:
        """The part called ``name``, one of `PARTS`."""
        value: float | None = getattr(self, name)
        return value

    @property
    def rest(self) -> float | None:
        """What of the wall time no part tells of; below 0 the file contradicts itself.

        None where the wall time is not told.
        """
        return self._without([part for name in PARTS if (part := self.part(name))])

    @property
    def set_up(self) -> float | None:
        """Imports, images and network together; None unless all are told."""
        parts = (self.imports, self.data, self.build)
        told = [part for part in parts if part is not None]
        return math.fsum(told) if len(told) == len(parts) else None

    @property
    def lost(self) -> float:
        """To disturbances: the rounds that do not count, and waiting."""
        return (self.disturbed or 0.0) + (self.waited or 0.0)

    @property
    def other(self) -> float | None:
        """All but set-up, first, measured and lost; None without the wall time."""
        shown = (self.set_up, self.first, self.measured, self.lost)
        return self._without([part for part in shown if part])

    @property
    def measured_percent(self) -> float | None:
        """Measured training's share of the wall time; None where that is not told."""
        if self.wall is None or self.measured is None:
            return None
        return 100 * self.measured / self.wall

    def _without(self, parts: Sequence[float]) -> float | None:
        if self.wall is None:
            return None
        left = math.fsum([self.wall, *(-part for part in parts)])
        return 0.0 if abs(left) < _NOTHING else left


@dataclass(frozen=True)
class Row:
    """A case and the accounts of its launches, of which all tell the same parts."""

    case: Pooled
    accounts: tuple[Account, ...]

    def median_of(self, name: str) -> float | None:
        """Of a figure of `Account` over launches; None where they do not tell it."""
        figures = [getattr(account, name) for account in self.accounts]
        return None if None in figures else median(figures)

    @property
    def contradiction(self) -> float:
        """By how many seconds, at most, the parts of a launch exceed its wall time."""
        return max(-min(account.rest or 0.0, 0.0) for account in self.accounts)


def rows(cases: Iterable[Pooled]) -> tuple[Row, ...]:
    """A row for each of ``cases`` of which some launch tells its phases."""
    found = [(case, [account(launch) for launch in case.launches]) for case in cases]
    told = [(case, [each for each in some if each]) for case, some in found]
    return tuple(Row(case, alike(some)) for case, some in told if some)


def account(launch: Launch) -> Account | None:
    """That of one launch; None where its file has no phases."""
    phases = launch.phases
    if phases is None:
        return None
    # The newest parts came together, and every process takes time to start: where that
    # is told, a 0 of the others is one.
    all_told = phases.start_seconds > 0
    measured = launch.counted_seconds
    return Account(
        wall=launch.wall_seconds or None,
        start=phases.start_seconds or None,
        imports=phases.import_seconds or None,
        data=phases.data_seconds or None,
        build=phases.build_seconds or None,
        first=phases.first_seconds or None,
        measured=measured,
        disturbed=launch.all_seconds - measured,
        waited=_told(launch.waited_seconds, launch.wall_seconds > 0),
        around=_told(phases.around_seconds, all_told),
        audit=_told(phases.audit_seconds, all_told),
        end=phases.end_seconds or None,
    )


def alike(accounts: Sequence[Account]) -> tuple[Account, ...]:
    """The same, but each tells only what all do: the rest is of the same parts then."""
    names = ("wall", *PARTS)
    untold = {name for name in names if None in [getattr(a, name) for a in accounts]}
    nothing: dict[str, None] = dict.fromkeys(untold)
    return tuple(replace(each, **nothing) for each in accounts)


def total(accounts: Sequence[Account]) -> Account:
    """The sum of ``accounts``, one or more, with the parts that all of them tell."""
    same = alike(accounts)
    sums = {
        name: None
        if getattr(same[0], name) is None
        else math.fsum([getattr(each, name) for each in same])
        for name in ("wall", *PARTS)
    }
    return Account(**sums)


def _told(seconds: float, known: bool) -> float | None:
    return seconds if seconds or known else None

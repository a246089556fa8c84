"""Points: what one commit took on one day, for each case, in the order of saving."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from msgspec import structs

from reports.combination import Combination
from reports.load import SavedFile
from reports.origins import Machine
from reports.pool import Pooled, pool

_SHORT = 7  # of a commit, as git shows it
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Point:
    """All launches of a case with one commit and the same packages on one day (UTC).

    ``when`` is when the first of its files was saved. The same commit on another day
    is another point: where those two differ it was not the code. A file measured with
    uncommitted changes, or without a known commit, is a point of its own.
    """

    when: datetime
    case: Pooled

    @property
    def commit(self) -> str:
        """Seven digits of it, with a ``+`` if there were uncommitted changes."""
        code = self.case.code
        return f"{code.commit[:_SHORT] or _UNKNOWN}{'+' if code.dirty else ''}"

    @property
    def log(self) -> float:
        """The mean of the logarithms of its launch medians, which are seconds."""
        medians = self.case.medians
        return math.fsum([math.log(each) for each in medians]) / len(medians)


@dataclass(frozen=True)
class History:
    """The points of one case on one machine, one or more, in the order of time."""

    points: tuple[Point, ...]

    @property
    def combination(self) -> Combination:
        """What was measured."""
        return self.points[-1].case.combination

    @property
    def machine(self) -> Machine:
        """Where; never two in one history."""
        return self.points[-1].case.machine

    @property
    def label(self) -> str:
        """What a cluster calls the machine; "" elsewhere."""
        return self.points[-1].case.label

    @property
    def launches(self) -> int:
        """How many there are in all points."""
        return sum([len(point.case.launches) for point in self.points])


def histories(files: Iterable[SavedFile]) -> tuple[History, ...]:
    """A history for each case and machine that has a time, in the axes' order.

    Files that do not tell when they were saved are passed over.
    """
    sessions: dict[object, list[tuple[datetime, SavedFile]]] = defaultdict(list)
    for file in files:
        if (when := time_of(file)) is None:
            continue
        for part in _by_packages(file):
            sessions[_session(part, when)].append((when, part))
    found: dict[tuple[Combination, Machine], list[Point]] = defaultdict(list)
    for session in sessions.values():
        session.sort(key=lambda each: (each[0], str(each[1].path)))
        for case in pool([file for _, file in session]).cases:
            place = (case.combination, case.machine)
            found[place].append(Point(session[0][0], case))
    every = [History(tuple(sorted(each, key=_order))) for each in found.values()]
    return tuple(sorted(every, key=_place))


def time_of(file: SavedFile) -> datetime | None:
    """When ``file`` was saved, in UTC; None where it does not tell.

    A time without a zone is in UTC: older versions of pytest-benchmark wrote it so.
    """
    try:
        time = datetime.fromisoformat(file.when)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter in the year 1 or 9999
        return None


def _by_packages(file: SavedFile) -> Iterator[SavedFile]:
    """The cases of ``file`` that have times, in parts of the same package versions."""
    parts = defaultdict(list)
    for case in file.cases:
        if case.outcome is None:
            parts[case.versions].append(case)
    # without its name, two copies of a run with an unknown commit are one session
    code = structs.replace(file.code, file="")
    for cases in parts.values():
        yield replace(file, cases=tuple(cases), code=code)


def _session(file: SavedFile, when: datetime) -> object:
    """What files of one point have in common."""
    code = file.code
    is_known = code.commit and not code.dirty
    time = when.date() if is_known else when
    return (file.machine, code, file.cases[0].versions, time)


def _order(point: Point) -> tuple[object, ...]:
    case = point.case
    return (point.when, case.code.commit, case.code.dirty, case.versions)


def _place(history: History) -> tuple[object, ...]:
    return (history.combination.order, structs.astuple(history.machine))

"""CPU cases that differ in their number of cores only: speed-up, efficiency, a fit."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports import amdahl, cases, stats
from reports.combination import FIELDS
from reports.comparison import Compared, comparable
from reports.pool import Pooled


@dataclass(frozen=True)
class Curve:
    """One task on several numbers of cores of one machine, the fewest first.

    The baseline of all ``rows`` is the first that has a time, its own too, over which
    it has a speed-up of 1. A row with a time and without a speed-up must not be
    compared with it. ``fit`` is Amdahl's law through those that may; None where they
    are too few, or where there is no such law.
    """

    rows: tuple[Compared, ...]
    fit: amdahl.Fit | None

    @property
    def codes_differ(self) -> bool:
        """Whether the law is fitted to times of different commits of the suite."""
        return any(row.codes_differ for row in self.rows)

    @property
    def points(self) -> tuple[Compared, ...]:
        """The rows that the law is to be fitted to."""
        return tuple(row for row in self.rows if row.speedup)


def curves(pooled: Iterable[Pooled]) -> tuple[Curve, ...]:
    """The curves of all CPU cases that were run on two numbers of cores or more."""
    return tuple(_curve(group) for group in _groups(pooled) if len(group) > 1)


def alone(pooled: Iterable[Pooled]) -> tuple[Pooled, ...]:
    """The CPU cases that were run on one number of cores only."""
    return tuple(group[0] for group in _groups(pooled) if len(group) == 1)


def efficiency(row: Compared) -> stats.Speedup | None:
    """Speed-up × fewest cores / cores: 1 where every core is made full use of."""
    if row.speedup is None:
        return None
    share = row.baseline.cores / row.case.combination.cores
    ratio, low, high = row.speedup.ratio, row.speedup.low, row.speedup.high
    return stats.Speedup(
        ratio * share,
        None if low is None else low * share,
        None if high is None else high * share,
    )


def _groups(pooled: Iterable[Pooled]) -> list[list[Pooled]]:
    """Those that were run on a CPU, by all but their cores; each in their order."""
    groups: dict[tuple[object, ...], list[Pooled]] = defaultdict(list)
    for case in pooled:
        combination = case.combination
        if combination.device == "cpu" and cases.has_run(case):
            task = (
                *(combination.value(axis) for axis in FIELDS if axis != "cores"),
                combination.others,
                case.machine,
            )
            groups[task].append(case)
    return list(groups.values())


def _curve(group: Sequence[Pooled]) -> Curve:
    timed = (case for case in group if case.outcome is None)
    baseline = next(timed, group[0])
    rows = tuple(_compared(case, baseline) for case in group)
    points = {
        row.case.combination.cores: row.time
        for row in rows
        if row.speedup is not None and row.time is not None
    }
    if len(points) < amdahl.POINTS_FOR_FIT:
        return Curve(rows, None)
    return Curve(rows, amdahl.fit(tuple(points), tuple(points.values())))


def _compared(case: Pooled, baseline: Pooled) -> Compared:
    time = None if case.outcome else stats.epoch_time(case.medians)
    speedup = None
    if case is baseline and time:
        speedup = stats.Speedup(1.0, None, None)
    elif time and comparable(case, baseline):
        speedup = stats.speedup(baseline.medians, case.medians)
    return Compared(
        case,
        time,
        baseline.combination,
        speedup,
        baseline.outcome,
        codes_differ=bool(speedup) and not case.code.is_commit_of(baseline.code),
    )

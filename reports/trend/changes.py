"""Changes: where a history has another level than before, and by how much.

A level is a stretch of points with one time. The change points are those of the
partition of least squares, with a penalty for each that follows from the noise:

1. The noise is that of the launches or, where it is larger, that of the differences of
   neighbouring points. A single point that lies far off is no change, and is put to
   the middle of its neighbours.
2. With Schwarz's penalty (the noise's variance × 2 log n) there may be too many change
   points, and around their levels the noise is measured again.
3. With it the penalty is t² × variance, where t is Student's for a chance of 2 % over
   all places where one change could be.

Of histories without a change 0.4 to 4 % are given one, whether days differ or their
launches alone (`tests/reports/test_trend_chances.py`); up to 7 % where there is one
launch a point, with tails as heavy as Student's t of 3 degrees of freedom.

Sources: ruptures for the partitions (Truong et al. 2020); Yao 1988 for Schwarz's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports import stats
from reports.trend import noise as noises
from reports.trend import partitions
from reports.trend.noise import Noise
from reports.trend.points import History, Point

#: Chance of a change where there is none, over all places of a history.
CHANCE = 0.02


@dataclass(frozen=True)
class Level:
    """Points between two changes; their mean time in seconds (geometric, of points).

    ``low`` and ``high`` are its 95 % interval, None where nothing tells of the noise.
    """

    points: tuple[Point, ...]
    seconds: float
    low: float | None
    high: float | None

    @property
    def launches(self) -> int:
        """How many there are in all its points."""
        return sum([len(point.case.launches) for point in self.points])


@dataclass(frozen=True)
class Step:
    """How much longer an epoch takes after than before, in %; its 95 % interval."""

    percent: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Change:
    """A change point: it lies between the last point before and the first after."""

    before: Level
    after: Level
    step: Step

    @property
    def last(self) -> Point:
        """The last point of the old level."""
        return self.before.points[-1]

    @property
    def first(self) -> Point:
        """The first point of the new level."""
        return self.after.points[0]


@dataclass(frozen=True)
class Trend:
    """A history, its levels in order, the changes between them.

    ``outliers`` are numbers of points that alone lie far off. ``noise`` is None where
    there is one launch a point and too few points. ``since_start`` is the last point
    over the first, None where that is one point.
    """

    history: History
    levels: tuple[Level, ...]
    changes: tuple[Change, ...]
    outliers: tuple[int, ...]
    noise: Noise | None
    since_start: Step | None


def trend(history: History) -> Trend:
    """Find the changes of ``history``, for which it needs `partitions.FEWEST` points.

    Raises
    ------
    InputError
        if there are enough, and ruptures is not installed.
    """
    raw = [point.log for point in history.points]
    logs, ends, noise, outliers = _levels(history, raw)
    bounds = list(pairwise((0, *ends)))
    means = [math.fsum(logs[a:b]) / (b - a) for a, b in bounds]
    levels = tuple(
        [
            Level(history.points[a:b], *_around(mean, noise, 1 / (b - a)))
            for mean, (a, b) in zip(means, bounds, strict=True)
        ]
    )
    changes = []
    for place, (before, after) in enumerate(pairwise(levels)):
        share = 1 / len(before.points) + 1 / len(after.points)
        step = _step(means[place + 1] - means[place], noise, share)
        changes.append(Change(before, after, step))
    since_start = _step(raw[-1] - raw[0], noise, 2.0) if len(raw) > 1 else None
    return Trend(history, levels, tuple(changes), outliers, noise, since_start)


def _levels(
    history: History, raw: Sequence[float]
) -> tuple[Sequence[float], tuple[int, ...], Noise | None, tuple[int, ...]]:
    """Logs without outliers, the ends of levels, the noise, and the outliers."""
    launches = noises.of_launches([point.case.medians for point in history.points])
    count = len(raw)
    if count < partitions.FEWEST:
        return raw, (count,), launches, ()
    rough = noises.larger(noises.of_differences(raw), launches)
    logs, outliers = noises.without_outliers(raw, rough, CHANCE)
    every = partitions.partitions(logs)
    first = partitions.best(every, 2 * math.log(count) * rough.error**2)
    noise = noises.larger(noises.of_residuals(logs, first.ends), launches)
    places = count - partitions.FEWEST + 1
    reach = noise.quantile(CHANCE, places) * noise.error
    ends = partitions.best(every, reach**2).ends
    return (
        logs,
        ends,
        noises.larger(noises.of_residuals(logs, ends), launches),
        outliers,
    )


def _step(difference: float, noise: Noise | None, share: float) -> Step:
    middle, low, high = _around(difference, noise, share)
    return Step(
        _percent(middle),
        None if low is None else _percent(low),
        None if high is None else _percent(high),
    )


def _around(
    log: float, noise: Noise | None, share: float
) -> tuple[float, float | None, float | None]:
    """The value and its 95 % interval, whose variance is ``share`` of the noise's."""
    if noise is None:
        return math.exp(log), None, None
    half = noise.quantile(1 - stats.CONFIDENCE) * noise.error * math.sqrt(share)
    return math.exp(log), math.exp(log - half), math.exp(log + half)


def _percent(ratio: float) -> float:
    return (ratio - 1) * 100

"""Amdahl's law fitted to epoch times on several numbers of cores (pure functions).

On n cores an epoch takes t(n) = t(1) · (s + (1 - s) / n), s being the serial fraction:
a straight line in 1 / n. The squares are of errors relative to the time that was
measured (weights 1 / t²), since timings scatter by a factor rather than by an amount;
unweighted, the fewest cores alone would decide.

Each number of cores is one point, the median over its launches. What the law misses
there its launches have in common, so that they are no independent witnesses to it: in a
simulation (5 numbers of cores, 5 launches each that scatter by 3 %) in which the law is
itself off by 3 %, an interval over launches covers the serial fraction in 70 % of the
cases, and that over numbers of cores in 95 %. So it does where the law is exact.

Source: Amdahl 1967.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reports import stats

POINTS_FOR_FIT = 3
# as for launches: with one degree of freedom the t quantile of 12.7 says nothing
POINTS_FOR_INTERVAL = 4
#: A law that misses no time by more still serves to plan by; no machine keeps to it
#: exactly, be it only that clocks fall as cores join in.
TOLERANCE = 0.1
_ROUNDING = 1e-9  # of a fraction, by floating-point arithmetic


@dataclass(frozen=True)
class Fit:
    """The law that fits ``times`` (on ``cores``, in the same order) best.

    ``one_core`` is t(1) in seconds, above 0. ``estimate`` is the serial fraction as it
    comes out, which may lie outside 0 to 1. ``interval`` is its 95 % interval, in which
    the misses of the law are: None for fewer than 4 numbers of cores, or where they are
    so large that t(1) itself need not be above 0.
    """

    cores: tuple[int, ...]
    times: tuple[stats.EpochTime, ...]
    one_core: float
    estimate: float
    interval: tuple[float, float] | None

    @property
    def serial(self) -> float:
        """The serial fraction, clipped to 0 to 1."""
        return _clipped(self.estimate)

    @property
    def serial_interval(self) -> tuple[float, float] | None:
        """What of the interval lies within 0 to 1; None where nothing does."""
        if self.interval is None:
            return None
        if self.interval[0] > 1 + _ROUNDING or self.interval[1] < -_ROUNDING:
            return None
        return _clipped(self.interval[0]), _clipped(self.interval[1])

    @property
    def is_clipped(self) -> bool:
        """Whether the estimate lies outside 0 to 1."""
        return abs(self.serial - self.estimate) > _ROUNDING

    @property
    def limit(self) -> float | None:
        """1 / s, the largest speed-up over one core; None where there is no limit."""
        return _limit(self.serial)

    @property
    def limit_interval(self) -> tuple[float, float | None] | None:
        """That of the limit, from below; None above where nothing bounds it."""
        if self.serial_interval is None:
            return None
        low, high = self.serial_interval
        lowest = _limit(high)
        return None if lowest is None else (lowest, _limit(low))

    def seconds(self, cores: int) -> float:
        """An epoch on so many ``cores`` by the law."""
        return self.one_core * (self.estimate + (1 - self.estimate) / cores)

    @cached_property
    def misses(self) -> tuple[float, ...]:
        """(measured - law) / measured, a number of cores each; above 0 is slower."""
        pairs = zip(self.cores, self.times, strict=True)
        return tuple([1 - self.seconds(n) / time.seconds for n, time in pairs])

    @property
    def worst(self) -> int:
        """Place of the time that the law misses most."""
        return max(range(len(self.cores)), key=lambda place: abs(self.misses[place]))

    @property
    def is_poor(self) -> bool:
        """Whether some time is further off than `TOLERANCE` and than its launches say.

        They explain a miss where the law lies within the time's own interval; of a time
        without an interval the tolerance alone decides.
        """
        points = zip(self.cores, self.times, self.misses, strict=True)
        return any(
            abs(miss) > TOLERANCE and not _explained(time, self.seconds(n))
            for n, time, miss in points
        )


def fit(cores: Sequence[int], times: Sequence[stats.EpochTime]) -> Fit | None:
    """Fit the law to ``times`` on as many distinct numbers of ``cores``, 3 or more.

    None where no such law has a time above 0 on one core.
    """
    seconds = [time.seconds for time in times]
    weights = [each**-2 for each in seconds]
    x = [1 / n for n in cores]
    mean_x, mean_t = _mean(x, weights), _mean(seconds, weights)
    spread = _sum_of_products([each - mean_x for each in x], x, weights)
    slope = _sum_of_products([each - mean_x for each in x], seconds, weights) / spread
    serial = mean_t - slope * mean_x  # seconds, of the one core's
    one_core = serial + slope
    if one_core <= 0:
        return None
    found = Fit(tuple(cores), tuple(times), one_core, serial / one_core, None)
    if len(cores) < POINTS_FOR_INTERVAL:
        return found
    degrees = len(cores) - 2
    error = math.fsum([miss**2 for miss in found.misses]) / degrees

    def square(x_1: float, x_2: float) -> float:
        """Covariance of the law at two abscissas, times the square of t."""
        at = 1 / math.fsum(weights) + (x_1 - mean_x) * (x_2 - mean_x) / spread
        return at * error * stats.t_quantile(degrees) ** 2

    squares = square(0, 0), square(0, 1), square(1, 1)
    return replace(found, interval=_ratio_interval(serial, one_core, *squares))


def _ratio_interval(
    above: float, below: float, square: float, product: float, square_below: float
) -> tuple[float, float] | None:
    """Interval of ``above`` / ``below``, two estimates with correlated errors.

    ``square`` and ``square_below`` are those of their half-widths, ``product`` is the
    like of their covariance. None where the interval has no two ends.

    Source: Fieller 1954.
    """
    leading = below**2 - square_below
    if leading <= 0:
        return None
    middle = above * below - product
    root = math.sqrt(max(0.0, middle**2 - leading * (above**2 - square)))
    return (middle - root) / leading, (middle + root) / leading


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    ones = [1.0] * len(values)
    return _sum_of_products(values, ones, weights) / math.fsum(weights)


def _sum_of_products(
    left: Sequence[float], right: Sequence[float], weights: Sequence[float]
) -> float:
    triples = zip(left, right, weights, strict=True)
    return math.fsum([one * other * weight for one, other, weight in triples])


def _explained(time: stats.EpochTime, seconds: float) -> bool:
    return time.has_interval and time.low <= seconds <= time.high


def _clipped(fraction: float) -> float:
    return 0.0 if fraction < _ROUNDING else min(1.0, fraction)


def _limit(serial: float) -> float | None:
    return 1 / serial if serial > 0 else None

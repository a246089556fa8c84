"""Epoch time and speed-up with their 95 % intervals, over launches (pure functions).

The launch is the unit: epochs of one process are correlated, so that intervals over
rounds would be far too narrow. Every interval is taken on logarithms, since timings
scatter by a factor rather than by an amount; it surrounds the geometric mean of the
launch medians, the value beside it is their median, and the two nearly coincide, but
where launches are of two kinds: the value may then lie outside, which is told.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import geometric_mean, median
from typing import cast

from msgspec import Struct

CONFIDENCE = 0.95
# two launches have a variance, but its t quantile of 12.7 says nothing about them
LAUNCHES_FOR_INTERVAL = 3

_ROUNDING = 1e-9

#: Launch medians of one case, seconds.
Sample = tuple[float, ...]


class EpochTime(Struct, frozen=True):
    """Seconds of an epoch: median over launch medians, with a range around it.

    ``low`` and ``high`` are the 95 % interval if ``launches`` is 3 or more, else the
    smallest and the largest launch median.
    """

    seconds: float
    low: float
    high: float
    launches: int

    @property
    def has_interval(self) -> bool:
        """Whether ``low`` and ``high`` are an interval, not just the extremes."""
        return self.launches >= LAUNCHES_FOR_INTERVAL

    @property
    def is_outside(self) -> bool:
        """Whether the median lies outside the interval, which is around the mean."""
        return self.has_interval and _outside(self.seconds, self.low, self.high)


class Speedup(Struct, frozen=True):
    """t_baseline / t_case; its 95 % interval, None where launches are too few."""

    ratio: float
    low: float | None
    high: float | None

    @property
    def is_outside(self) -> bool:
        """Whether the ratio lies outside the interval, which is around the mean."""
        if self.low is None or self.high is None:
            return False
        return _outside(self.ratio, self.low, self.high)


def _outside(value: float, low: float, high: float) -> bool:
    """By more than rounding, as where launches are of two kinds, fast and slow."""
    return not low * (1 - _ROUNDING) <= value <= high * (1 + _ROUNDING)


def launch_median(seconds: Sequence[float]) -> float:
    """A launch's one sample: the median of its rounds, of which there is one or more.

    Rounds of a process share its fate (addresses, clocks, neighbours), so that they
    say little of another process; the median leaves out what befell a few of them.
    """
    return median(seconds)


def epoch_time(medians: Sample) -> EpochTime:
    """Summarise one case's launch ``medians`` (seconds, one or more, above 0).

    From 3 launches on the range is Student's t interval on their logarithms.
    """
    seconds, launches = _middle(medians), len(medians)
    if launches < LAUNCHES_FOR_INTERVAL:
        return EpochTime(seconds, min(medians), max(medians), launches)
    centre, share = _moments(medians)
    half = t_quantile(launches - 1) * math.sqrt(share)
    return EpochTime(
        seconds, math.exp(centre - half), math.exp(centre + half), launches
    )


def speedup(baseline: Sample, case: Sample) -> Speedup:
    """Speed-up of ``case`` over ``baseline`` (equation 1 of the paper: t_s / t_p).

    Both are launch medians in seconds, one or more, above 0. The interval is Welch's
    on logarithms (unequal variances, degrees of freedom after Welch and
    Satterthwaite): that of ``scipy.stats.ttest_ind(log baseline, log case,
    equal_var=False)``, exponentiated. It needs 3 launches on both sides.
    """
    return mean_speedup([(baseline, case)])


def mean_speedup(pairs: Sequence[tuple[Sample, Sample]]) -> Speedup:
    """Geometric mean of the speed-ups of ``pairs`` of baseline and case, one or more.

    As in `speedup`, with the error of each pair in the mean's: launches of different
    cases are independent. It says how sure the mean of these very cases is, not how
    much others would scatter around it. It needs 3 launches on all sides.
    """
    ratios = [_middle(baseline) / _middle(case) for baseline, case in pairs]
    ratio = ratios[0] if len(ratios) == 1 else geometric_mean(ratios)
    samples = [sample for pair in pairs for sample in pair]
    if min(map(len, samples)) < LAUNCHES_FOR_INTERVAL:
        return Speedup(ratio, None, None)
    means = [_moments(sample)[0] for sample in samples]
    centre = (math.fsum(means[::2]) - math.fsum(means[1::2])) / len(pairs)
    half = welch_half_width(*samples) / len(pairs)
    return Speedup(ratio, math.exp(centre - half), math.exp(centre + half))


def welch_half_width(*samples: Sample) -> float:
    """Half the 95 % interval of a sum or difference of the mean logs of ``samples``.

    Each has two launch medians or more. Source: Welch 1947 and Satterthwaite 1946 for
    the degrees of freedom.
    """
    shares = [_moments(sample)[1] for sample in samples]
    total = math.fsum(shares)
    if total == 0:
        return 0.0
    degrees = total**2 / math.fsum(
        [
            share**2 / (len(sample) - 1)
            for share, sample in zip(shares, samples, strict=True)
        ]
    )
    return t_quantile(degrees) * math.sqrt(total)


# A case is one side of many comparisons.
@lru_cache(maxsize=2**16)
def _middle(medians: Sample) -> float:
    return median(medians)


@lru_cache(maxsize=2**16)
def _moments(medians: Sample) -> tuple[float, float]:
    """The mean of the logarithms, and that mean's squared standard error."""
    logs = [math.log(each) for each in medians]
    centre = math.fsum(logs) / len(logs)
    # ten times as fast as ``statistics``', which reckons in fractions
    squares = math.fsum([(each - centre) ** 2 for each in logs])
    return centre, squares / (len(logs) - 1) / len(logs)


@lru_cache(maxsize=1024)
def t_quantile(degrees: float) -> float:
    """Student's t at 97.5 %: half-width of a 95 % interval in standard errors."""
    return float(load_quantiles()(degrees, (1 + CONFIDENCE) / 2))


@lru_cache(maxsize=1)
def load_quantiles() -> Callable[[float, float], float]:
    """Student's t quantiles by degrees of freedom and probability.

    They take a third of a second to import, and only intervals need them.
    """
    from scipy.special import stdtrit

    return cast(Callable[[float, float], float], stdtrit)


@lru_cache(maxsize=2**16)
def log_mean(medians: Sample) -> float:
    """Mean of the logarithms of one launch median or more: e to it is their middle."""
    return math.fsum(map(math.log, medians)) / len(medians)


def log_moments(medians: Sample) -> tuple[float, float]:
    """Of 2 or more ``medians``: the mean of their logs, and its squared error."""
    return _moments(medians)

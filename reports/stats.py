"""Epoch time and speed-up with their 95 % intervals, over launches (pure functions).

The launch is the unit: epochs of one process are correlated, so that intervals over
rounds would be far too narrow. Every interval is taken on logarithms, since timings
scatter by a factor rather than by an amount; it surrounds the geometric mean of the
launch medians, the value beside it is their median, and the two nearly coincide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median

CONFIDENCE = 0.95
# two launches have a variance, but its t quantile of 12.7 says nothing about them
LAUNCHES_FOR_INTERVAL = 3


@dataclass(frozen=True)
class EpochTime:
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


@dataclass(frozen=True)
class Speedup:
    """t_baseline / t_case; its 95 % interval, None where launches are too few."""

    ratio: float
    low: float | None
    high: float | None


def launch_median(seconds: Sequence[float]) -> float:
    """A launch's one sample: the median of its rounds, of which there is one or more.

    Rounds of a process share its fate (addresses, clocks, neighbours), so that they
    say little of another process; the median leaves out what befell a few of them.
    """
    return median(seconds)


def epoch_time(medians: Sequence[float]) -> EpochTime:
    """Summarise one case's launch ``medians`` (seconds, one or more, above 0).

    From 3 launches on the range is Student's t interval on their logarithms.
    """
    seconds, launches = median(medians), len(medians)
    if launches < LAUNCHES_FOR_INTERVAL:
        return EpochTime(seconds, min(medians), max(medians), launches)
    logs = [math.log(each) for each in medians]
    centre = fmean(logs)
    half = t_quantile(launches - 1) * math.sqrt(_variance(logs) / launches)
    return EpochTime(
        seconds, math.exp(centre - half), math.exp(centre + half), launches
    )


def speedup(baseline: Sequence[float], case: Sequence[float]) -> Speedup:
    """Speed-up of ``case`` over ``baseline`` (equation 1 of the paper: t_s / t_p).

    Both are launch medians in seconds, one or more, above 0. The interval is Welch's
    on logarithms (unequal variances, degrees of freedom after Welch and
    Satterthwaite): that of ``scipy.stats.ttest_ind(log baseline, log case,
    equal_var=False)``, exponentiated. It needs 3 launches on both sides.
    """
    return mean_speedup([(baseline, case)])


def mean_speedup(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Speedup:
    """Geometric mean of the speed-ups of ``pairs`` of baseline and case, one or more.

    As in `speedup`, with the error of each pair in the mean's: launches of different
    cases are independent. It says how sure the mean of these very cases is, not how
    much others would scatter around it. It needs 3 launches on all sides.
    """
    ratio = math.exp(fmean([math.log(median(b) / median(c)) for b, c in pairs]))
    samples = [sample for pair in pairs for sample in pair]
    if min(map(len, samples)) < LAUNCHES_FOR_INTERVAL:
        return Speedup(ratio, None, None)
    logs = [[math.log(each) for each in sample] for sample in samples]
    means = [fmean(each) for each in logs]
    centre = (math.fsum(means[::2]) - math.fsum(means[1::2])) / len(pairs)
    half = welch_half_width(*logs) / len(pairs)
    return Speedup(ratio, math.exp(centre - half), math.exp(centre + half))


def welch_half_width(*samples: Sequence[float]) -> float:
    """Half the 95 % interval of a sum or difference of means, two values or more each.

    Source: Welch 1947 and Satterthwaite 1946 for the degrees of freedom.
    """
    shares = [_variance(sample) / len(sample) for sample in samples]
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


def _variance(sample: Sequence[float]) -> float:
    """With n - 1; ten times as fast as ``statistics``', which reckons in fractions."""
    centre = fmean(sample)
    return math.fsum([(each - centre) ** 2 for each in sample]) / (len(sample) - 1)


@lru_cache(maxsize=1024)
def t_quantile(degrees: float) -> float:
    """Student's t at 97.5 %: half-width of a 95 % interval in standard errors."""
    # scipy.special takes most of a second to import, and only intervals need it
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))

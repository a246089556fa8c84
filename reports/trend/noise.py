"""Noise: how much a point of a history scatters, by its launches and by the others.

All of it is on logarithms: an error of 0.01 is one of 1 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from reports import stats
from reports.stats import Sample

#: Nothing is timed more surely than to a thousandth.
LEAST = 1e-3

# Of a normal distribution, the standard deviation by the median absolute value.
_TO_DEVIATION = 1.4826
# Half a degree of freedom for each difference: a median uses less of the data than a
# mean of squares does, and neighbouring differences share a point.
_DEGREES = 0.5
# With one, Student's t is 12.7, which says nothing.
_FEWEST_DEGREES = 2
_WINDOW = 3


@dataclass(frozen=True)
class Noise:
    """The variance of one point, and the degrees of freedom that it is known with."""

    variance: float
    degrees: float

    @property
    def error(self) -> float:
        """One standard error of a point, `LEAST` or more."""
        return max(math.sqrt(self.variance), LEAST)

    def quantile(self, chance: float, places: int = 1) -> float:
        """How many standard errors one of ``places`` is beyond by a ``chance``.

        Both ways; Student's t, with Bonferroni's correction for several places.
        """
        return float(
            stats.load_quantiles()(self.degrees, 1 - chance / 2 / places),
        )


def of_launches(samples: Sequence[Sample]) -> Noise | None:
    """As points would scatter that differ by nothing but their launches.

    The launches' variance, pooled over points, by the launches of a point. None where
    points have too few.
    """
    squares, degrees = 0.0, 0
    for sample in samples:
        logs = [math.log(each) for each in sample]
        mean = math.fsum(logs) / len(logs)
        squares += math.fsum([(each - mean) ** 2 for each in logs])
        degrees += len(logs) - 1
    if degrees < _FEWEST_DEGREES:
        return None
    share = math.fsum([1 / len(sample) for sample in samples]) / len(samples)
    return Noise(squares / degrees * share, degrees)


def of_differences(logs: Sequence[float]) -> Noise:
    """By the differences of neighbours, of which changes are a few: their median.

    ``logs`` are two points or more.
    """
    differences = [abs(after - before) for before, after in pairwise(logs)]
    deviation = median(differences) * _TO_DEVIATION
    return Noise(deviation**2 / 2, _DEGREES * len(differences))


def of_residuals(logs: Sequence[float], ends: Sequence[int]) -> Noise:
    """By what is left around the means of segments that end before ``ends``.

    There are fewer segments than points.
    """
    squares = 0.0
    for start, end in pairwise((0, *ends)):
        segment = logs[start:end]
        mean = math.fsum(segment) / len(segment)
        squares += math.fsum([(each - mean) ** 2 for each in segment])
    degrees = len(logs) - len(ends)
    return Noise(squares / degrees, degrees)


def larger(first: Noise, second: Noise | None) -> Noise:
    """That of the larger variance.

    Launches of one session do not tell how sessions differ; few points, by chance, may
    lie closer together than their launches allow.
    """
    return max(first, second or first, key=lambda noise: noise.variance)


def without_outliers(
    logs: Sequence[float], noise: Noise, chance: float
) -> tuple[list[float], tuple[int, ...]]:
    """``logs`` with single points that lie far off put to the middle of three.

    Also their numbers. Three are a point and its neighbours, at the ends the last
    three. Source: Hampel's filter of the shortest window. There are three or more.
    """
    reach = noise.quantile(chance, len(logs)) * noise.error
    calm = list(logs)
    for number, log in enumerate(logs):
        start = min(max(number - 1, 0), len(logs) - _WINDOW)
        middle = median(logs[start : start + _WINDOW])
        if abs(log - middle) > reach:
            calm[number] = middle
    return calm, tuple([n for n, log in enumerate(logs) if calm[n] != log])

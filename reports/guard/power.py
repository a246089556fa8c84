"""How small a slow-down a case could have shown, by the scatter of its own launches."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from reports.guard.welch import Differences

Floats = npt.NDArray[np.float64]

#: A slow-down beyond this (a hundred times as long) is not looked for.
FAR = 99.0
_HALVINGS = 30  # of a bracket that is narrow to begin with


def smallest_slowdowns(
    differences: Differences, slowdowns: Floats, levels: Sequence[float], power: float
) -> Floats:
    """Slow-downs (0.1 is 10 %) that pass every test in ``power`` of repeats.

    Each test is one-sided, of 'slower by more than ``slowdowns``', at one of the
    ``levels``, with as many launches of its own that scatter as those of
    ``differences`` do. NaN stands where even `FAR` would not do.

    What a typical case is told is found at the power that was asked for, within 0.02,
    where both sides have 3 launches or more that scatter alike; where one side alone
    scatters, 5 launches are found at 0.7 in place of 0.8, 10 at 0.75.
    """
    quantiles = [
        np.asarray(-stdtrit(differences.usual_degrees, level), np.float64)
        for level in levels
    ]
    distance = _noncentrality(differences.degrees, quantiles, power)
    logs = np.log1p(slowdowns) + distance * differences.error
    far = logs > math.log1p(FAR)
    return np.where(far, np.nan, np.expm1(np.where(far, 0.0, logs)))


def _noncentrality(
    degrees: Floats, quantiles: Sequence[Floats], power: float
) -> Floats:
    """Standard errors between the truth and the limit that it takes, found by halving.

    All tests passing at the ``power`` of one is too little, each of n passing at its
    n-th root is enough.
    """
    root = power ** (1 / len(quantiles))
    low: Floats = np.max([_alone(degrees, t, power) for t in quantiles], axis=0)
    high: Floats = np.max([_alone(degrees, t, root) for t in quantiles], axis=0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        passed = np.prod([chance(degrees, t, middle) for t in quantiles], axis=0)
        low = np.where(passed < power, middle, low)
        high = np.where(passed < power, high, middle)
    return high


def chance(degrees: Floats, quantile: Floats, noncentrality: Floats) -> Floats:
    """The chance that a noncentral t passes ``quantile``, by a normal approximation.

    It is 0.001 too low at 18 degrees of freedom and a power of 0.8, 0.008 at 4, and a
    hundred times as quick as the exact one. Source: Abramowitz and Stegun, 26.7.10.
    """
    distance = noncentrality - quantile * (1 - 1 / (4 * degrees))
    return np.asarray(ndtr(distance / np.sqrt(1 + quantile**2 / (2 * degrees))))


def _alone(degrees: Floats, quantile: Floats, power: float) -> Floats:
    """The noncentrality at which one test has ``power``: the inverse of `chance`."""
    spread = np.sqrt(1 + quantile**2 / (2 * degrees))
    return np.asarray(quantile * (1 - 1 / (4 * degrees)) + ndtri(power) * spread)

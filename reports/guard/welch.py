"""Welch's one-sided test on logarithms, for many cases at once (functions of arrays).

Timings scatter by a factor rather than by an amount, and the two sides need not scatter
alike. Source: Welch 1947; Satterthwaite 1946 for the degrees of freedom.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

Floats = npt.NDArray[np.float64]

# No clock tells times apart by less than a billionth. Launches that are identical get
# this error in place of none, so that nothing is divided by zero: what is slower at all
# by more than that is surely slower, and what is equal up to rounding has p = 0.5.
_RESOLUTION = 1e-9


@dataclass(frozen=True)
class Moments:
    """Of the logarithms of launch medians: arrays of one shape, a case each.

    ``square`` is the squared standard error of ``mean``; ``launches`` are 2 or more.
    """

    mean: Floats
    square: Floats
    launches: Floats


@dataclass(frozen=True)
class Differences:
    """Mean log of head less that of base: arrays of one shape, a case each.

    ``error`` is its standard error, above 0, with so many ``degrees`` of freedom.
    ``usual_degrees`` are those that as many other launches will have on average: fewer,
    as the two sides' variances come out less alike than they are.
    """

    mean: Floats
    error: Floats
    degrees: Floats
    usual_degrees: Floats

    def p_above(self, shift: Floats | float) -> Floats:
        """One-sided p-value of 'the true difference is above ``shift``'."""
        return np.asarray(stdtr(self.degrees, (shift - self.mean) / self.error))

    def p_below(self, shift: Floats | float) -> Floats:
        """One-sided p-value of 'the true difference is below ``shift``'."""
        return np.asarray(stdtr(self.degrees, (self.mean - shift) / self.error))


def differences(base: Moments, head: Moments) -> Differences:
    """How far ``head`` is from ``base``, a case each."""
    squares = [np.maximum(side.square, _RESOLUTION**2) for side in (base, head)]
    total = squares[0] + squares[1]
    first, second = squares[0] / total, squares[1] / total
    lost = first**2 / (base.launches - 1) + second**2 / (head.launches - 1)
    # the variance of a share among other launches, to the first order
    scatter = 2 * (first * second) ** 2 * (1 / base.launches + 1 / head.launches)
    more = scatter * (1 / (base.launches - 1) + 1 / (head.launches - 1))
    return Differences(
        head.mean - base.mean, np.sqrt(total), 1 / lost, 1 / (lost + more)
    )

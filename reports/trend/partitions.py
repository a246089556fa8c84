"""Partitions: a series cut into so many segments, each as well as it can be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from reports.errors import InputError

#: Points of a segment: of one point alone nobody knows whether it was the day.
SHORTEST = 2
#: The least that can be cut.
FEWEST = 2 * SHORTEST
_MOST = 20  # cuts; the time that it takes grows with their square


@dataclass(frozen=True)
class Partition:
    """Segments that end before each of ``ends``, the last of which is the series' own.

    ``cost`` is the sum of the squares that are left around the segments' means.
    """

    ends: tuple[int, ...]
    cost: float


def partitions(series: Sequence[float]) -> tuple[Partition, ...]:
    """The best partition of ``series`` (`FEWEST` values or more) for 0, 1, 2, … cuts.

    By dynamic programming, which is exact: with a least length of segments, the PELT of
    ruptures 1.1.10 missed the best one in 1 of 100 short series.

    Raises
    ------
    InputError
        if ruptures is not installed.
    """
    try:
        import numpy as np
        import ruptures
    except ImportError:
        raise InputError(
            "change points need ruptures, which is not installed here; take the saved "
            "files to a checkout with `make env ENGINE=bench`"
        ) from None
    count = len(series)
    most = min(count // SHORTEST - 1, _MOST)
    search = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST)
    search.fit(np.array(series)).predict(n_bkps=most)
    found = [
        tuple([int(end) for end in search.predict(n_bkps=cuts)])
        for cuts in range(1, most + 1)
    ]
    # from their mean, so that the squares lose no digits
    mean = math.fsum(series) / count
    sums = (0.0, *accumulate([each - mean for each in series]))
    squares = (0.0, *accumulate([(each - mean) ** 2 for each in series]))
    return tuple(
        [Partition(ends, _cost(sums, squares, ends)) for ends in ((count,), *found)]
    )


def best(every: Sequence[Partition], penalty: float) -> Partition:
    """The one of the least cost, where each cut adds ``penalty``; the first of some."""
    return min(every, key=lambda each: each.cost + penalty * (len(each.ends) - 1))


def _cost(
    sums: Sequence[float], squares: Sequence[float], ends: Sequence[int]
) -> float:
    """By the running ``sums`` of the values and of their ``squares``."""
    return math.fsum(
        [
            squares[end]
            - squares[start]
            - (sums[end] - sums[start]) ** 2 / (end - start)
            for start, end in pairwise((0, *ends))
        ]
    )

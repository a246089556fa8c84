"""Cases that are no training of ours: another project's, or this suite's own cost."""

import statistics
from dataclasses import dataclass

from reports import decoding, schema
from reports.errors import InputError


@dataclass(frozen=True)
class Other:
    """What any pytest-benchmark file tells of a case: median seconds of its rounds.

    ``has_data`` is whether the rounds themselves were saved.
    """

    name: str
    seconds: float
    rounds: int | None
    has_data: bool


def other(name: str, benchmark: schema.Unchecked) -> Other:
    """The case that ``benchmark`` is.

    Raises
    ------
    InputError
        if it has no time, or one that none can be.
    """
    stats = decoding.decode_stats(benchmark.stats)
    if stats.data:
        return Other(name, statistics.median(stats.data), len(stats.data), True)
    if stats.median is None:
        raise InputError("has neither rounds (stats.data) nor stats.median")
    return Other(name, stats.median, stats.rounds, False)

"""GPU memory that a case held: before training, and at its peak."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from reports.pool import Pooled


@dataclass(frozen=True)
class Held:
    """GPU memory in bytes, the median over launches.

    It is the engine's own count, or where that tells nothing the driver's of the whole
    process (``by_driver``), with CUDA's own part and all that a pool reserved.
    """

    bytes: float
    by_driver: bool


def reserved(case: Pooled) -> Held | None:
    """What the pool of ``case`` had before training; None where nobody tells."""
    memories = [each.memory for each in case.launches if each.memory]
    return _held([(each.before.reserved, each.process_before) for each in memories])


def peak(case: Pooled) -> Held | None:
    """The most that was in use at a time; None where nobody tells.

    The driver tells no peak: by its count it is what the process has after training.
    Of a pool that is reserved at once that is all of it, whatever was in use.
    """
    found = _after(case)
    return None if found and found.by_driver and _is_reserved(case) else found


def hides_peak(case: Pooled) -> bool:
    """Whether all that is told of its peak is the whole pool."""
    return peak(case) is None and _after(case) is not None


def _after(case: Pooled) -> Held | None:
    memories = [each.memory for each in case.launches if each.memory]
    return _held([(each.after.peak, each.process_after) for each in memories])


def _is_reserved(case: Pooled) -> bool:
    """Whether its pool is a share of the GPU's memory, or so many MB, from the start.

    Others are no pool, or have a name and grow.
    """
    try:
        return float(case.combination.cnmem or 0) > 0
    except ValueError:
        return False


def _held(counts: Sequence[tuple[int | None, int | None]]) -> Held | None:
    """The median of launches' ``counts``: the engine's, else the driver's."""
    by_engine = [engine for engine, _ in counts if engine is not None]
    by_driver = [driver for _, driver in counts if driver is not None]
    told = by_engine or by_driver
    return Held(median(told), not by_engine) if told else None

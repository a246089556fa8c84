"""What a worker's memory pool really was, and whether it is what the case says.

A setting is never trusted: engines rename their variables, an allocator that cannot
have what it is asked takes less without a word, and JAX reserves three quarters of a
GPU if it is not told otherwise.
"""

from collections.abc import Callable
from dataclasses import replace

from benchmarks import gpu_memory
from benchmarks.gpu_memory import State, in_megabytes
from benchmarks.outcomes import MeasuringFailed, Outcome, failed
from histocnn.cupti import allocations
from histocnn.job import Job
from histocnn.measurement import GpuMemory
from histocnn.memory import MEBIBYTE, PoolKind
from histocnn.protocol import Opened, Trained

#: How far a reservation may be from what was asked: engines round to their blocks.
_TOLERANCE = 0.02
_SLACK = 512 * MEBIBYTE  # blocks beside the reserved one
#: A pool that grows, or none, takes less than this share of a GPU before training.
_UNASKED = 0.25


class ReadBack:
    """The memory of one worker on a GPU: looked at before training and after."""

    def __init__(
        self,
        job: Job,
        pid: int | None,
        opened: Opened,
        look: Callable[[], State | None] = gpu_memory.read,
    ) -> None:
        """The worker ``pid`` has ``opened`` ``job`` and not trained yet."""
        self._job = job
        self._pid = pid
        self._opened = opened
        self._look = look
        self._before = self._held()

    def done(self, trained: Trained, calls: dict[str, int] | None) -> GpuMemory | None:
        """All that was read back; None on the CPU.

        ``calls`` are those for memory in one epoch after the rounds.

        Raises
        ------
        MeasuringFailed
            where the pool is not what the case says.
        """
        total, before = self._opened.gpu_bytes, self._opened.memory
        if total is None or before is None or trained.memory is None:
            return None
        seen = GpuMemory(
            total, before, trained.memory, self._before, self._held(), calls
        )
        if reason := contradiction(self._job, seen):
            raise failed(f"cnmem={self._job.cnmem} was not in force: {reason}")
        return seen

    def _held(self) -> int | None:
        if self._job.device != "cuda" or self._pid is None:
            return None
        state = self._look()
        return None if state is None else state.of({self._pid})


def contradiction(job: Job, seen: GpuMemory) -> str | None:
    """In what the memory that was ``seen`` is not as ``job`` has it; None: in nothing.

    What nobody tells contradicts nothing.
    """
    pool = job.pool
    if pool is None:
        return None
    asked = job.reserved_bytes(seen.total)
    if asked is not None:
        problem = _not_reserved(asked, seen)
    else:
        problem = _reserved_unasked(seen)
    return problem or _calls_say_otherwise(job, pool.kind, seen)


def _not_reserved(asked: int, seen: GpuMemory) -> str | None:
    """Why the pool that was to be reserved is not, or is a larger one."""
    held, in_use = seen.before.reserved, seen.before.in_use or 0
    if held is not None and held < asked * (1 - _TOLERANCE):
        return (
            f"{in_megabytes(asked)} were to be reserved, its pool holds "
            f"{in_megabytes(held)}"
        )
    if held is not None and held > max(asked, in_use) * (1 + _TOLERANCE) + _SLACK:
        return (
            f"{in_megabytes(asked)} were to be reserved, its pool holds "
            f"{in_megabytes(held)}, of which {in_megabytes(in_use)} are in use"
        )
    process = seen.process_before
    if process is not None and process < asked * (1 - _TOLERANCE):
        return (
            f"{in_megabytes(asked)} were to be reserved, and the driver counts "
            f"{in_megabytes(process)} for the process"
        )
    return None


def _reserved_unasked(seen: GpuMemory) -> str | None:
    """Why it looks as if a pool had been reserved that nobody asked for."""
    in_use = seen.before.in_use or 0
    held = seen.before.reserved
    if held is None:
        held = seen.process_before
    if held is None or held <= max(_UNASKED * seen.total, 4 * in_use):
        return None
    return (
        f"{in_megabytes(held)} are taken before training, {in_megabytes(in_use)} of "
        "them in use, and none were to be reserved"
    )


def _calls_say_otherwise(job: Job, kind: PoolKind, seen: GpuMemory) -> str | None:
    """Why the calls for memory in an epoch are not those of such a pool."""
    if seen.calls is None or kind is PoolKind.ASYNC:
        return None  # the driver's own pool is asked each time
    made, steps = allocations(seen.calls), job.images // job.batch
    if kind is PoolKind.OFF:
        if made == 0:
            return "an epoch asked the driver for no memory, so that a pool gave it"
    elif made >= steps > 1:  # in a single step (test_frontier) a pool may still grow
        return f"an epoch of {steps} steps asked the driver {made} times for memory"
    return None


def explained(job: Job, outcome: Outcome, pid: int | None) -> MeasuringFailed:
    """``outcome`` with what is known of the GPU's memory where that ran out."""
    if outcome.kind != "out-of-memory" or job.device != "cuda":
        return MeasuringFailed(outcome)
    parts = [f"cnmem={job.cnmem}"]
    short = outcome.short
    if short is not None and short.asked_bytes is not None:
        parts.append(f"asked for {in_megabytes(short.asked_bytes)}")
    if short is not None and short.free_bytes is not None:
        parts.append(f"{in_megabytes(short.free_bytes)} free")
    own = () if pid is None else (pid,)
    rest = gpu_memory.others(gpu_memory.read(), own)
    message = f"{outcome.message} ({', '.join(parts)}{rest})"
    return MeasuringFailed(replace(outcome, message=message))

"""What a worker's memory pool really was, and whether it is what the case says.

A setting is never trusted: engines rename their variables, an allocator that cannot
have what it is asked takes less without a word, and JAX reserves three quarters of a
GPU if it is not told otherwise.
"""

from collections.abc import Callable
from dataclasses import replace

from benchmarks import gpu_memory
from benchmarks.gpu_memory import State, in_megabytes
from benchmarks.outcomes import MeasuringFailed, MemoryShort, Outcome, failed
from histocnn.cupti import allocations, stream_ordered
from histocnn.job import Job
from histocnn.measurement import GpuMemory
from histocnn.memory import MEBIBYTE, PoolKind
from histocnn.protocol import Opened, Trained

#: How far a reservation may be from what was asked: engines round to their blocks, and
#: Theano tells whole megabytes.
_TOLERANCE = 0.02
_SLACK = 512 * MEBIBYTE  # blocks beside the reserved one
#: What CUDA's context and an engine's libraries may take: 0.6 to 0.9 GiB on an H100.
_LIBRARIES = 2048 * MEBIBYTE
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
        #: Why calls for memory could not be counted; "" where nothing went wrong.
        self.problem = ""

    def done(
        self, trained: Trained, audit: Callable[[], dict[str, int] | None]
    ) -> GpuMemory | None:
        """All that was read back; None on the CPU.

        ``audit`` counts the calls for memory in one epoch more, by function. What goes
        wrong in it costs the count (`problem`), not the rounds before.

        Raises
        ------
        MeasuringFailed
            where the pool is not what the case says.
        """
        total, before = self._opened.gpu_bytes, self._opened.memory
        if total is None or before is None or trained.memory is None:
            return None
        after = self._held()
        calls = None
        try:
            calls = audit()
        except MeasuringFailed as failure:
            self.problem = (
                f"calls for memory were not counted: {failure.outcome.message}"
            )
        seen = GpuMemory(total, before, trained.memory, self._before, after, calls)
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
        problem = _reserved_unasked(job, seen)
    return problem or _calls_say_otherwise(job, pool.kind, seen)


def _not_reserved(asked: int, seen: GpuMemory) -> str | None:
    """Why the pool that was to be reserved is not, or is a larger one."""
    held, in_use = seen.before.reserved, seen.before.in_use or 0
    if held is not None and held < asked * (1 - _TOLERANCE) - MEBIBYTE:
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
    if process is None:
        return None
    # A pool may grow past its start, to what is in use, where that is told.
    most = max(asked, in_use) * (1 + _TOLERANCE) + _LIBRARIES
    too_much = seen.before.in_use is not None and process > most
    if process < asked * (1 - _TOLERANCE) or too_much:
        return (
            f"{in_megabytes(asked)} were to be reserved, and the driver counts "
            f"{in_megabytes(process)} for the process"
        )
    return None


def _reserved_unasked(job: Job, seen: GpuMemory) -> str | None:
    """Why it looks as if a pool had been reserved that nobody asked for."""
    total = seen.total if job.gpu_memory is None else job.gpu_memory * MEBIBYTE
    in_use = seen.before.in_use or 0
    held, least = seen.before.reserved, _SLACK
    if held is None:
        held, least = seen.process_before, _LIBRARIES
    if held is None or held <= max(_UNASKED * total, 4 * in_use, least):
        return None
    return (
        f"{in_megabytes(held)} are taken before training, {in_megabytes(in_use)} of "
        "them in use, and none were to be reserved"
    )


def _calls_say_otherwise(job: Job, kind: PoolKind, seen: GpuMemory) -> str | None:
    """Why the calls for memory in an epoch are not those of such a pool."""
    if seen.calls is None:
        return None
    made, pooled = allocations(seen.calls), stream_ordered(seen.calls)
    steps = job.images // job.batch
    if kind is PoolKind.ASYNC:
        return None if pooled else "an epoch asked the driver's own pool for no memory"
    if kind is PoolKind.OFF:
        # Keras' own loop has no step without; a compiled epoch may be a single call.
        least = steps if job.loop == "fit" else 1
        if made - pooled < least:
            return (
                f"an epoch of {steps} steps asked the driver {made - pooled} times for "
                "memory, so that a pool gave it"
            )
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


def beside_others(job: Job, outcome: Outcome, before: int | None) -> MeasuringFailed:
    """``outcome`` with what others held of the GPU, where its memory ran out.

    ``before`` are the bytes that they held before the launch, which has ended by now.
    """
    ran_out = outcome.kind == "out-of-memory" and outcome.signal is None
    if not ran_out or job.device != "cuda":
        return MeasuringFailed(outcome)
    _, after = gpu_memory.beside(job)
    held = max(before or 0, after or 0) or None
    short = replace(outcome.short or MemoryShort(), others_bytes=held)
    return MeasuringFailed(replace(outcome, short=short))

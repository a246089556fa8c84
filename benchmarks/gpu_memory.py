"""Who holds a GPU's memory, as NVIDIA's driver tells, and whether a pool still fits."""

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import psutil

from benchmarks.outcomes import MeasuringFailed, MemoryShort, Outcome
from benchmarks.sentinel.nvml import Gpu
from histocnn.job import Job
from histocnn.memory import MEBIBYTE


@dataclass(frozen=True)
class Holder:
    """A process with memory of the GPU; ``bytes`` None where the driver hides it."""

    pid: int
    name: str
    bytes: int | None

    def __str__(self) -> str:
        held = "some" if self.bytes is None else in_megabytes(self.bytes)
        return f"{self.name} (process {self.pid}) holds {held}"


@dataclass(frozen=True)
class State:
    """Memory of the GPU that workers get, in bytes, and those who hold some of it."""

    total: int
    free: int
    holders: tuple[Holder, ...]

    def of(self, pids: Collection[int]) -> int | None:
        """What ``pids`` hold together; None where the driver does not tell."""
        held = [each.bytes for each in self.holders if each.pid in pids]
        return sum(each or 0 for each in held) if any(held) else None


def read() -> State | None:
    """The state of the first GPU that CUDA shows; None where nobody tells."""
    import pynvml

    _stay_open(pynvml)
    gpu = Gpu.first_visible(pynvml)
    if gpu is None:
        return None
    try:
        memory, processes = gpu.memory()
    finally:
        gpu.close()
    if memory is None:
        return None
    holders = [
        Holder(each.pid, _name(each.pid), each.usedGpuMemory) for each in processes
    ]
    return State(memory.total, memory.free, tuple(holders))


@cache
def _stay_open(nvml: Any) -> None:
    """Keep the driver's library open until this process ends.

    A driver without persistence sets a GPU up anew for the first who opens it, which
    would otherwise be each launch's worker.
    """
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlInit()


def require(job: Job, state: State | None) -> None:
    """Raise `MeasuringFailed` where the pool of ``job`` is larger than what is free."""
    if state is None:
        return
    asked = job.reserved_bytes(state.total)
    if asked is None or asked <= state.free:
        return
    message = (
        f"cnmem={job.cnmem} reserves {in_megabytes(asked)}, and the GPU has "
        f"{in_megabytes(state.free)} free of {in_megabytes(state.total)}{others(state)}"
    )
    raise MeasuringFailed(
        Outcome("out-of-memory", message, short=MemoryShort(asked, state.free))
    )


def others(state: State | None, own: Collection[int] = ()) -> str:
    """Who else holds memory, for the end of a sentence; "" for nobody."""
    found = [each for each in state.holders if each.pid not in own] if state else []
    return f": {', '.join(map(str, found))}" if found else ""


def in_megabytes(count: int) -> str:
    """``count`` bytes for people, in the unit of cnmem."""
    return f"{count / MEBIBYTE:,.0f} MB"


def _name(pid: int) -> str:
    """What runs there; nobody else's programs are named, since results are shared."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.uids().real == os.getuid():
            return str(process.name())
    return "another user's or container's"

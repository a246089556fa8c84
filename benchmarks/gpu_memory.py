"""Who holds a GPU's memory, as NVIDIA's driver tells, and whether a pool still fits."""

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import psutil

from benchmarks import driver
from benchmarks.outcomes import MeasuringFailed, MemoryShort, Outcome
from benchmarks.sentinel.nvml import Gpu, answering, first_of
from histocnn.errors import spelled
from histocnn.job import Job
from histocnn.memory import MEBIBYTE

#: `Launcher.GPU` of the launch that is under way.
_workers: ContextVar[Mapping[str, str]] = ContextVar(
    "_workers", default=MappingProxyType({})
)

_INSTANCE = (
    "a GPU is in MIG mode, and which of its instances CUDA takes is not told; name one "
    "in CUDA_VISIBLE_DEVICES as nvidia-smi -L does"
)
_CONTAINERS_INSTANCE = (
    "a container's GPU is in MIG mode, and which of its instances it gets is not told"
)
_UNLIKE = (
    "the GPUs differ, and CUDA numbers such by their speed; set CUDA_DEVICE_ORDER="
    "PCI_BUS_ID, or name one in CUDA_VISIBLE_DEVICES by its UUID"
)
_ELSEWHERE = "Docker's engine, and the GPU with it, is on another machine (DOCKER_HOST)"
#: The share of the GPU whose want moves a frontier, which is told to a 16th.
_MATTERS = 1 / 16
#: Seconds that the driver gets to count as free what a worker had that has ended.
_LETTING_GO = 1.0


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
    """Memory of the GPU that workers get, in bytes, and those who hold some of it.

    ``reserved`` is what the driver keeps for itself; 0 where it does not tell.
    """

    total: int
    free: int
    holders: tuple[Holder, ...]
    reserved: int = 0

    def of(self, pids: Collection[int]) -> int | None:
        """What ``pids`` hold together; None where the driver does not tell."""
        held = [each.bytes for each in self.holders if each.pid in pids]
        return sum(each or 0 for each in held) if any(held) else None


@contextmanager
def of_workers(variables: Mapping[str, str]) -> Iterator[None]:
    """Within it `read` means the GPU of workers whose `Launcher.GPU` these are.

    Who reads in the midst of a launch does not know who launched.
    """
    before = _workers.set(variables)
    try:
        yield
    finally:
        _workers.reset(before)


def read(variables: Mapping[str, str] | None = None) -> State | None:
    """The state of the GPU that workers get; None where nobody tells, or which it is.

    ``variables`` are `Launcher.GPU`; None for those of `of_workers`.
    """
    gpu = find(variables)
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
    reserved = getattr(memory, "reserved", 0)
    return State(memory.total, memory.free, tuple(holders), reserved)


def find(variables: Mapping[str, str] | None = None) -> Gpu | None:
    """The GPU that workers get, to be closed; None where there is none, or which it is.

    ``variables`` as those of `read`.
    """
    import pynvml

    variables = _workers.get() if variables is None else variables
    _stay_open(pynvml)
    if doubt(variables) is not None:
        return None
    return Gpu.first_visible(pynvml, {**os.environ, **variables})


def doubt(variables: Mapping[str, str]) -> str | None:
    """Why it is not known which GPU workers get; None where it is, or none answers.

    ``variables`` are `Launcher.GPU`.
    """
    import pynvml

    engines_host = os.environ.get("DOCKER_HOST", "unix://")
    if variables and not engines_host.startswith("unix://"):
        return _ELSEWHERE
    try:
        driver.start(pynvml)
    except pynvml.NVMLError:
        return None
    try:
        return _doubt(pynvml, variables)
    except pynvml.NVMLError:  # no GPU, or a lost one: it has no memory to look at
        return None
    finally:
        pynvml.nvmlShutdown()


def _doubt(nvml: Any, variables: Mapping[str, str]) -> str | None:
    seen = {**os.environ, **variables}
    first = first_of(seen.get("CUDA_VISIBLE_DEVICES", "0"))
    if str(first).startswith("MIG-"):
        return None
    gpus = answering(nvml)
    if isinstance(first, int):
        if variables:  # all that a container sees; CUDA numbers the machine's itself
            gpus = gpus[first:][:1]
    elif first.startswith("GPU-"):
        gpus = [gpu for gpu in gpus if nvml.nvmlDeviceGetUUID(gpu).startswith(first)]
    if any(_is_cut(nvml, gpu) for gpu in gpus):
        return _CONTAINERS_INSTANCE if variables else _INSTANCE
    unlike = len({nvml.nvmlDeviceGetName(gpu) for gpu in gpus}) > 1
    by_bus = seen.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    return _UNLIKE if unlike and not by_bus else None


def _is_cut(nvml: Any, gpu: Any) -> bool:
    """Whether it is in MIG mode; those that know of none refuse the question."""
    try:
        mode, _ = nvml.nvmlDeviceGetMigMode(gpu)
    except nvml.NVMLError:
        return False
    return bool(mode)


@cache
def _stay_open(nvml: Any) -> None:
    """Keep the driver's library open until this process ends.

    A driver without persistence sets a GPU up anew for the first who opens it, which
    would otherwise be each launch's worker.
    """
    with contextlib.suppress(nvml.NVMLError):
        driver.start(nvml)


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


def beside(job: Job) -> tuple[State | None, int | None]:
    """The GPU's state while no worker is on it, and the bytes that others then hold.

    These are None where they are too little to move a frontier, or nobody tells. Of a
    GPU that was made small they are what is missing of that. Not all who hold some need
    be named: a container's driver hides those outside of it.
    """
    deadline = time.monotonic() + _LETTING_GO
    while True:
        state = read()
        taken = None if state is None else _taken(job, state)
        if taken is None or time.monotonic() > deadline:
            return state, taken
        time.sleep(_LETTING_GO / 20)


def _taken(job: Job, state: State) -> int | None:
    room = state.total - state.reserved
    if job.gpu_memory is not None:
        room = job.gpu_memory * MEBIBYTE
    taken = room - state.free
    return taken if taken > _MATTERS * room else None


def in_megabytes(count: int) -> str:
    """``count`` bytes for people, in the unit of cnmem."""
    return f"{count / MEBIBYTE:,.0f} MB"


def _name(pid: int) -> str:
    """What runs there; nobody else's programs are named, since results are shared."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.uids().real == os.getuid():
            # Any bytes, and cut to 15 of them wherever a character ends.
            return spelled(process.name())
    return "another user's or container's"

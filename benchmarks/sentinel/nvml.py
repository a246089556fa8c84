"""The GPU of a case as its driver tells of it, through NVML."""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import driver
from benchmarks.sentinel.files import Seldom

#: Why the driver holds the clock back: bits of nvmlClocksEventReasons in nvml.h. That
#: a GPU has nothing to do (bit 0) is not among them.
REASONS = {
    0x002: "applications clocks setting",
    0x004: "sw power cap",
    0x008: "hw slowdown",
    0x010: "sync boost",
    0x020: "sw thermal slowdown",
    0x040: "hw thermal slowdown",
    0x080: "hw power brake",
    0x100: "display clock setting",
}
# The driver itself samples who computes a few times a second.
_PROCESSES_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class GpuSample:
    """A GPU at one time, units as in `GpuConditions`; ``joules`` since some start."""

    sm_mhz: float | None
    reasons: tuple[str, ...]
    temperature: float | None
    watts: float | None
    joules: float | None
    foreign: int | None
    share: float | None


class Gpu:
    """One GPU, ``handle`` of the library ``nvml``.

    Processes are told apart by their ids, which the driver may tell as those of the
    host while this process lives in a container. So nobody is accused until a process
    of the worker's was found, in the list of those that have memory and in the one of
    those that computed: some drivers translate one list and not the other.
    """

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self._own: frozenset[int] = frozenset()
        self._own_listed = self._own_computed = False
        self._seen = 0  # time stamp of the newest sample of processes, microseconds
        self._processes = Seldom(self._others, _PROCESSES_SECONDS)

    @classmethod
    def first_visible(
        cls,
        nvml: Any,
        variables: Mapping[str, str] = os.environ,
    ) -> "Gpu | None":
        """The first GPU that CUDA shows to a process with these variables.

        ``nvml`` is the module ``pynvml``, or what does as it does. None where no
        driver answers, or none has a GPU. CUDA numbers GPUs as the driver does where
        all are alike, or where ``CUDA_DEVICE_ORDER`` is ``PCI_BUS_ID``.
        """
        try:
            driver.start(nvml)
        except nvml.NVMLError:
            return None
        try:
            handle = _first(nvml, variables.get("CUDA_VISIBLE_DEVICES", "0"))
        except nvml.NVMLError:
            handle = None
        if handle is None:
            nvml.nvmlShutdown()
            return None
        return cls(nvml, handle)

    def read(self, now: float, own: frozenset[int]) -> GpuSample:
        """What it does at ``now``; ``own`` are the worker's processes."""
        self._own = own
        foreign, share = self._processes.read(now)
        milliwatts = self._ask("PowerUsage")
        millijoules = self._ask("TotalEnergyConsumption")
        bits = self._ask("CurrentClocksThrottleReasons") or 0
        return GpuSample(
            sm_mhz=self._ask("ClockInfo", self._nvml.NVML_CLOCK_SM),
            reasons=tuple(name for bit, name in REASONS.items() if bits & bit),
            temperature=self._ask("Temperature", self._nvml.NVML_TEMPERATURE_GPU),
            watts=None if milliwatts is None else milliwatts / 1e3,
            joules=None if millijoules is None else millijoules / 1e3,
            foreign=foreign,
            share=share,
        )

    def memory(self) -> tuple[Any, list[Any]]:
        """All its memory (``total``, ``free``; None if not told), and who has some.

        ``reserved``, what the driver keeps for itself, is told by newer ones alone.

        Of each process ``pid`` and ``usedGpuMemory``, bytes or None: of those that only
        draw, as a desktop does, too.
        """
        listed = [
            *(self._ask("GraphicsRunningProcesses") or []),
            *(self._ask("ComputeRunningProcesses") or []),
        ]
        # Who draws and computes is in both, each time with all of its memory.
        holders = {each.pid: each for each in listed}
        version = getattr(self._nvml, "nvmlMemory_v2", None)
        memory = version and self._ask("MemoryInfo", version)
        return memory or self._ask("MemoryInfo"), list(holders.values())

    def close(self) -> None:
        """Let the driver go."""
        self._nvml.nvmlShutdown()

    def _ask(self, what: str, *arguments: Any) -> Any:
        """The driver's answer; None where this GPU or driver has none."""
        ask: Callable[..., Any] = getattr(self._nvml, f"nvmlDeviceGet{what}")
        try:
            return ask(self._handle, *arguments)
        except Exception:  # of its own kinds, one for a function that a driver lacks
            return None

    def _others(self) -> tuple[int | None, float | None]:
        """How many others are on it, and the share of its time that they had."""
        return self._count_others(), self._share_of_others()

    def _count_others(self) -> int | None:
        running = self._ask("ComputeRunningProcesses")
        if running is None:
            return None
        pids = {process.pid for process in running}
        self._own_listed |= not pids.isdisjoint(self._own)
        return len(pids - self._own) if self._own_listed else None

    def _share_of_others(self) -> float | None:
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(
                self._handle, self._seen
            )
        except self._nvml.NVMLError as error:
            if error.value != self._nvml.NVML_ERROR_NOT_FOUND:
                return None
            samples = []  # nobody computed since
        # Drivers pad the list with entries that are not filled in.
        news = [
            sample
            for sample in samples
            if sample.pid and sample.timeStamp > self._seen and sample.smUtil <= 100
        ]
        since = self._seen
        self._seen = max((sample.timeStamp for sample in news), default=self._seen)
        busy = {sample.pid: sample.smUtil / 100 for sample in news}
        self._own_computed |= not busy.keys().isdisjoint(self._own)
        # The first list reaches back to before anybody watched.
        if not (self._own_computed and since):
            return None
        return float(min(1.0, sum(busy[pid] for pid in busy.keys() - self._own)))


def first_of(visible: str) -> int | str:
    """The first in a list of CUDA_VISIBLE_DEVICES: a GPU's number, or another word."""
    first = visible.split(",", maxsplit=1)[0].strip()
    return int(first) if first.isascii() and first.isdigit() else first


def answering(nvml: Any) -> list[Any]:
    """Handles of the GPUs that this process may open, which CUDA numbers alone.

    The driver counts others, too: lost ones, and those that a control group withholds,
    as Slurm's of other people's jobs.
    """
    handles = []
    for index in range(nvml.nvmlDeviceGetCount()):
        with contextlib.suppress(nvml.NVMLError):
            handles.append(nvml.nvmlDeviceGetHandleByIndex(index))
    return handles


def _first(nvml: Any, visible: str) -> Any:
    """The handle of the first in a list of CUDA_VISIBLE_DEVICES; None for none."""
    name = first_of(visible)
    handles = answering(nvml)
    if isinstance(name, int):
        return handles[name] if name < len(handles) else None
    for handle in handles:
        # CUDA takes any beginning that is unique.
        if name and nvml.nvmlDeviceGetUUID(handle).startswith(name):
            return handle
    # A slice of a GPU has a name of its own, and no clock or meter.
    return nvml.nvmlDeviceGetHandleByUUID(name) if name.startswith("MIG-") else None

"""What NVIDIA's driver tells of the GPUs; nothing where there is no driver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Gpu:
    """A GPU's make; ``memory_bytes`` is all it has, in use or not."""

    model: str | None
    memory_bytes: int | None


@dataclass(frozen=True)
class GpuState:
    """How a GPU is set; None is what its driver does not tell.

    ``application_mhz`` is the clock of its processors that applications get,
    ``max_mhz`` and ``memory_max_mhz`` the highest ones. ``power_limit_watts`` is the
    one in force. ``mig`` is whether it is cut into instances.
    """

    application_mhz: int | None
    max_mhz: int | None
    memory_max_mhz: int | None
    power_limit_watts: float | None
    persistence: bool | None
    mig: bool | None
    ecc: bool | None


@dataclass(frozen=True)
class GpuFacts:
    """The driver's version, and each of the machine's GPUs in the driver's order."""

    driver: str | None = None
    gpus: tuple[Gpu, ...] = ()
    states: tuple[GpuState, ...] = ()


def read() -> GpuFacts:
    """All of it, without starting anything on a GPU."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # the library raises of its own kinds, and what ctypes raises
        return GpuFacts()
    try:
        count = _told(pynvml.nvmlDeviceGetCount) or 0
        handles = [_told(pynvml.nvmlDeviceGetHandleByIndex, i) for i in range(count)]
        there = [handle for handle in handles if handle is not None]
        return GpuFacts(
            driver=_told(pynvml.nvmlSystemGetDriverVersion),
            gpus=tuple(_gpu(pynvml, handle) for handle in there),
            states=tuple(_state(pynvml, handle) for handle in there),
        )
    finally:
        _told(pynvml.nvmlShutdown)


def _gpu(nvml: Any, handle: Any) -> Gpu:
    memory = _told(nvml.nvmlDeviceGetMemoryInfo, handle)
    model = _told(nvml.nvmlDeviceGetName, handle)
    return Gpu(model, None if memory is None else memory.total)


def _state(nvml: Any, handle: Any) -> GpuState:
    processors, memory = nvml.NVML_CLOCK_SM, nvml.NVML_CLOCK_MEM
    milliwatts = _told(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return GpuState(
        application_mhz=_told(nvml.nvmlDeviceGetApplicationsClock, handle, processors),
        max_mhz=_told(nvml.nvmlDeviceGetMaxClockInfo, handle, processors),
        memory_max_mhz=_told(nvml.nvmlDeviceGetMaxClockInfo, handle, memory),
        power_limit_watts=None if milliwatts is None else milliwatts / 1000,
        persistence=_switch(_told(nvml.nvmlDeviceGetPersistenceMode, handle)),
        # of each pair the first is in force, the second from the next start on
        mig=_switch(_told(nvml.nvmlDeviceGetMigMode, handle)),
        ecc=_switch(_told(nvml.nvmlDeviceGetEccMode, handle)),
    )


def _told(ask: Callable[..., Any], *arguments: Any) -> Any:
    """The answer; None where this GPU or driver has none."""
    try:
        return ask(*arguments)
    except Exception:  # as above
        return None


def _switch(told: Any) -> bool | None:
    mode = told[0] if isinstance(told, list | tuple) else told
    return None if mode is None else bool(mode)

"""What NVIDIA's driver tells of the GPUs; nothing where there is no driver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import driver


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
    """The driver's version, and each of the machine's GPUs in the driver's order.

    ``instances`` is how many a GPU is cut into that can compute; 0 where it is whole.
    ``problem`` is why there are none, or fewer than the driver counts, in a line.
    """

    driver: str | None = None
    gpus: tuple[Gpu, ...] = ()
    states: tuple[GpuState, ...] = ()
    instances: tuple[int, ...] = ()
    problem: str | None = None


#: What to do about an answer, by its number in nvml.h.
_REMEDIES = {
    9: "the NVIDIA driver is not loaded; load it (modprobe nvidia), or restart",
    12: "no NVIDIA driver is installed; where there is a GPU of theirs, install it",
    18: "the NVIDIA driver that runs and its libraries are of two versions, as after "
    "an update; restart the machine",
}


def read() -> GpuFacts:
    """All of it, without starting anything on a GPU."""
    try:
        import pynvml

        driver.start(pynvml)
    except Exception as error:  # it raises of its own kinds, and what ctypes raises
        return GpuFacts(problem=driver.silence() or _in_words(error))
    try:
        there, problem = _handles(pynvml)
        return GpuFacts(
            driver=_told(pynvml.nvmlSystemGetDriverVersion),
            gpus=tuple(_gpu(pynvml, handle) for handle in there),
            states=tuple(_state(pynvml, handle) for handle in there),
            instances=tuple(_instances(pynvml, handle) for handle in there),
            problem=problem,
        )
    finally:
        _told(pynvml.nvmlShutdown)


def _handles(nvml: Any) -> tuple[list[Any], str | None]:
    """Those of the GPUs that answer, and why another does not."""
    there, problem = [], None
    try:
        count = nvml.nvmlDeviceGetCount()
    except Exception as error:  # as above
        return [], _in_words(error)
    for index in range(count):
        try:
            there.append(nvml.nvmlDeviceGetHandleByIndex(index))
        except Exception as error:
            problem = f"GPU {index}: {_in_words(error)}"
    return there, problem


def _instances(nvml: Any, handle: Any) -> int:
    """Into how many instances it is cut: those it can have are asked for by number."""
    places = _told(nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    found = (
        _told(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, place)
        for place in range(places)
    )
    return sum(instance is not None for instance in found)


def _in_words(error: Exception) -> str:
    """What the driver or its library answered, with a remedy where one is known."""
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return _REMEDIES.get(getattr(error, "value", 0), f"the NVIDIA driver says: {said}")


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

"""What a GPU case needs of this machine's driver, and why it has not got it."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from benchmarks import driver, gpu_facts
from benchmarks.gpu_facts import GpuFacts
from benchmarks.sentinel.nvml import first_of

_FRESH = 10.0  # seconds: a grid asks for each of its cases


class Graphics:
    """The facts of the GPUs, read again once they are some seconds old."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._facts = GpuFacts()
        self._stale = -1.0

    def facts(self) -> GpuFacts:
        """As the driver told them a moment ago."""
        if time.monotonic() > self._stale:
            self._facts = gpu_facts.read()
            self._stale = time.monotonic() + _FRESH
        return self._facts


def unusable(facts: GpuFacts, variables: Mapping[str, str] = os.environ) -> str | None:
    """Why CUDA has no GPU for a process with these variables; None where it has."""
    if not facts.gpus:
        return f"no NVIDIA GPU answers: {facts.problem or 'the driver lists none'}"
    cut = [state.mig for state in facts.states]
    if cut and all(cut) and not any(facts.instances):
        return (
            "the GPU is in MIG mode and has no instance to compute on; make one: "
            "nvidia-smi mig -cgi 0 -C, or leave the mode: nvidia-smi -mig 0"
        )
    visible = variables.get("CUDA_VISIBLE_DEVICES")
    # In MIG mode CUDA numbers instances, and there may be more than GPUs.
    count = len(facts.gpus) + sum(facts.instances)
    if visible is not None and not _shows_one(visible, count):
        known = "0" if count == 1 else f"0 to {count - 1}"
        return (
            f"CUDA_VISIBLE_DEVICES={visible} hides every GPU; unset it, or name one: "
            f"{known}"
        )
    return None


def _shows_one(visible: str, count: int) -> bool:
    """Whether the list has a GPU: CUDA reads it to the first that is none."""
    first = first_of(visible)
    if isinstance(first, int):
        return first < count
    if not first.startswith(("GPU-", "MIG-")):
        return False
    names = uuids(int(time.monotonic() / _FRESH))
    return names is None or _is_of_one(first, names)


def _is_of_one(name: str, names: tuple[str, ...]) -> bool:
    """Whether ``name`` is one of ``names``, or a beginning that only one of them has.

    An instance's older name, ``MIG-GPU-…/1/0``, begins with its GPU's; which instances
    that has is not looked at.
    """
    if "/" in name:
        name = name.removeprefix("MIG-").partition("/")[0]
    return sum(each.startswith(name) for each in names) == 1


@lru_cache(maxsize=1)
def uuids(_moment: int) -> tuple[str, ...] | None:
    """Of the GPUs and the instances that they are cut into; None where one is not told.

    They are asked for once a moment, and never stored: they name the machine.
    """
    try:
        import pynvml

        driver.start(pynvml)
    except Exception:  # as in `gpu_facts`
        return None
    try:
        return tuple(pynvml.nvmlDeviceGetUUID(each) for each in _handles(pynvml))
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _handles(nvml: Any) -> Iterator[Any]:
    """Each GPU, followed by its instances."""
    for index in range(nvml.nvmlDeviceGetCount()):
        gpu = nvml.nvmlDeviceGetHandleByIndex(index)
        yield gpu
        try:
            places = nvml.nvmlDeviceGetMaxMigDeviceCount(gpu)
        except nvml.NVMLError:  # one that cannot be cut
            continue
        for place in range(places):
            try:
                yield nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, place)
            except nvml.NVMLError:  # nothing there
                continue


def outdated(
    driver: str | None, least: tuple[int, int] | None, holder: str, remedy: str
) -> str | None:
    """Why ``driver`` is too old for ``holder``; None where it is not, or not told.

    ``least`` is `Engine.LEAST_DRIVER`, ``remedy`` what to do where it has to stay.
    """
    match = re.match(r"(\d+)\.(\d+)", driver or "")
    if match is None or least is None or (int(match[1]), int(match[2])) >= least:
        return None
    needed = ".".join(map(str, least))
    return (
        f"driver {driver} is older than {needed}, which {holder} needs; update it, or "
        f"{remedy}"
    )

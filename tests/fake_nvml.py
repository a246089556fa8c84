"""NVIDIA's management library made up: GPUs, their memory and who holds it."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

GIB = 2**30


class NvmlError(Exception):
    """As the library's."""


class Nvml:
    """The part of ``pynvml`` that is used: GPUs of so many GiB, some of them cut.

    A handle is a GPU's place, or the name of an instance, which has 10 GiB. Those
    ``withheld`` have none. ``holders`` are the processes in each of the driver's lists:
    pids, and bytes where it tells.
    """

    NVMLError = NvmlError

    def __init__(
        self,
        models: Sequence[str],
        cut: Sequence[int] = (),
        withheld: Sequence[int] = (),
        **holders: Mapping[int, int | None],
    ) -> None:
        self._models = models
        self._cut = cut
        self._withheld = withheld
        self._holders = holders

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: object) -> None:
            raise NvmlError("Not Supported")

        answers = {
            "Init": lambda: None,
            "Shutdown": lambda: None,
            "DeviceGetCount": lambda: len(self._models),
            "DeviceGetHandleByIndex": self._handle,
            "DeviceGetHandleByUUID": lambda uuid: uuid,
            "DeviceGetName": lambda gpu: self._models[gpu],
            "DeviceGetUUID": lambda gpu: f"GPU-{gpu}abc",
            "DeviceGetMigMode": lambda gpu: [int(gpu in self._cut), 0],
            "DeviceGetMemoryInfo": self._memory,
            "DeviceGetComputeRunningProcesses": lambda _: self._listed("computing"),
            "DeviceGetGraphicsRunningProcesses": lambda _: self._listed("drawing"),
        }
        return answers.get(name.removeprefix("nvml"), refuse)

    def _handle(self, index: int) -> int:
        if index in self._withheld:
            raise NvmlError("Insufficient Permissions")
        return index

    def _memory(self, gpu: int | str) -> Any:
        size = 10 if isinstance(gpu, str) else 16 * (gpu + 1)
        return SimpleNamespace(total=size * GIB, free=size * GIB)

    def _listed(self, which: str) -> list[Any]:
        return [
            SimpleNamespace(pid=pid, usedGpuMemory=held)
            for pid, held in self._holders.get(which, {}).items()
        ]

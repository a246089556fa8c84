"""All meters of a machine beside one worker, read together into a sample."""

import time
from pathlib import Path

from benchmarks.sentinel.cpu import Clock, Pressure, Times
from benchmarks.sentinel.nvml import Gpu
from benchmarks.sentinel.process import WorkerTime
from benchmarks.sentinel.rapl import Rapl
from benchmarks.sentinel.samples import Sample


class Meters:
    """Meters of the CPUs ``cpus``, of the worker ``pid`` and of its ``gpu``.

    ``pid`` None is a worker that this process cannot see, ``gpu`` None one without.
    ``root`` is where /proc and /sys are.
    """

    def __init__(
        self,
        cpus: tuple[int, ...],
        pid: int | None,
        gpu: Gpu | None = None,
        root: Path = Path("/"),
    ) -> None:
        """Open what there is; what is absent is no error."""
        self._times = Times(cpus, root)
        self._pressure = Pressure(root)
        self._clock = Clock(cpus, root)
        self._rapl = Rapl(root)
        self._worker = None if pid is None else WorkerTime(pid, root)
        self._gpu = gpu

    def read(self) -> Sample:
        """What they say now."""
        # These three belong to one moment: nothing dear may come between them.
        times = self._times.read()
        at = time.monotonic()
        own = None if self._worker is None else self._worker.read(at)
        pids = frozenset[int]() if self._worker is None else self._worker.pids
        return Sample(
            at=at,
            cpus=self._times.parse(times),
            own=own,
            stalled=self._pressure.read(),
            mhz=self._clock.read(at),
            gpu=None if self._gpu is None else self._gpu.read(at, pids),
            joules=self._rapl.read(),
        )

    def close(self) -> None:
        """Close all files and let the driver go."""
        for meter in (self._times, self._pressure, self._clock, self._rapl, self._gpu):
            if meter is not None:
                meter.close()

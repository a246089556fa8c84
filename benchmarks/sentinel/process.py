"""The worker's own CPU time, that of the processes it started included."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.sentinel.files import Seldom

_CHILDREN_SECONDS = 1.0


def cpu_clock(pid: int) -> int:
    """The clock of the CPU time of process ``pid``, as Linux numbers clocks.

    It is what clock_getcpuclockid(3) gives; Python has that for threads only. It counts
    in nanoseconds, the slice that is going on included.
    """
    return (~pid << 3) | 2


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of ``pid`` so far; OSError where there is none."""
    return time.clock_gettime_ns(cpu_clock(pid)) / 1e9


class WorkerTime:
    """CPU time of a process and its descendants, who are looked up once a second.

    What a descendant used stays counted after its end, up to the last look at it. One
    that lives for less than a second may be missed, and then counts among the others:
    compilers that a warm-up starts do, a training round starts nothing.
    """

    def __init__(
        self,
        pid: int,
        root: Path,
        clock: Callable[[int], float] = cpu_seconds,
    ) -> None:
        self._pid = pid
        self._clock = clock
        self._proc = root / "proc"
        self._children = Seldom(
            lambda: frozenset(self._descendants(pid)), _CHILDREN_SECONDS
        )
        self._seconds: dict[int, float] = {}

    @property
    def pids(self) -> frozenset[int]:
        """The process and all descendants that were ever seen."""
        return frozenset(self._seconds)

    def read(self, now: float) -> float | None:
        """Seconds so far at ``now``; None where the process is not to be seen."""
        try:
            self._seconds[self._pid] = self._clock(self._pid)
        except OSError:
            return None
        for child in self._children.read(now):
            with contextlib.suppress(OSError):  # it has ended
                self._seconds[child] = self._clock(child)
        return sum(self._seconds.values())

    def _descendants(self, pid: int) -> Iterator[int]:
        with contextlib.suppress(OSError, ValueError):
            for task in (self._proc / str(pid) / "task").iterdir():
                # Any thread may have started a process, and the kernel lists by thread.
                for child in map(int, (task / "children").read_text().split()):
                    yield child
                    yield from self._descendants(child)

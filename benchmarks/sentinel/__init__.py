"""The contention sentinel: what a machine did beside a worker's rounds."""

import contextlib
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.sentinel.meters import Meters
from benchmarks.sentinel.nvml import Gpu
from benchmarks.sentinel.samples import WINDOW_SECONDS, History, conditions
from benchmarks.sentinel.verdict import disturbances
from histocnn import pinning
from histocnn.measurement import Conditions

__all__ = ["Sentinel", "disturbances"]

_SECONDS = 0.1  # between samples
_LEAST_SECONDS = 0.02  # between two that are asked for
_SHARE = 0.005  # of one core: where a sample is dear, there are fewer
_QUIET_SECONDS = 0.5


class Sentinel:
    """Watches the machine from a thread, beside a worker in another process.

    A context manager: it watches from entry to exit, and answers after it, too. Times
    are those of `time.monotonic`, which all processes of a machine share. What the
    machine does not tell (in a sandbox, without rights, without a GPU) is None.
    """

    def __init__(
        self,
        cpus: tuple[int, ...],
        pid: int | None,
        *,
        gpu: Gpu | None = None,
        root: Path = Path("/"),
    ) -> None:
        """Nothing is opened yet.

        Parameters
        ----------
        cpus
            those that the worker is pinned to.
        pid
            the worker's main process as this process sees it. None: unknown, and so is
            what others used of its CPUs.
        gpu
            what the worker computes on, to be watched, too, and let go at exit. None:
            nothing, or nobody knows which.
        root
            where /proc and /sys are.
        """
        self._cpus = cpus
        self._pid = pid
        self._gpu = gpu
        self._root = root
        self._history = History()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, name="sentinel", daemon=True
        )
        self._began = self._seconds = 0.0
        self._fenced = float("-inf")
        self._spent = 0.0  # CPU seconds, on this thread and on those that ask
        self._taken = 0

    def __enter__(self) -> Self:
        self._meters = Meters(self._cpus, self._pid, self._gpu, self._root)
        self._began = time.monotonic()
        self.mark()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._sample(0.0, time.thread_time())
        self._seconds = time.monotonic() - self._began
        self._meters.close()

    @property
    def cost(self) -> float:
        """CPU seconds that it takes for each second that it watches."""
        return self._spent / (self._seconds or time.monotonic() - self._began)

    def mark(self) -> None:
        """Take a sample now, unless the last one is younger than 20 ms."""
        if not self._ended.is_set():
            self._sample(self._at_least(_LEAST_SECONDS), time.thread_time())

    def bound(self) -> None:
        """Take a sample, whatever it costs: training begins or ends now.

        What is summed up of the rounds between can then end there, and hold no rest.
        """
        self._sample(0.0, time.thread_time())

    def fence(self) -> None:
        """Let no round be judged by what came before now.

        Where a worker compiles, short-lived helpers of its own look like others.
        """
        self.bound()
        self._fenced = self._history.last

    def conditions(
        self, start: float, end: float, span: tuple[float, float] | None = None
    ) -> Conditions:
        """What the machine did in the round from ``start`` to ``end``.

        ``span`` is from when to when the worker trained without a pause; None: no
        longer than the round. Energy is told where the span fills what is summed up.

        Means are over the fewest samples that hold the round and at least 0.4 s, since
        the kernel counts in hundredths of a second: rounds that are shorter share what
        is said of them with what came before, or after where that is fenced off. Where
        the fence is so near, it waits until there is enough behind it.
        """
        due = max(end, self._fenced + WINDOW_SECONDS)
        while self._history.last < due and not self._ended.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            # At once where the share allows for one more. Else a window after the last:
            # a dear sample is due seconds later only, for which the worker would rest.
            if self._spent < _SHARE * (time.monotonic() - self._began):
                self._sample(0.0, time.thread_time())
            else:
                time.sleep(_LEAST_SECONDS)
                self._sample(WINDOW_SECONDS, time.thread_time())
        with self._lock:
            window = self._history.window(start, end, self._fenced)
        return conditions(window, len(self._cpus), start, end, span or (start, end))

    def wait_until_quiet(self, patience: float) -> float:
        """Wait until nothing disturbed the last 0.5 s; the seconds that this took.

        It gives up after ``patience`` seconds. Whether the worker works or rests
        meanwhile is the same.
        """
        began = time.monotonic()
        while self._is_disturbed():
            left = began + patience - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, self._at_least(_SECONDS)))
        return time.monotonic() - began

    def _is_disturbed(self) -> bool:
        """Whether the last 0.5 s were; that is so while they are not yet known."""
        self.mark()
        end = self._history.last
        if end - self._began < _QUIET_SECONDS:
            return True
        quiet = self.conditions(end - _QUIET_SECONDS, end)
        return bool(disturbances(quiet, len(self._cpus)))

    def _at_least(self, seconds: float) -> float:
        """``seconds``, or what must lie between samples that take as long as these."""
        return max(seconds, self._spent / max(1, self._taken) / _SHARE)

    def _sample(self, least: float, began: float) -> float:
        """Take a sample, unless the last one is younger than ``least`` seconds.

        What the thread that calls spent since ``began`` of its CPU time is part of the
        cost; its CPU time now is returned.
        """
        with self._lock:
            if time.monotonic() - self._history.last >= least:
                self._history.add(self._meters.read())
                self._taken += 1
            ended = time.thread_time()
            self._spent += ended - began
            return ended

    def _watch(self) -> None:
        _step_aside(self._cpus)
        counted = time.thread_time()
        while True:
            period = self._at_least(_SECONDS)
            due = self._history.last + period - time.monotonic()
            if self._ended.wait(max(0.0, due)):
                return
            counted = self._sample(period, counted)


def _step_aside(cpus: tuple[int, ...]) -> None:
    """Have the thread that calls run on other CPUs than ``cpus``, where there are."""
    if others := set(pinning.usable_cpus()) - set(cpus):
        with contextlib.suppress(OSError):  # where it may not, it stays
            os.sched_setaffinity(0, others)

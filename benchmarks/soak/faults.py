"""Strikes a run of the suite: each kind of fault is a function, listed at the end."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.soak import leftovers
from benchmarks.soak.disk import SmallDisk
from benchmarks.soak.scenario import Fault, Kind

Undo = Callable[[], None]

#: Ends by itself: nothing is left where the soak is killed meanwhile.
_HOG = (
    "import os, sys, time\n"
    "os.sched_setaffinity(0, [int(cpu) for cpu in sys.argv[2].split(',')])\n"
    "end = time.monotonic() + float(sys.argv[1])\n"
    "while time.monotonic() < end: pass\n"
)


@dataclass(frozen=True)
class Target:
    """A run, as far as faults can reach it.

    ``environment`` is that of all its processes, ``cache`` the folder whose images its
    containers have, ``docker`` the engine's client (None where none is in use).
    """

    suite: "subprocess.Popen[bytes]"
    environment: Mapping[str, str]
    cache: Path
    disk: SmallDisk | None
    docker: Any = None

    def worker(self) -> psutil.Process | None:
        """Its worker, if one lives just now as a process of this machine."""
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.suite.pid).children():
                if "histocnn.worker" in child.cmdline():
                    return child
        return None

    def container(self) -> Any:
        """Its container, if one runs just now."""
        if self.docker is None:
            return None
        found = leftovers.containers(self.docker, self.cache)
        return next((each for each in found if each.status == "running"), None)

    def cpus(self) -> str | None:
        """The CPUs of the worker that lives just now, as in ``0,1``."""
        if (container := self.container()) is not None:
            return str(container.attrs["HostConfig"]["CpusetCpus"])
        with contextlib.suppress(psutil.Error):
            if (worker := self.worker()) is not None:
                command = worker.cmdline()
                return command[command.index("--cpus") + 1]
        return None


class Strikes:
    """The faults of one run: each waits for its moment, and once more for its prey.

    Attributes
    ----------
    struck
        those that have, in order; the others found nothing to strike.
    """

    def __init__(self, faults: Sequence[Fault], target: Target, left: int) -> None:
        """``left``: launches that the run has before it."""
        self.struck: list[Fault] = []
        self._target = target
        self._left = left
        self._waiting = list(faults)
        self._due: dict[Fault, float] = {}
        self._lasting: list[tuple[float, Undo]] = []

    def go_on(self, launches: int, pace: float) -> None:
        """Strike with what is due now that the run has made so many ``launches``.

        ``pace`` is how many seconds one takes.
        """
        now = time.monotonic()
        for fault in tuple(self._waiting):
            if launches >= fault.launches(self._left):
                self._due.setdefault(fault, now + fault.delay * pace)
            if fault not in self._due or now < self._due[fault]:
                continue
            undo = STRIKES[fault.kind](fault, self._target)
            if undo is not None:
                self._waiting.remove(fault)
                self.struck.append(fault)
                self._lasting.append((now + fault.lasting, undo))
        for lasting in tuple(self._lasting):
            end, undo = lasting
            if now >= end:
                undo()
                self._lasting.remove(lasting)

    def end(self) -> None:
        """Undo what lasts still; safe to call again."""
        while self._lasting:
            self._lasting.pop()[1]()


def _kill_suite(fault: Fault, target: Target) -> Undo | None:
    if target.suite.poll() is not None:
        return None
    target.suite.send_signal(signal.Signals[fault.signal])
    return _nothing


def _kill_worker(fault: Fault, target: Target) -> Undo | None:
    worker = target.worker()
    if worker is None:
        return None
    try:
        worker.send_signal(signal.Signals[fault.signal])
    except psutil.NoSuchProcess:
        return None
    return _nothing


def _kill_container(fault: Fault, target: Target) -> Undo | None:
    import docker

    container = target.container()
    if container is None:
        return None
    try:
        container.kill()
    except docker.errors.APIError:  # it has ended meanwhile
        return None
    return _nothing


def _hog_cpu(fault: Fault, target: Target) -> Undo | None:
    cpus = target.cpus()
    if cpus is None:
        return None
    hogs = [
        subprocess.Popen(
            [sys.executable, "-c", _HOG, str(fault.lasting), cpu],
            env=target.environment,
        )
        for cpu in cpus.split(",")
    ]

    def undo() -> None:
        for hog in hogs:
            hog.kill()
            hog.wait()

    return undo


def _fill_disk(fault: Fault, target: Target) -> Undo | None:
    if target.disk is None:
        return None
    target.disk.fill()
    return target.disk.free


def _nothing() -> None:
    """What is dead stays dead."""


#: Each strikes and returns how to undo it; None where there was nothing to strike.
STRIKES: Mapping[Kind, Callable[[Fault, Target], Undo | None]] = {
    "kill suite": _kill_suite,
    "kill worker": _kill_worker,
    "kill container": _kill_container,
    "hog CPU": _hog_cpu,
    "fill disk": _fill_disk,
}

"""A worker without an engine: answers at once with made-up times, fails as it is told.

For tests of what the measuring side does with many launches. `fake_python` makes a
program to be named as ``--interpreter tensorflow=PATH``; the environment variable
``HISTOCNN_FAKE`` says how its workers behave: `Behaviour` in JSON.
"""

import os
import random
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from histocnn import cuda, protocol, slowed, worker
from histocnn.errors import Unsupported
from histocnn.job import Job
from histocnn.measurement import CoresSeen, Epoch

VARIABLE = "HISTOCNN_FAKE"


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fake workers behave.

    Attributes
    ----------
    opening
        seconds that opening a job takes.
    delay
        seconds that an epoch really takes.
    work
        turns of a loop that an epoch takes: its times are then real.
    spread
        relative standard deviation from launch to launch, three times that from round
        to round of one: 0 makes all of a case alike.
    faults
        for a part of a job's id, what goes wrong when it trains, after the warm-up:
        ``hang``, ``out-of-memory``, ``did-not-train``, ``failed``, ``unsupported``, or
        the name of a signal (``SIGSEGV``) that ends the worker. The first part that
        fits counts.
    gpu_bytes_per_pixel
        GPU memory that training takes for each pixel of a step's images, of the driver
        that is there, such as that of `tests.fake_gpu`.
    log
        a file to which each training that ended adds a line ``JOB-ID PID``.
    openings
        a file to which each job that is opened adds such a line.
    """

    opening: float = 0.0
    delay: float = 0.0
    work: int = 0
    spread: float = 0.01
    faults: dict[str, str] = {}
    gpu_bytes_per_pixel: int = 0
    log: str | None = None
    openings: str | None = None

    def fault(self, job: Job) -> str | None:
        """What goes wrong with ``job``; None where nothing does."""
        return next(
            (what for part, what in self.faults.items() if part in job.id), None
        )


def fake_python(folder: Path) -> Path:
    """A program in ``folder`` that runs this file whatever module it is asked for."""
    program = folder / "fake_python"
    # -P: or `tests`, the folder of this file, would come before the checkout.
    command = shlex.join([sys.executable, "-P", str(Path(__file__).resolve())])
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    return program


class FakeSession(worker.Session):
    """Answers the protocol; nothing is imported, mapped or trained."""

    def __init__(self, report: Callable[[protocol.Reply], None]) -> None:
        """Nothing is open yet."""
        super().__init__(report)
        self._behaviour = msgspec.json.decode(
            os.environ.get(VARIABLE, "{}"), type=Behaviour
        )
        self._random = random.Random()  # from the system: launches of a case differ
        self._factor = self._random.lognormvariate(0, self._behaviour.spread)
        self._job: Job | None = None
        self._epochs = 0

    def answer(self, command: protocol.Command) -> protocol.Reply:
        """What a worker would say; it raises, hangs or dies as it was told to."""
        match command:
            case protocol.Open(job):
                self._job = job
                self._on_gpu = job.device == "cuda"
                time.sleep(self._behaviour.opening)
                if self._behaviour.openings is not None:
                    _add_line(self._behaviour.openings, f"{job.id} {os.getpid()}")
                return protocol.Opened(0.02, 0.001, 0.01, "fake", {"fake": "1"})
            case protocol.Train(epochs):
                assert self._job is not None
                with self._memory(self._job):
                    return self._train(self._job, epochs)
            case protocol.Audit():
                return protocol.Audited(None)
            case protocol.Copy(rounds):
                return protocol.Copied((0.001,) * rounds, 1_000_000)
            case _:
                return super().answer(command)

    @contextmanager
    def _memory(self, job: Job) -> Iterator[None]:
        """Have the GPU memory of a step; raises as engines do where there is less."""
        nbytes = self._behaviour.gpu_bytes_per_pixel * job.batch * job.size**2
        if not nbytes:
            yield
            return
        with cuda.Context() as gpu:
            address = gpu.allocate(nbytes)
            if address is None:
                raise RuntimeError(f"out of memory trying to allocate {nbytes} bytes")
            yield
            gpu.release(address)

    def _train(self, job: Job, epochs: int) -> protocol.Trained:
        fault = self._behaviour.fault(job)
        first_seconds = seconds = 0.0
        for number in range(epochs):
            if number == 1 and fault:
                _go_wrong(fault)
            time.sleep(self._behaviour.delay)
            epoch = self._epoch(job)
            first_seconds = first_seconds or epoch.seconds
            seconds += epoch.seconds
            self._report(protocol.EpochDone(epoch))
        if self._behaviour.log is not None:
            _add_line(self._behaviour.log, f"{job.id} {os.getpid()}")
        return protocol.Trained(
            first_seconds=first_seconds,
            seconds=seconds,
            weights_moved=0.0 if fault == "did-not-train" else 0.01,
            peak_rss_bytes=100_000_000,
            cores=CoresSeen(
                tuple(sorted(os.sched_getaffinity(0))),
                threads=1,
                engine_threads=job.cores,
                pools=(),
            ),
            notes=slowed.notes(slowed.share_of(job.id)),
        )

    def _epoch(self, job: Job) -> Epoch:
        """A time that the job settles, but for the launch's factor and the round's."""
        case = random.Random(job.id).uniform(0.9, 1.1)
        jitter = self._random.lognormvariate(0, self._behaviour.spread / 3)
        seconds = 0.01 * job.size / job.cores * case * self._factor * jitter
        cpu_seconds = seconds * job.cores
        if self._behaviour.work:
            seconds, cpu_seconds = _seconds_of(self._behaviour.work)
        longer = 1 + slowed.share_of(job.id)
        seconds, cpu_seconds = seconds * longer, cpu_seconds * longer
        self._epochs += 1
        return Epoch(
            seconds=seconds,
            images_per_second=job.images / seconds,
            cpu_seconds=cpu_seconds,
            loss=0.7 * 0.95**self._epochs,
            accuracy=0.5,
            compilations=0,
        )


def _seconds_of(turns: int) -> tuple[float, float]:
    """Wall and CPU seconds of a loop of ``turns``."""
    start, cpu_start = time.perf_counter(), time.process_time()
    for _ in range(turns):
        pass
    return time.perf_counter() - start, time.process_time() - cpu_start


def _go_wrong(fault: str) -> None:
    match fault:
        case "hang":
            time.sleep(3600)
        case "out-of-memory":
            raise MemoryError("as it was told to")
        case "failed":
            raise RuntimeError("as it was told to")
        case "unsupported":
            raise Unsupported("as it was told to; another engine has it")
        case "did-not-train":
            return
        case name:
            os.kill(os.getpid(), signal.Signals[name])


def _add_line(path: str, line: str) -> None:
    # In one write at the end: workers of several cases may share the file.
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(log, f"{line}\n".encode())
    os.close(log)


if __name__ == "__main__":
    del sys.argv[1:3]  # -m histocnn.worker
    worker.Session = FakeSession  # type: ignore[misc] # the one thing that is fake
    worker.main()

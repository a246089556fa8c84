"""Job → Measurement: fresh workers, a warm-up and the rounds in each, then checks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.launchers import Channel, Launcher, WorkerDied
from histocnn import protocol
from histocnn.job import Job
from histocnn.measurement import Epoch, Launch, Measurement, Phases

_Reply = TypeVar("_Reply", bound=msgspec.Struct)


class MeasuringFailed(Exception):
    """A case has no measurement; the message is one line, and what the worker said."""


@dataclass(frozen=True)
class Effort:
    """How much to measure: ``rounds`` timed epochs in each of ``launches`` processes.

    ``timeout`` is how many seconds a worker may take for one answer: opening a job, or
    one epoch.
    """

    launches: int
    rounds: int
    timeout: float = 600.0


@dataclass(frozen=True)
class Step:
    """What is going on within a case: epoch ``epoch`` of launch ``launch``, from 0."""

    launch: int
    epoch: int
    text: str


class Worker:
    """A worker on the other end of a channel, spoken to in commands and replies."""

    def __init__(self, channel: Channel, timeout: float) -> None:
        """Speak over ``channel``, waiting at most ``timeout`` seconds for a reply."""
        self._channel = channel
        self._timeout = timeout
        self.launched = channel.facts

    def ping(self) -> protocol.Ready:
        """One round trip that does nothing; checks that both speak one protocol."""
        self._send(protocol.Ping())
        ready = self._expect(protocol.Ready)
        if ready.version != protocol.VERSION:
            raise MeasuringFailed(
                f"the worker speaks protocol {ready.version}, this suite "
                f"{protocol.VERSION}; build its environment or image again"
            )
        return ready

    def open(self, job: Job, arrays: str) -> protocol.Opened:
        """Have it import the engine, map ``arrays`` and build the model."""
        self._send(protocol.Open(job, arrays))
        return self._expect(protocol.Opened)

    def train(
        self, epochs: int, on_epoch: Callable[[Epoch], None]
    ) -> tuple[list[Epoch], protocol.Trained]:
        """Have it train; ``on_epoch`` is called as each epoch ends."""
        self._send(protocol.Train(epochs))
        done: list[Epoch] = []
        while True:
            reply = self._reply()
            if isinstance(reply, protocol.Trained):
                return done, reply
            epoch = self._is(reply, protocol.EpochDone).epoch
            done.append(epoch)
            on_epoch(epoch)

    def copy(self, rounds: int) -> protocol.Copied:
        """Have it copy the opened images from host to device."""
        self._send(protocol.Copy(rounds))
        return self._expect(protocol.Copied)

    def leave(self) -> None:
        """Say goodbye; the channel's owner closes it."""
        self._send(protocol.Close())
        self._expect(protocol.Ready)

    def _send(self, command: protocol.Command) -> None:
        try:
            self._channel.send(protocol.encode(command))
        except WorkerDied as death:
            raise MeasuringFailed(str(death)) from None

    def _expect(self, kind: type[_Reply]) -> _Reply:
        return self._is(self._reply(), kind)

    def _reply(self) -> protocol.Reply:
        try:
            line = self._channel.receive(self._timeout)
        except WorkerDied as death:
            raise MeasuringFailed(str(death)) from None
        except TimeoutError:
            self._channel.kill()
            raise MeasuringFailed(
                f"the worker gave no answer for {self._timeout:g} s and was killed; "
                "raise --timeout if it only needs longer"
            ) from None
        try:
            return protocol.decode_reply(line)
        except msgspec.MsgspecError:
            raise MeasuringFailed(
                f"the worker wrote {line[:200]!r}, which is no reply: something in its "
                "environment prints to stdout before the worker takes it over"
            ) from None

    def _is(self, reply: protocol.Reply, kind: type[_Reply]) -> _Reply:
        if isinstance(reply, protocol.Failed):
            remedy = (
                f"; build its software again: {self._channel.remedy}"
                if reply.kind in ("ImportError", "ModuleNotFoundError")
                else ""
            )
            raise MeasuringFailed(
                f"the worker failed: {reply.kind}: {reply.message}{remedy}\n"
                f"{reply.details}"
            )
        if not isinstance(reply, kind):
            raise MeasuringFailed(
                f"the worker answered {reply!r} where {kind.__name__} was due"
            )
        return reply


@contextmanager
def worker(launcher: Launcher, job: Job, timeout: float) -> Iterator[Worker]:
    """A fresh worker for ``job``, gone at the end whatever happens."""
    channel = launcher.start(job)
    try:
        yield Worker(channel, timeout)
    except BaseException:
        channel.kill()  # nobody waits for what it is doing
        raise
    finally:
        channel.close()


def measure(
    job: Job,
    effort: Effort,
    launcher: Launcher,
    arrays: Path,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Measurement:
    """Measure ``job`` on the prepared ``arrays``, one fresh process a launch.

    Raises
    ------
    MeasuringFailed
        if a worker dies, hangs, fails, does not train, or ran on other cores.
    """
    launches = tuple(
        _launch(job, effort, launcher, arrays, number, on_step)
        for number in range(effort.launches)
    )
    return Measurement(job, launches)


def _launch(
    job: Job,
    effort: Effort,
    launcher: Launcher,
    arrays: Path,
    number: int,
    on_step: Callable[[Step], None],
) -> Launch:
    def report(epoch: int, text: str) -> None:
        on_step(Step(number, epoch, text))

    with worker(launcher, job, effort.timeout) as process:
        report(0, "opening")
        process.ping()
        opened = process.open(job, launcher.path(arrays))
        report(0, "compiling and warming up")
        ended = 0

        def on_epoch(epoch: Epoch) -> None:
            nonlocal ended
            ended += 1
            report(ended, f"{epoch.seconds:.3g} s/epoch")

        epochs, trained = process.train(1 + effort.rounds, on_epoch)
        process.leave()
    warm_up, *rounds = epochs
    launch = Launch(
        phases=Phases(
            import_seconds=opened.import_seconds,
            data_seconds=opened.data_seconds,
            build_seconds=opened.build_seconds,
            first_seconds=trained.first_seconds,
            steady_seconds=sum(epoch.seconds for epoch in rounds),
        ),
        warm_up=warm_up,
        rounds=tuple(rounds),
        weights_moved=trained.weights_moved,
        peak_rss_bytes=trained.peak_rss_bytes,
        cores=trained.cores,
        device_name=opened.device_name,
        versions=opened.versions,
        launched=process.launched,
        notes=trained.notes,
    )
    check(job, launch)
    return launch


def check(job: Job, launch: Launch) -> None:
    """Raise `MeasuringFailed` for a launch whose times mean something else.

    It must have trained, on as many CPUs and engine threads as the case says, and must
    have compiled nothing once it was warm.
    """
    if reason := launch.not_trained():
        raise MeasuringFailed(f"it did not train: {reason}")
    for number, epoch in enumerate(launch.rounds, start=1):
        if epoch.compilations:
            raise MeasuringFailed(
                f"round {number} compiled {epoch.compilations} times, so that its "
                f"{epoch.seconds:.3g} s are not training alone; a shape or a type "
                "changes between epochs"
            )
    cores = launch.cores
    if len(cores.affinity) != job.cores:
        raise MeasuringFailed(
            f"cores={job.cores}, but its threads may run on CPUs {cores.affinity}"
        )
    if cores.engine_threads != job.cores:
        raise MeasuringFailed(
            f"cores={job.cores}, but {job.engine} computes with "
            f"{cores.engine_threads} threads"
        )

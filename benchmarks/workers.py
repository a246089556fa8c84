"""The measuring side's end of the line to a worker: commands out, replies in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import msgspec

from benchmarks.launchers import Channel, Launcher, WorkerDied
from benchmarks.outcomes import MeasuringFailed, MemoryShort, Outcome, failed
from histocnn import protocol
from histocnn.errors import Unsupported
from histocnn.job import Job
from histocnn.measurement import Epoch

_Reply = TypeVar("_Reply", bound=msgspec.Struct)


class Worker:
    """A worker on the other end of a channel, spoken to in commands and replies."""

    def __init__(self, channel: Channel, timeout: float) -> None:
        """Speak over ``channel``, waiting at most ``timeout`` seconds for a reply."""
        self._channel = channel
        self._timeout = timeout
        self.launched = channel.facts
        self.cpus = channel.cpus
        self.pid = channel.pid

    def ping(self) -> protocol.Ready:
        """One round trip that does nothing; checks that both speak one protocol."""
        self._send(protocol.Ping())
        ready = self._expect(protocol.Ready)
        if ready.version != protocol.VERSION:
            raise failed(
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

    def audit(self) -> dict[str, int] | None:
        """Have it train an epoch and count its calls for GPU memory, by function."""
        self._send(protocol.Audit())
        return self._expect(protocol.Audited).calls

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
            raise MeasuringFailed(death.outcome) from None

    def _expect(self, kind: type[_Reply]) -> _Reply:
        return self._is(self._reply(), kind)

    def _reply(self) -> protocol.Reply:
        try:
            line = self._channel.receive(self._timeout)
        except WorkerDied as death:
            raise MeasuringFailed(death.outcome) from None
        except TimeoutError:
            self._channel.kill()
            message = (
                f"the worker gave no answer for {self._timeout:g} s and was killed; "
                "raise --timeout if it only needs longer"
            )
            raise MeasuringFailed(Outcome("timed-out", message)) from None
        try:
            return protocol.decode_reply(line)
        except msgspec.MsgspecError:
            raise failed(
                f"the worker wrote {line[:200]!r}, which is no reply: something in its "
                "environment prints to stdout before the worker takes it over"
            ) from None

    def _is(self, reply: protocol.Reply, kind: type[_Reply]) -> _Reply:
        if isinstance(reply, protocol.Failed):
            if reply.kind == Unsupported.__name__:
                raise MeasuringFailed(Outcome("unsupported", reply.message))
            remedy = (
                f"; build its software again: {self._channel.remedy}"
                if reply.kind in ("ImportError", "ModuleNotFoundError")
                else ""
            )
            # A framework's message may run over lines; all of it is in the details.
            message = " ".join(f"{reply.kind}: {reply.message}".split())
            if reply.out_of_memory:
                short = MemoryShort(reply.asked_bytes, reply.free_bytes)
                outcome = Outcome(
                    "out-of-memory",
                    f"out of memory: {message}",
                    short=short if short != MemoryShort() else None,
                )
            else:
                outcome = Outcome("failed", f"the worker failed: {message}{remedy}")
            raise MeasuringFailed(replace(outcome, words=reply.details))
        if not isinstance(reply, kind):
            raise failed(f"the worker answered {reply!r} where {kind.__name__} was due")
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

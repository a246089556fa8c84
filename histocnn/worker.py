"""The measured process: ``python -m histocnn.worker``, commands on stdin, replies out.

It starts on the standard library alone, so that it is pinned before anything starts a
thread, and imports a framework only when it is told to open a job.
"""

import argparse
import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from histocnn import cuda, protocol
from histocnn.memory import asked_bytes, ran_out
from histocnn.protocol import Command, Reply

if TYPE_CHECKING:
    from histocnn.training import Training

_PR_SET_PDEATHSIG = 1
#: From here on Theano writes a page about its graph, which the details have, too.
_GRAPH = "\nApply node that caused the error:"


def main() -> None:
    """Serve until `Close` or the end of stdin."""
    parser = argparse.ArgumentParser(prog="histocnn.worker", description=__doc__)
    parser.add_argument("--cpus", help="CPUs to stay on, e.g. 0,1 (default: all given)")
    parser.add_argument("--parent", type=int, help="leave when this process has gone")
    parser.add_argument(
        "--leave-with-stdin",
        action="store_true",
        help="leave as soon as stdin is hung up, even while training",
    )
    arguments = parser.parse_args()
    if arguments.cpus:
        os.sched_setaffinity(0, [int(cpu) for cpu in arguments.cpus.split(",")])
    if arguments.parent:
        _die_with(arguments.parent)
    if arguments.leave_with_stdin:
        threading.Thread(target=_leave_with_stdin, daemon=True).start()
    serve(sys.stdin.buffer, _claim_stdout())
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to save, and a framework takes half a second to tear down.
    os._exit(0)


def _claim_stdout() -> BinaryIO:
    """Keep stdout for replies; whatever else prints there goes to stderr instead."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return replies


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when ``parent`` dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)


def _leave_with_stdin() -> None:
    """End the process when nobody can send it commands any more.

    In a container the parent is not the suite, and the kernel cannot tell of its end.
    The thread sleeps until then.
    """
    hung_up = select.poll()
    hung_up.register(0, 0)
    hung_up.poll()
    os._exit(1)


def serve(commands: BinaryIO, replies: BinaryIO) -> None:
    """Answer each line of ``commands`` until `Close` or the end."""
    session = Session(lambda reply: _write(replies, reply))
    for line in commands:
        command: Command | None = None
        try:
            command = protocol.decode_command(line)
            _write(replies, session.answer(command))
        except Exception as error:  # it crosses to the measuring side, whole
            _write(replies, _failed(error, session))
        if isinstance(command, protocol.Close):
            return


def _failed(error: Exception, session: "Session") -> protocol.Failed:
    out_of_memory = ran_out(error)
    return protocol.Failed(
        kind=type(error).__name__,
        message=_plain(str(error).partition(_GRAPH)[0]),
        details=_plain(traceback.format_exc()),
        out_of_memory=out_of_memory,
        asked_bytes=asked_bytes(error) if out_of_memory else None,
        free_bytes=session.free_gpu_bytes() if out_of_memory else None,
    )


def _plain(text: str) -> str:
    """``text`` as JSON can hold it: a lone surrogate, no character, is spelt out."""
    return text.encode(errors="backslashreplace").decode()


def _write(replies: BinaryIO, reply: Reply) -> None:
    replies.write(protocol.encode(reply))


class Session:
    """What a worker knows between commands; ``report`` sends a reply ahead of time."""

    def __init__(self, report: Callable[[Reply], None]) -> None:
        """Nothing is open yet."""
        self._report = report
        self._training: Training | None = None
        self._on_gpu = False

    def answer(self, command: Command) -> Reply:
        """Carry out ``command``; whatever it raises is the caller's to report."""
        match command:
            case protocol.Open(job, arrays):
                start = time.perf_counter()
                self._on_gpu = job.device == "cuda"
                # Imported here: it brings NumPy, which must find the process pinned.
                from histocnn.training import Training

                self._training = Training(job, Path(arrays), start)
                return self._training.opened
            case protocol.Train(epochs):
                return self._opened().train(
                    epochs, lambda epoch: self._report(protocol.EpochDone(epoch))
                )
            case protocol.Audit():
                return protocol.Audited(self._opened().audit())
            case protocol.Copy(rounds):
                return self._opened().copy(rounds)
            case protocol.Ping() | protocol.Close():
                return protocol.Ready(protocol.VERSION, os.getpid())

    def free_gpu_bytes(self) -> int | None:
        """What the engine could still have; None on the CPU, or where nobody answers.

        An engine that ran out of memory may have taken the driver's context with it.
        """
        if not self._on_gpu:
            return None
        with contextlib.suppress(Exception):  # engines raise of their own kinds
            if self._training is not None:
                return self._training.free_bytes()
            free, _ = cuda.memory()
            return free
        return None

    def _opened(self) -> "Training":
        if self._training is None:
            raise RuntimeError("nothing is open: Open comes before")
        return self._training


if __name__ == "__main__":
    main()

"""Ballast: holds a GPU's memory, so that others find no more of it than they are to.

``python -S -m histocnn.ballast --leave BYTES`` holds all that the first visible GPU has
free but for BYTES and one CUDA context, until its stdin closes or its parent dies. It
prints a line of JSON (`State`) when it holds it; for each line on stdin it looks again,
takes or gives back what has changed, and prints another. What it cannot do ends it with
one line on stderr.

BYTES are what a process may allocate *besides its CUDA context*, which takes some
hundred MB today and is no part of what a network needs. No interface tells its size
without NVML, so it is seen: by how much free memory drops when another process makes a
context and nothing else.

It is memory of `cuMemAlloc`, which the driver neither moves nor swaps out; managed
memory would make room for others. The standard library alone: it is up at once.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from histocnn.cuda import Context

_MB = 2**20
_LARGEST, _SMALLEST = 1024 * _MB, 2 * _MB  # bytes of a chunk; the last is a GPU's page
#: Bytes by which free memory may differ from one moment to the next.
_TOLERANCE = 8 * _MB
_PATIENCE = 5.0  # seconds until what a process had is free after its end
_TRIES = 3
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


@dataclass(frozen=True)
class State:
    """Bytes: all of the GPU's, those held, those free, and those of a bare context."""

    total: int
    held: int
    free: int
    context: int


class Ballast:
    """Memory held so that ``leave`` bytes and one context are free for others."""

    def __init__(self, context: Context, leave: int) -> None:
        """Nothing is held yet; raises as `context_bytes` does."""
        self._context = context
        self._leave = leave
        self._overhead = context_bytes(context)
        self._chunks: list[tuple[int, int]] = []  # bytes and address, large ones first

    def level(self, patience: float = 0.0) -> State:
        """Take or give back until what is free is what is to be.

        Where too little is, that may be for ``patience`` seconds a process's memory
        that has just ended. Raises `RuntimeError` where others have too much.
        """
        target = self._leave + self._overhead
        if _settled(self._context, target, patience) < target - _TOLERANCE:
            self._give_back(target)
        self._take(target)
        free, total = self._context.memory()
        if abs(free - target) > _TOLERANCE:
            raise RuntimeError(self._why_not(free, total))
        return State(total, sum(size for size, _ in self._chunks), free, self._overhead)

    def _give_back(self, target: int) -> None:
        while self._chunks and self._free() < target:
            self._context.release(self._chunks.pop()[1])

    def _take(self, target: int) -> None:
        size = _LARGEST
        while size >= _SMALLEST and self._free() - target >= _SMALLEST:
            size = min(size, _whole(self._free() - target))
            address = self._context.allocate(size)
            if address is None:  # no such piece in one
                size = _whole(size // 2)
            else:
                self._chunks.append((size, address))

    def _free(self) -> int:
        return self._context.memory()[0]

    def _why_not(self, free: int, total: int) -> str:
        left, context = (free - self._overhead) // _MB, self._overhead // _MB
        beside = f"beside CUDA contexts of {context} MB, its own and the ballast's"
        if free > self._leave + self._overhead:
            return (
                f"{left} MB stay free for a process, {beside}, and the driver lets no "
                "more of them be held"
            )
        return (
            f"of the GPU's {total // _MB} MB a process could have {max(0, left)} MB, "
            f"{beside}"
        )


def context_bytes(context: Context) -> int:
    """What a bare CUDA context takes of the GPU, in bytes.

    Raises `RuntimeError` where others take and free memory all the while.
    """
    for _ in range(_TRIES):
        before, _total = context.memory()
        with _another_context():
            during, _total = context.memory()
        after = _settled(context, before, _PATIENCE)
        if during <= before and abs(after - before) <= _TOLERANCE:
            return before - during
    raise RuntimeError(
        "other processes take and free the GPU's memory all the while; end them"
    )


def _settled(context: Context, expected: int, patience: float) -> int:
    """Bytes free, once they are ``expected``, or as they are ``patience`` s later."""
    deadline = time.monotonic() + patience
    while True:
        free, _ = context.memory()
        if free >= expected - _TOLERANCE or time.monotonic() >= deadline:
            return free
        time.sleep(0.02)


def _whole(nbytes: int) -> int:
    return nbytes // _SMALLEST * _SMALLEST


@contextmanager
def _another_context() -> Iterator[None]:
    """Another process has a context and nothing else; gone at the end."""
    command = [sys.executable, "-S", "-m", "histocnn.ballast"]
    with subprocess.Popen(
        [*command, "--parent", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        if not process.stdout.readline():
            raise RuntimeError(process.stderr.read().strip() or "no second context")
        yield
        process.stdin.close()


def main() -> None:
    """Hold until the end of stdin; without ``--leave`` a bare context only."""
    parser = argparse.ArgumentParser(prog="histocnn.ballast")
    parser.add_argument("--leave", type=int, metavar="BYTES")
    parser.add_argument("--parent", type=int, help="leave when this process has gone")
    arguments = parser.parse_args()
    # What tells who holds the GPU's memory shows it.
    ctypes.CDLL(None).prctl(_PR_SET_NAME, b"ballast", 0, 0, 0)
    if arguments.parent:
        _die_with(arguments.parent)
    try:
        with Context() as context:
            _hold(context, arguments.leave)
    except (OSError, RuntimeError) as error:
        sys.exit(str(error))


def _hold(context: Context, leave: int | None) -> None:
    if leave is None:
        print(json.dumps({}), flush=True)
        sys.stdin.read()
        return
    ballast = Ballast(context, leave)
    _tell(ballast.level(_PATIENCE))
    for _ in sys.stdin:
        _tell(ballast.level(_PATIENCE))


def _tell(state: State) -> None:
    print(json.dumps(asdict(state)), flush=True)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when ``parent`` dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The ballast of a session: a GPU made smaller for the launches that ask for it.

It is there from the first GPU launch with a cap (`Job.gpu_memory`) to the first one
with another or none, or to the session's end, so that a campaign of one cap starts it
once, whatever it runs on the CPU in between. Before each launch on the GPU it looks
whether as much is free as is to be: a neighbour may have come or gone. Another
session's GPU launches wait until it is gone.
"""

import contextlib
import json
import math
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from benchmarks import gpu_memory
from benchmarks.environments import ROOT
from benchmarks.launchers import parse_size
from histocnn import cache
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.memory import MEBIBYTE

_PATIENCE = 120.0  # seconds that the ballast may take for one answer
_GRACE = 10.0  # seconds that it gets to leave by itself
_LEAST = 64 * MEBIBYTE  # no engine starts in less


def parse_cap(
    text: str | None, variables: Mapping[str, str] = MappingProxyType({})
) -> int | None:
    """MB of ``--gpu-memory``: ``4096MB``, ``4GB``; None where nothing is asked.

    ``variables`` are `Launcher.GPU`.

    Raises
    ------
    InputError
        for what is no size, no whole number of MB, or more than the GPU has; and where
        nobody knows which GPU a container gets.
    """
    size = parse_size(text, "--gpu-memory", _LEAST)
    if size is None:
        return None
    if size % MEBIBYTE:
        raise InputError(f"--gpu-memory {text!r} is not a whole number of MB")
    # On this machine the ballast gets the GPU that the workers do, whichever it is.
    if variables and (reason := gpu_memory.doubt(variables)):
        raise InputError(f"--gpu-memory {text!r} cannot be had: {reason}")
    state = gpu_memory.read(variables)
    if state is not None and size > state.total:
        raise InputError(
            f"--gpu-memory {text!r}: the GPU has "
            f"{gpu_memory.in_megabytes(state.total)} in all; ask for less, or leave "
            "the option out"
        )
    return size // MEBIBYTE


class Ballast:
    """What holds the rest of the GPU, while anything does."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self._held: _Process | None = None
        self._cap: int | None = None  # MB

    @cached_property
    def _lock(self) -> FileLock:
        """Of the GPU's memory, between sessions of one checkout."""
        return FileLock(cache.scratch() / "gpu-memory.lock")

    @contextmanager
    def beside(
        self,
        job: Job,
        variables: Mapping[str, str],
        on_wait: Callable[[], None] = lambda: None,
        until: float = math.inf,
    ) -> Iterator[None]:
        """A launch of ``job``, whose cap holds; on a GPU without one is no ballast.

        Parameters
        ----------
        variables
            in place of this process's, such that CUDA's first GPU is the worker's.
        on_wait
            is called where another session has the GPU's memory.
        until
            when to wait for it no longer, by `time.monotonic`.

        Raises
        ------
        Busy
            where another session still has it then.
        InputError
            where the GPU cannot be made to have what the job says, or did not keep it.
        """
        if job.device == "cpu":
            yield
            return
        if job.gpu_memory != self._cap:
            self.close()
        with acquired(self._lock, on_wait, until):
            if job.gpu_memory is not None:
                self._level(job.gpu_memory, variables)
            yield
            if self._held is not None and not self._held.is_alive():
                self.close()
                raise InputError(
                    f"--gpu-memory {job.gpu_memory}MB: what held the rest of the GPU's "
                    "memory ended during the launch"
                )

    def close(self) -> None:
        """Give the memory back; safe to call again."""
        held, self._held, self._cap = self._held, None, None
        if held is not None:
            held.close()
            self._lock.release()

    def _level(self, cap: int, variables: Mapping[str, str]) -> None:
        try:
            if self._held is None:
                self._held, self._cap = _Process(cap, variables), cap
                self._lock.acquire()  # once more, until `close`
                self._held.state()
            else:
                self._held.level()
        except _Refused as refusal:
            self.close()
            holders = gpu_memory.others(gpu_memory.read(variables))
            raise InputError(
                f"--gpu-memory {cap}MB cannot be had: {refusal}{holders}"
            ) from None


class _Refused(Exception):
    """The ballast cannot hold what it is to; its own line says why."""


class _Process:
    """``python -m histocnn.ballast``, out of reach of Ctrl-C."""

    def __init__(self, cap: int, variables: Mapping[str, str]) -> None:
        command = [sys.executable, "-S", "-m", "histocnn.ballast"]
        self._process = subprocess.Popen(
            [
                *command,
                *("--leave", str(cap * MEBIBYTE), "--parent", str(os.getpid())),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            bufsize=0,
            start_new_session=True,
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def level(self) -> dict[str, Any]:
        """Have it take or give back what has changed; what it then holds."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it says so itself
            self._process.stdin.write(b"\n")
        return self.state()

    def state(self) -> dict[str, Any]:
        """Its next line; `_Refused` with its last where it has ended."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(_PATIENCE):
                raise _Refused(f"the NVIDIA driver gave no answer in {_PATIENCE:g} s")
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            said = self._process.stderr.read().decode(errors="replace").splitlines()
            raise _Refused(said[-1] if said else "its process died without a word")
        state: dict[str, Any] = json.loads(line)
        return state

    def close(self) -> None:
        """End its input, which it takes for goodbye; kill it where it stays."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


class Busy(Exception):
    """Another session went on for longer than this one could wait."""


@contextmanager
def acquired(
    lock: FileLock, on_wait: Callable[[], None], until: float = math.inf
) -> Iterator[None]:
    """Hold ``lock``; ``on_wait`` is called where another has it.

    Raises `Busy` where it still has it at ``until``, by `time.monotonic`.
    """
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        left = max(0.0, until - time.monotonic())
        try:
            lock.acquire(timeout=-1 if left == math.inf else left)
        except Timeout:
            raise Busy from None
    try:
        yield
    finally:
        lock.release()

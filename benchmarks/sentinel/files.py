"""Files of the kernel that are read over and over, and what is read seldom."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class KernelFile:
    """A file of /proc or /sys, kept open: reading it again is one system call."""

    def __init__(self, path: Path, size: int = 4096) -> None:
        """Open ``path``, of which the first ``size`` bytes matter."""
        self._size = size
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes | None:
        """What it says now; None where it is absent, unreadable or empty."""
        if self._descriptor is None:
            return None
        try:
            # A CPU may be taken away and come back: the next try is as good as this.
            return os.pread(self._descriptor, self._size, 0) or None
        except OSError:
            return None

    def close(self) -> None:
        """Close it; it reads as absent from here on."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Seldom(Generic[_Value]):
    """A reading taken at most every ``seconds``, and less often where it is dear.

    In between it is the last one. It takes no more than ``share`` of one core.
    """

    def __init__(
        self, read: Callable[[], _Value], seconds: float, share: float = 0.001
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._share = share
        self._due = 0.0
        self._last: tuple[_Value] | None = None

    def read(self, now: float) -> _Value:
        """The reading, taken at ``now`` (`time.monotonic`) where it is due."""
        if self._last is not None and now < self._due:
            return self._last[0]
        began = time.thread_time()
        self._last = (self._read(),)
        cost = time.thread_time() - began
        self._due = now + max(self._seconds, cost / self._share)
        return self._last[0]

"""``ray start --block`` as a child: until it is ready, how it ended, and its end."""

import contextlib
import ctypes
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.cluster import ray_token
from histocnn.errors import InputError

_READY = "Ray runtime started"
_PATIENCE = 120.0  # seconds until it is ready
_GRACE = 15.0  # seconds that it gets to end what it started
_LOOK = 0.2  # seconds between looks
_PR_SET_PDEATHSIG = 1
_LONGEST = 300  # characters of its last words


@dataclass
class Ended(Exception):
    """It is gone; ``said`` tells why, in a line."""

    said: str


class RayProcess:
    """Ray's processes of one node or head, as one command started them."""

    def __init__(
        self, command: list[str], variables: dict[str, str], scratch: Path
    ) -> None:
        """Start ``command``; what it prints goes to a file in ``scratch``."""
        self._log = scratch / "start.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=variables,
                start_new_session=True,  # Ctrl-C is this process's
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - there is one thread
            )

    def __enter__(self) -> "RayProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def wait_until_ready(self) -> None:
        """Return once it serves.

        Raises `Ended` where it does not, `InputError` where no other try would.
        """
        deadline = time.monotonic() + _PATIENCE
        while _READY not in self._said():
            if self._process.poll() is not None:
                raise self._ended()
            if time.monotonic() > deadline:
                raise Ended(f"Ray did not start within {_PATIENCE:.0f} s")
            time.sleep(_LOOK)

    def wait(self) -> Ended:
        """How it ended, once it has."""
        self._process.wait()
        return self._ended()

    def end(self) -> None:
        """End it and all that it started; kill what stays."""
        with contextlib.suppress(psutil.NoSuchProcess):
            started = psutil.Process(self._process.pid).children(recursive=True)
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
            _, stayed = psutil.wait_procs(started, timeout=_GRACE / 3)
            for process in stayed:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.kill()
        self._process.wait()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")

    def _ended(self) -> Ended:
        said = self._said()
        if "InvalidAuthToken" in said or "AuthenticationError" in said:
            raise InputError(
                f"the head takes another token than that of {ray_token.place()}; copy "
                "the head's to there, readable by you alone (chmod 600)"
            )
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if "Version mismatch" in said:
            told = next(line for line in lines if "Version mismatch" in line)
            raise InputError(
                f"the head is of another version ({told[:_LONGEST]}); start both from "
                "checkouts of one commit"
            )
        if _READY in said:
            return Ended("one of Ray's processes was killed, or its head is gone")
        return Ended(lines[-1][-_LONGEST:] if lines else "Ray ended without a word")


def _end_with_parent() -> None:
    """In the child: have the kernel tell it when its parent dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

"""Launchers: every other file of this folder is one, named as ``--launcher`` names it.

A launcher's module has one public class, `Launcher`, that starts workers somewhere and
hands out the line to each; what is said on that line is `histocnn.protocol`'s.
"""

import sys
from pathlib import Path
from typing import Protocol, cast

from histocnn import listing
from histocnn.job import Job


class WorkerDied(Exception):
    """The worker has gone; the message says how and shows its last words."""


class Channel(Protocol):
    """The line to one worker."""

    def send(self, line: bytes) -> None:
        """Pass a line on; `WorkerDied` where nobody listens."""

    def receive(self, timeout: float) -> bytes:
        """The next line, newline included, within ``timeout`` seconds.

        Raises `TimeoutError` or `WorkerDied`.
        """

    def close(self) -> None:
        """Let the worker go, by force if it does not; safe to call again."""

    def kill(self) -> None:
        """End the worker and whatever it started, at once."""


class Launcher(Protocol):
    """The contract of a launcher."""

    def cores(self) -> int:
        """Cores that a worker can have at most."""

    def missing(self, job: Job) -> str | None:
        """Why ``job`` cannot run here and what to do about it; None where it can.

        Raises `InputError` where something is there but broken.
        """

    def start(self, job: Job) -> Channel:
        """Start a worker with the job's cores and its engine's environment."""

    def path(self, entry: Path) -> str:
        """``entry``, a folder of prepared arrays, as a worker started here sees it."""


def names() -> tuple[str, ...]:
    """The launchers there are."""
    return listing.names(sys.modules[__name__])


def get(name: str) -> Launcher:
    """The launcher ``name``; `InputError` lists those there are."""
    module = listing.member(sys.modules[__name__], "launcher", name)
    return cast(Launcher, module.Launcher())

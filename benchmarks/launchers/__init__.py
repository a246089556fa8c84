"""Launchers: every other file of this folder is one, named as ``--launcher`` names it.

A launcher's module has a public class, `Launcher`, that starts workers somewhere and
hands out the line to each; what is said on that line is `histocnn.protocol`'s. Where
not this machine measures but a cluster, the module has `Cluster`, too.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from benchmarks.outcomes import Outcome
from histocnn import engines, listing, peers
from histocnn.errors import InputError
from histocnn.job import Job

if TYPE_CHECKING:
    from benchmarks.cluster import Cluster

_LEAST_MEMORY = 6 * 2**20


@dataclass(frozen=True)
class Settings:
    """What the command line asks of a launcher.

    ``memory_bytes`` is the most that a worker may use, ``image`` the container image in
    place of the suite's own; None leaves either. ``interpreters`` are pairs of an
    environment's name and the path of a Python to use in its place. ``gpu_memory`` are
    the MB that a worker's GPU is made to have, by the suite itself. ``address`` is
    where a cluster's head answers, ``machines`` the types of its machines that cases
    are for. A launcher that cannot do what is asked raises
    `InputError` when it is made.
    """

    memory_bytes: int | None = None
    image: str | None = None
    interpreters: tuple[tuple[str, str], ...] = ()
    gpu_memory: int | None = None
    address: str | None = None
    machines: str | None = None

    @property
    def on_node(self) -> str:
        """The launcher by which a cluster's node starts its workers with these."""
        # Docker where something is asked that it alone can.
        contained = self.image is not None or self.memory_bytes is not None
        return "docker" if contained else "local"


DEFAULTS = Settings()


class WorkerDied(Exception):
    """The worker has gone; ``outcome`` says how, with its last words."""

    def __init__(self, outcome: Outcome) -> None:
        """For ``outcome``, whose words are the exception's."""
        super().__init__(str(outcome))
        self.outcome = outcome


class Channel(Protocol):
    """The line to one worker.

    Attributes
    ----------
    facts
        what the worker was started as, stored with its result: the launcher's name,
        for a container its image, and ``interpreter: own`` where the user's own Python
        stands in for a locked environment.
    remedy
        what mends its software: commands, where the suite built it.
    cpus
        the CPUs of this machine that the worker is pinned to; empty where it runs on
        another machine.
    pid
        its first process as this process sees it; None where it does not.
    """

    facts: dict[str, str]
    remedy: str
    cpus: tuple[int, ...]
    pid: int | None

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
    """The contract of a launcher; it is made with `Settings`.

    Attributes
    ----------
    GPU
        variables by which CUDA on this machine shows the GPU that workers train on as
        its first; empty where workers see what this process sees.
    """

    GPU: ClassVar[Mapping[str, str]]

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


def names_here() -> tuple[str, ...]:
    """Those that start workers on this machine."""
    package = sys.modules[__name__]
    return tuple(
        name
        for name in names()
        if not hasattr(listing.member(package, "launcher", name), "Cluster")
    )


def get(name: str, settings: Settings = DEFAULTS) -> Launcher:
    """The launcher ``name``; `InputError` lists those there are."""
    module = listing.member(sys.modules[__name__], "launcher", name)
    return cast(Launcher, module.Launcher(settings))


def cluster(name: str, settings: Settings) -> "Cluster | None":
    """What measures cases in this machine's place; None where it does itself.

    Raises `InputError` where the settings are of a cluster and there is none.
    """
    module = listing.member(sys.modules[__name__], "launcher", name)
    if hasattr(module, "Cluster"):
        return cast("Cluster", module.Cluster(settings))
    for option, value in (
        ("--ray-address", settings.address),
        ("--machines", settings.machines),
    ):
        if value is not None:
            raise InputError(
                f"{option} is of a cluster; add --launcher ray, or leave it out"
            )
    return None


def gpu(name: str) -> Mapping[str, str]:
    """The launcher's `GPU`, without making one; `InputError` lists those there are."""
    module = listing.member(sys.modules[__name__], "launcher", name)
    return cast(Mapping[str, str], module.Launcher.GPU)


def beyond(job: Job, cores: int) -> str | None:
    """Why ``job`` cannot run where workers get ``cores`` at most; None where it can.

    What every launcher asks first: cores, the engine's devices, precisions and peers.
    """
    engine = engines.get(job.engine)
    if job.cores > cores:
        return f"needs {job.cores} cores; this machine lends {cores}"
    if job.device not in engine.DEVICES:
        return f"{job.engine} trains here on {', '.join(engine.DEVICES)} only"
    if job.precision not in engine.PRECISIONS:
        return f"{job.engine} has no {job.precision}"
    if job.precision == "tf32" and job.device == "cpu":
        return "tf32 is a way that NVIDIA GPUs multiply; a CPU has none"
    if job.loop == "peer" and job.engine not in peers.names():
        return f"{job.engine} has no peer written by hand"
    return engine.unsupported(job)


def parse_size(
    text: str | None, option: str = "--memory-limit", least: int = _LEAST_MEMORY
) -> int | None:
    """Bytes of ``512MB``, ``4GB`` or a plain number; None where nothing is asked.

    Units are powers of 1024, as Docker's are.

    Raises
    ------
    InputError
        for anything else, and for less than ``least``: by default Docker's, 6 MB.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,15})\s*([kmgt]?)i?b?", text.strip().lower())
    size = int(match[1]) * 1024 ** " kmgt".index(match[2] or " ") if match else 0
    if size < least:
        raise InputError(
            f"{option} {text!r} is not a size of {least // 2**20} MB or more, such as "
            "4GB"
        )
    return size

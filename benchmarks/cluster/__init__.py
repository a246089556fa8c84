"""A cluster: machines that measure launches, several at a time, each one at a time.

What a campaign asks of a cluster, whatever engine runs it; `benchmarks.launchers.ray`
is one, `simulated` another. A cluster measures and nothing else: what is due, the
journal and the results are the campaign's, on the machine of the person who waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from benchmarks.fingerprint import Fingerprint, hard_digest
from benchmarks.measure import Step
from benchmarks.outcomes import Outcome
from benchmarks.settling import Effort
from histocnn.job import Job
from histocnn.measurement import Launch


def kind(job: Job) -> Job:
    """``job`` without what tells nothing of where it can run.

    That are sizes, data and seed; and its cores, which a node's own number answers.
    """
    return replace(
        job, size=32, batch=10, images=10, cores=1, dataset="", seed=0, machine=None
    )


def number_of_nodes(number: int) -> str:
    """So many nodes, in words."""
    return "1 node" if number == 1 else f"{number} nodes"


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes
    ----------
    id
        what the cluster's engine calls it, for as long as it lives.
    name
        what results call it, also after it was restarted: ``node-3fa2c1``. It names
        neither the machine nor its user.
    fingerprint
        its facts, as it took them itself.
    cores
        that a worker can have at most.
    refusals
        why jobs of a `kind` cannot run there, and what to do about it. A kind that is
        asked about and not in here can.
    """

    id: str
    name: str
    fingerprint: Fingerprint
    cores: int
    refusals: Mapping[Job, str]

    @property
    def machine(self) -> str:
        """Its type: nodes whose hard facts are the same have the same."""
        return hard_digest(self.fingerprint.hard)

    def refusal(self, job: Job) -> str | None:
        """Why ``job`` cannot run here; None where it can."""
        if job.cores > self.cores:
            return f"needs {job.cores} cores; this machine lends {self.cores}"
        return self.refusals.get(kind(job))


@dataclass(frozen=True)
class Order:
    """One launch to be measured: the ``number``-th of ``job``.

    ``arrays`` is the folder of prepared images on this machine, whose name tells its
    content, ``ticket`` what the order's events are told apart by.
    """

    ticket: int
    job: Job
    number: int
    effort: Effort
    arrays: Path


@dataclass(frozen=True)
class Stepped:
    """The launch of ``ticket`` goes on."""

    ticket: int
    step: Step


@dataclass(frozen=True)
class Measured:
    """It has ended: either ``launch`` or ``outcome``, as on this machine.

    ``seconds`` is the wall time that it took on its node, and ``at`` when it began
    there, in seconds since the epoch by the node's clock.
    """

    ticket: int
    launch: Launch | None
    outcome: Outcome | None
    seconds: float
    at: float = 0.0


@dataclass(frozen=True)
class Lost:
    """Nothing is known of the launch of ``ticket`` any more: it is to be made again."""

    ticket: int
    why: str


@dataclass(frozen=True)
class Faulted:
    """Its node could not make the launch of ``ticket``: ``outcome`` says why.

    The node may lack something or the case be at fault; another node tells.
    """

    ticket: int
    outcome: Outcome


@dataclass(frozen=True)
class Joined:
    """A node can measure from now on."""

    node: Node


@dataclass(frozen=True)
class Left:
    """A node is gone; what it measured comes as `Lost`, before or after."""

    id: str
    why: str


Event = Stepped | Measured | Lost | Faulted | Joined | Left


class Cluster(Protocol):
    """The contract of a cluster; it is used by one thread."""

    def open(self, kinds: Sequence[Job]) -> list[Node]:
        """Connect; the nodes there are, each asked what of ``kinds`` it can run.

        Raises `InputError` where nothing answers or nobody may ask.
        """

    def submit(self, order: Order, node: Node) -> None:
        """Have ``order`` measured on ``node``, which measures nothing else of ours."""

    def cancel(self, ticket: int) -> None:
        """End that launch, wherever it is; nothing more is heard of it."""

    def wait(self, timeout: float) -> list[Event]:
        """What has happened since the last call, in order; waits for the first.

        After ``timeout`` seconds without any it is empty. Raises `InputError` where
        the cluster is lost for good.
        """

    def close(self) -> None:
        """End what still runs and let the cluster go; safe to call again."""

"""What a campaign on a cluster is given: where it measures, and whom it tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.cases import Case, Observer
from benchmarks.cluster import Cluster, Node
from histocnn.job import Job


@dataclass(frozen=True)
class Workplace:
    """Where a campaign measures, and on what.

    ``nodes`` are those that the open ``cluster`` has. ``machine_of`` tells the type of
    machine (`Node.machine`) that a job is measured on, ``arrays`` the folder of its
    prepared images on this machine.
    """

    cluster: Cluster
    nodes: Sequence[Node]
    machine_of: Callable[[Job], str]
    arrays: Callable[[Job], Path]


class ClusterObserver(Observer, Protocol):
    """Who is told how a campaign on a cluster goes on."""

    def placed(self, case: Case, number: int, node: Node) -> None:
        """Launch ``number`` of ``case`` begins on ``node``."""

    def stepped(self, case: Case, node: Node, text: str) -> None:
        """What is going on in it."""

    def lost(self, case: Case, number: int, why: str) -> None:
        """Nothing came of it; it is made again."""

    def ended(self, node: Node) -> None:
        """Nothing of ours runs on ``node`` any more."""

    def nodes(self, number: int) -> None:
        """The cluster has so many nodes now."""

    def say(self, text: str) -> None:
        """Leave a line of its own."""

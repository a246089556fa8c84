"""Launches on the nodes of a Ray cluster, each node measuring one at a time.

Nothing here imports Ray. A bridge does, a process of its own in ``.envs/ray`` that is
spoken to in lines: what ends Ray's driver ends no session. It is started again, what
was out is `Lost`, and the nodes join anew.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from benchmarks import environments
from benchmarks.cluster import (
    Event,
    Faulted,
    Joined,
    Left,
    Lost,
    Measured,
    Node,
    Order,
    Stepped,
    number_of_nodes,
    ray_project,
    wire,
)
from benchmarks.cluster.ray_driver import BridgeEnded
from benchmarks.cluster.ray_line import Cut, Line
from benchmarks.cluster.ray_listen import parse
from benchmarks.cluster.ray_retry import Retry
from benchmarks.launchers import DEFAULTS, Channel, Settings
from benchmarks.scratch import Scratch
from histocnn.errors import InputError
from histocnn.job import Job

_ELSEWHERE = (
    "--launcher ray starts workers on the cluster's nodes only; leave it out for what "
    "is measured on this machine"
)


class Launcher:
    """Refuses what would be measured here: `Cluster` is what measures."""

    GPU: ClassVar[Mapping[str, str]] = {}

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        """Nothing is connected, whatever ``settings`` say."""

    def cores(self) -> int:
        """None here."""
        return 0

    def missing(self, job: Job) -> str | None:
        """That no ``job`` runs here."""
        return _ELSEWHERE

    def start(self, job: Job) -> Channel:
        """Raise `InputError`: no worker starts here."""
        raise InputError(_ELSEWHERE)

    def path(self, entry: Path) -> str:
        """The same folder; each node has one of its own."""
        return str(entry)


class Cluster:
    """The nodes of the Ray cluster whose head is at ``Settings.address``.

    Attributes
    ----------
    say
        takes lines for the user; may be replaced while it is open.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        measure: str | None = None,
        say: Callable[[str], None] | None = None,
        retry: Retry | None = None,
    ) -> None:
        """Nothing is connected yet.

        Parameters
        ----------
        settings
            also of the launches on the nodes.
        measure
            ``module:function`` that makes a launch there (`ray_tasks.Measure`); None
            for one that measures.
        say
            takes lines for the user; None prints them to stderr.
        retry
            when to connect again; None for the usual pauses.
        """
        self._settings = replace(settings, address=None, machines=None)
        self._line = Line(_address(settings), measure, retry or Retry())
        self.say = say or _print
        self._scratch: Scratch | None = None  # holds the project's copy
        self._nodes: dict[str, Node] = {}
        self._out: dict[int, Node] = {}  # by ticket: where it is measured

    def open(self, kinds: Sequence[Job]) -> list[Node]:
        """Connect; the nodes there are, each asked what of ``kinds`` it can run.

        Environments that they lack are built meanwhile. Raises `InputError` where
        nothing answers or nobody may ask.
        """
        if reason := environments.missing("ray"):
            raise InputError(reason)
        self._scratch = Scratch()
        try:
            ray_project.stage(self._scratch.path)
            opening = wire.Open(tuple(kinds), self._settings)
            self._line.begin(self._scratch.path, opening)
            self._gather()
        except BridgeEnded as ended:
            self.close()
            raise InputError(str(ended)) from None
        except BaseException:
            self.close()
            raise
        return list(self._nodes.values())

    def submit(self, order: Order, node: Node) -> None:
        """Have ``order`` measured on ``node``, which measures nothing else of ours."""
        self._out[order.ticket] = node
        self._line.send(wire.submit(order, node.id))

    def cancel(self, ticket: int) -> None:
        """End that launch, wherever it is; nothing more is heard of it."""
        if self._out.pop(ticket, None) is not None:
            self._line.send(wire.Cancel(ticket))

    def wait(self, timeout: float) -> list[Event]:
        """What has happened since the last call, in order; waits for the first.

        Where the connection is gone what was out is lost, the nodes have left, and it
        is tried again, until patience ends: `InputError`.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = self._look(max(0.0, deadline - time.monotonic()))
            if found or time.monotonic() >= deadline:
                return found

    def close(self) -> None:
        """End what still runs and let the cluster go; safe to call again."""
        self._line.close()
        if self._scratch is not None:
            self._scratch.remove()

    def _gather(self) -> None:
        """Wait for the nodes that are there; `InputError` where none can be used."""
        refused: list[str] = []
        opened = False
        while not opened:
            for reply in self._line.replies(timeout=1.0):
                match reply:
                    case Cut(why):  # nothing is lost yet: it may be a wrong address
                        raise InputError(why)
                    case wire.Opened():
                        opened = True
                    case wire.Refused(why):
                        refused.append(why)
                    case _:
                        self._take_in(reply)
        if refused and not self._nodes:
            raise InputError(f"no node of the cluster can be used: {refused[0]}")
        for why in refused:
            self.say(f"a node of the cluster cannot be used: {why}")

    def _look(self, timeout: float) -> list[Event]:
        if self._out and not self._line.is_up:
            return self._orphans("the connection to the cluster is lost")
        found: list[Event] = []
        try:
            for reply in self._line.replies(timeout):
                if isinstance(reply, Cut):
                    if reply.told is not None:
                        self.say(reply.told)
                    found += self._orphans(reply.why) + self._all_left()
                elif (event := self._take_in(reply)) is not None:
                    found.append(event)
        except BridgeEnded as ended:
            raise InputError(f"the cluster is lost: {ended}") from None
        return found

    def _take_in(self, reply: wire.Reply) -> Event | None:
        """The event that ``reply`` is, if it is one of a launch that is still ours."""
        match reply:
            case wire.Said(text):
                self.say(text)
            case wire.Refused(why):
                self.say(f"a node of the cluster cannot be used: {why}")
            case wire.Opened():
                there = number_of_nodes(len(self._nodes))
                self.say(f"connected to the cluster again: {there}")
            case Joined(node):
                self._nodes[node.id] = node
                return reply
            case Left(node_id):
                self._nodes.pop(node_id, None)
                return reply
            case Stepped(ticket) if ticket in self._out:
                return reply
            case Lost(ticket) | Faulted(ticket) if self._pop(ticket):
                return reply
            case Measured(ticket) if ticket in self._out:
                return _signed(reply, self._out.pop(ticket))
        return None

    def _pop(self, ticket: int) -> bool:
        """Whether a launch was still ours, which it is no more."""
        return self._out.pop(ticket, None) is not None

    def _orphans(self, why: str) -> list[Event]:
        """All that is out, as lost: there is nobody who could tell of it."""
        lost: list[Event] = [Lost(ticket, why) for ticket in self._out]
        self._out.clear()
        return lost

    def _all_left(self) -> list[Event]:
        left: list[Event] = [
            Left(node_id, "the connection to the cluster is lost")
            for node_id in self._nodes
        ]
        self._nodes.clear()
        return left


def _signed(measured: Measured, node: Node) -> Measured:
    """The same, its launch with the node that it was made on."""
    if measured.launch is None:
        return measured
    facts = {"node": node.name, "machine": node.machine}
    launched = {**measured.launch.launched, **facts}
    return replace(measured, launch=replace(measured.launch, launched=launched))


def _address(settings: Settings) -> str:
    """Where the head answers, as ``HOST:PORT``; `InputError` where nobody says."""
    if settings.address is None:
        raise InputError(
            "--launcher ray measures on a cluster; name its head by --ray-address "
            "HOST:PORT, as make ray-head prints it"
        )
    host, port = parse(settings.address)
    return f"{host}:{port}"


def _print(text: str) -> None:
    print(text, file=sys.__stderr__, flush=True)

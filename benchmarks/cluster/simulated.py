"""A cluster that is none: launches of known durations on a virtual clock.

It shows in seconds what a campaign does with any number of nodes in days, and what when
nodes die at the wrong moment.
"""

import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush

from benchmarks.cluster import (
    Event,
    Joined,
    Left,
    Lost,
    Measured,
    Node,
    Order,
    Stepped,
    made_up,
)
from benchmarks.cluster.happenings import Breaks, Dies, Fails, Happening, Joins, Loses
from benchmarks.measure import Step
from benchmarks.outcomes import Outcome
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch


@dataclass(frozen=True)
class Span:
    """An order that a node of that id had from ``start`` to ``end``, in seconds.

    ``is_done``: it ended by itself, well or not.
    """

    id: str
    order: Order
    start: float
    end: float
    is_done: bool


@dataclass
class _Member:
    """A node that is there, and its orders: it measures the first."""

    node: Node
    machine: str
    orders: deque[Order] = field(default_factory=deque)
    since: float = 0.0  # when it began with that


class SimulatedCluster:
    """A `Cluster` on a virtual clock, which goes on in `wait` alone.

    Attributes
    ----------
    now
        seconds since it was made, by that clock.
    spans
        what its nodes did so far, in the order in which it ended.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        seconds: Callable[[Job], float],
        happenings: Iterable[tuple[float, Happening]] = (),
        *,
        speeds: Mapping[str, float] | None = None,
        noise: float = 0.0,
        failing: Mapping[str, Outcome] | None = None,
        seed: int = 0,
    ) -> None:
        """Nothing runs yet, and it is time 0.

        Parameters
        ----------
        nodes
            those that are there from the beginning.
        seconds
            what a launch of a job takes.
        happenings
            what comes from outside, and at which time.
        speeds
            how fast nodes are, by name: at 2 a launch takes half as long; 1 for others.
        noise
            standard deviation of the log-time from launch to launch, drawn from
            ``seed`` for each ticket, in whatever order they are measured.
        failing
            outcomes of jobs by id; all of their launches end so, at half their time,
            as do those of jobs that their node refuses.
        """
        self.now = 0.0
        self.spans: list[Span] = []
        self._members: dict[str, _Member] = {}
        self._seconds = seconds
        self._speeds = dict(speeds or {})
        self._noise = noise
        self._failing = dict(failing or {})
        self._seed = seed
        self._serial = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._events: list[Event] = []
        self._broken = ""
        for node in nodes:
            self._add(node)
        for time, happening in happenings:
            self._at(time, partial(self._happen, happening))

    def clock(self) -> float:
        """`now`, for whoever asks a function for the time."""
        return self.now

    def open(self, kinds: Sequence[Job]) -> list[Node]:
        """The nodes that are there; what they refuse they knew before."""
        return [member.node for member in self._members.values()]

    def submit(self, order: Order, node: Node) -> None:
        """Have it measured on ``node``, behind what that has; if that is gone, lost."""
        member = self._members.get(node.id)
        if member is None:
            self._events.append(Lost(order.ticket, f"{node.name} is gone"))
            return
        member.orders.append(order)
        if len(member.orders) == 1:
            self._begin(member)

    def cancel(self, ticket: int) -> None:
        """End that launch; nothing more is heard of it."""
        self._events = [
            event for event in self._events if getattr(event, "ticket", None) != ticket
        ]
        for member in self._members.values():
            for order in member.orders:
                if order.ticket == ticket:
                    self._end(member, order, is_done=False)
                    return

    def wait(self, timeout: float) -> list[Event]:
        """What comes next, the clock being put to its time; [] if that is too far.

        Raises `InputError` from when it breaks.
        """
        until = self.now + timeout
        while not self._events and self._agenda and self._agenda[0][0] <= until:
            self.now = self._agenda[0][0]
            while self._agenda and self._agenda[0][0] == self.now:
                heappop(self._agenda)[2]()
        if self._broken:
            raise InputError(self._broken)
        events, self._events = self._events, []
        if not events:
            self.now = until
        return events

    def close(self) -> None:
        """End what still runs; safe to call again."""
        for member in self._members.values():
            member.orders.clear()
        self._agenda.clear()
        self._events.clear()

    def _at(self, time: float, action: Callable[[], None]) -> None:
        # Of what comes at the same time that is first which was known first.
        heappush(self._agenda, (time, next(self._serial), action))

    def _add(self, node: Node) -> None:
        self._members[node.id] = _Member(node, node.machine)

    def _begin(self, member: _Member) -> None:
        """Begin with the first order of ``member``, if there is one."""
        if not member.orders:
            return
        order, member.since = member.orders[0], self.now
        job = order.job
        chance = random.Random(f"{self._seed}/{order.ticket}")
        seconds = self._seconds(job) / self._speeds.get(member.node.name, 1.0)
        seconds *= math.exp(chance.gauss(0, self._noise))
        launched = {
            "launcher": "simulated",
            "node": member.node.name,
            "machine": member.machine,
        }
        launch = made_up.launch(job, order.effort, seconds, launched, chance)
        outcome = self._outcome(member.node, job)
        lasts = seconds if outcome is None else seconds / 2
        for time, step in made_up.steps(launch, order.number):
            self._at(self.now + time, partial(self._step, member, order, step))
        result = (launch, None) if outcome is None else (None, outcome)
        self._at(self.now + lasts, partial(self._done, member, order, *result))

    def _outcome(self, node: Node, job: Job) -> Outcome | None:
        """Why a launch of ``job`` on ``node`` has no time; None where it has one."""
        refusal = node.refusal(job)
        known = self._failing.get(job.id)
        return known if refusal is None else Outcome("failed", refusal)

    def _is_on(self, member: _Member, order: Order) -> bool:
        """Whether ``member`` is there and measures ``order``."""
        is_there = self._members.get(member.node.id) is member
        return is_there and bool(member.orders) and member.orders[0] is order

    def _step(self, member: _Member, order: Order, step: Step) -> None:
        if self._is_on(member, order):
            self._events.append(Stepped(order.ticket, step))

    def _done(
        self,
        member: _Member,
        order: Order,
        launch: Launch | None,
        outcome: Outcome | None,
    ) -> None:
        if not self._is_on(member, order):
            return  # it was cancelled, or lost
        start = member.since
        self._events.append(
            Measured(order.ticket, launch, outcome, self.now - start, start)
        )
        self._end(member, order, is_done=True)

    def _end(self, member: _Member, order: Order, *, is_done: bool) -> None:
        """``member`` has ``order`` no more, and goes on with the next."""
        if not self._is_on(member, order):
            member.orders.remove(order)
            return
        self.spans.append(Span(member.node.id, order, member.since, self.now, is_done))
        member.orders.popleft()
        self._begin(member)

    def _happen(self, happening: Happening) -> None:
        match happening:
            case Joins(node):
                self._add(node)
                self._events.append(Joined(node))
            case Breaks(message):
                self._broken = message
            case Dies(id_, why):
                self._die(id_, why)
            case Loses(id_, why):
                member = self._members.get(id_)
                if member is not None and member.orders:
                    self._events.append(Lost(member.orders[0].ticket, why))
                    self._end(member, member.orders[0], is_done=False)
            case Fails(id_, outcome):
                member = self._members.get(id_)
                if member is not None and member.orders:
                    self._done(member, member.orders[0], None, outcome)

    def _die(self, id_: str, why: str) -> None:
        member = self._members.pop(id_, None)
        if member is None:
            return
        if member.orders:
            self.spans.append(
                Span(id_, member.orders[0], member.since, self.now, is_done=False)
            )
        self._events += [Lost(order.ticket, why) for order in member.orders]
        self._events.append(Left(id_, why))

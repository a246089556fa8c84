"""A campaign on a cluster: launches of all cases, several at a time, a node each.

What is due goes to whatever node is free (`Dispatcher`); what comes back is journalled
here before anything else happens, so that a lost node, a restarted cluster or a killed
driver costs no more than the launches that were running.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.cases import Case, Cases
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
)
from benchmarks.cluster.dispatch import Dispatcher
from benchmarks.cluster.planning import Estimates
from benchmarks.cluster.roster import Roster
from benchmarks.cluster.workplace import ClusterObserver, Workplace
from benchmarks.journal import Journal, Record
from benchmarks.outcomes import Outcome
from benchmarks.settling import LEAST_LAUNCHES, Effort
from histocnn.job import Job

_TICK = 1.0  # seconds between looks at the clock while nothing happens
#: Seconds that the campaign waits for a node which can measure what is left.
_PATIENCE = 600.0
#: Launches of a case that may be lost before it is taken for what loses them.
_MOST_LOST = 5


@dataclass(frozen=True)
class _Running:
    """A launch that is out: whose, the how manieth, and where."""

    case: Case
    number: int
    node: Node


class ClusterCampaign(Cases):
    """Measures ``jobs`` on the nodes of a cluster that is open already.

    Attributes
    ----------
    roster
        its nodes.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        effort: Effort,
        workplace: Workplace,
        journal: Journal | None,
        observer: ClusterObserver,
        *,
        seed: int = 0,
        most_failures: int = 0,
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing runs yet.

        Parameters
        ----------
        journal, observer, most_failures
            as those of `Cases`.
        seed
            of the order of launches.
        patience
            seconds without a node for what is left after which it is given up.
        clock
            tells seconds.
        """
        super().__init__(jobs, effort, journal, observer, most_failures)
        self._observer: ClusterObserver = observer
        self._workplace = workplace
        self._cluster = workplace.cluster
        self._patience = patience
        self._clock = clock
        self._tickets = itertools.count()
        self._dispatcher = Dispatcher(seed)
        self._estimates = Estimates(effort)
        machines = {workplace.machine_of(job) for job in jobs}
        self.roster = Roster(workplace.nodes, machines, clock)
        self._running: dict[int, _Running] = {}
        self._next: dict[str, int] = {}  # by case: the number of its next launch
        self._lost: dict[str, int] = {}  # by case: how many launches were lost
        self._given_up = ""
        self._stranded_since: float | None = None
        self._has_begun = False

    def bring(self, job: Job) -> None:
        """Measure until ``job`` is finished, and whatever else is by then.

        Safe to call again after an interrupt. Raises `InputError` where the cluster is
        lost for good, `JournalFailed` where a launch could not be made safe.
        """
        if not self._has_begun:
            self._has_begun = True
            self._begin()
        while not self.is_settled(job):
            self._place()
            if self._is_stranded():
                return
            for event in self._cluster.wait(_TICK):
                self._take_in(event)

    def is_settled(self, job: Job) -> bool:
        """Whether no more launches of ``job`` are made."""
        if not self._has_begun:
            return False
        ended = bool(self._given_up) or self._failed_too_often()
        return ended or not self._cases[job.id].is_due

    def not_begun(self) -> list[Job]:
        """Cases of which no launch was made, since no node was left for them."""
        if not self._given_up:
            return []
        return [case.job for case in self._due() if not case.launches]

    def shortest_due(self) -> None:
        """Nothing: there is no budget that anything did not fit into."""

    @property
    def why_given_up(self) -> str:
        """Why cases were given up; "" where none was."""
        return self._given_up

    def nodes_used(self) -> dict[str, str]:
        """Names of nodes that launches ran on, here or in an earlier run; and types."""
        every = [launch.launched for launch in self.launches()]
        every += [case.failed_as for case in self._cases.values()]
        return {each["node"]: each["machine"] for each in every if "node" in each}

    def seconds_left(self) -> float:
        """Wall time until all is done, at the least, by what is known now."""
        waiting = self._dispatcher.seconds_waiting()
        running = sum(
            self._estimates.seconds(each.case.job) for each in self._running.values()
        )
        return (waiting + running / 2) / max(1, len(self.roster))

    def _begin(self) -> None:
        """Take in what the journal has, then queue the rest."""
        self._observer.nodes(len(self.roster))
        for node in self.roster:
            self._dispatcher.join(node)
        for record in self._replayed.values():
            if record.launch is not None and (case := self._cases.get(record.case)):
                self._estimates.learn(case.job, record.launch, record.seconds)
        for case in self._cases.values():
            while case.is_due:
                key = case.job.id, len(case.launches)
                if key not in self._replayed:
                    break
                self._keep(case, self._replayed.pop(key), is_new=False)
            self._next[case.job.id] = len(case.launches)
            if case.is_due:
                ran = (launch.launched.get("node", "") for launch in case.launches)
                self._queue(case, list(filter(None, ran)))

    def _queue(self, case: Case, measured_on: Sequence[str] = ()) -> None:
        """Queue the least launches that ``case`` lacks, or one more.

        ``measured_on`` are the nodes of launches that the dispatcher has not placed.
        """
        least = self._effort.launches or LEAST_LAUNCHES
        self._dispatcher.add(
            case.job.id,
            case.job,
            self._workplace.machine_of(case.job),
            self._estimates.seconds(case.job),
            max(1, least - len(case.launches)),
            measured_on,
        )

    def _place(self) -> None:
        """Give every free node what it measures next."""
        for node in self.roster.free:
            name = self._dispatcher.take(node)
            if name is None:
                continue
            case = self._cases[name]
            number, self._next[name] = self._next[name], self._next[name] + 1
            ticket = next(self._tickets)
            order = Order(
                ticket, case.job, number, self._effort, self._workplace.arrays(case.job)
            )
            self._observer.placed(case, number, node)
            self._running[ticket] = _Running(case, number, node)
            self.roster.take(node)
            self._cluster.submit(order, node)

    def _is_stranded(self) -> bool:
        """Whether nothing runs, nothing can, and patience has ended."""
        if self._running:
            self._stranded_since = None
            return False
        now = self._clock()
        if self._stranded_since is None:
            self._stranded_since = now
            self._observer.say(
                "no node of the cluster can measure what is left; waiting for one "
                f"({self._patience:.0f} s)"
            )
        if now - self._stranded_since < self._patience:
            return False
        self._given_up = "no node of the cluster was left that could measure it"
        return True

    def _take_in(self, event: Event) -> None:
        match event:
            case Stepped(ticket, step):
                if running := self._running.get(ticket):
                    self._observer.stepped(running.case, running.node, step.text)
            case Measured():
                self._measured(event)
            case Lost(ticket, why):
                if running := self._end(ticket):
                    self._again(running, why)
            case Faulted(ticket, outcome):
                if running := self._end(ticket):
                    self._faulted(running, outcome)
            case Joined(node):
                self._observer.say(f"{node.name} joined the cluster")
                self.roster.join(node)
                self._dispatcher.join(node)
                self._observer.nodes(len(self.roster))
            case Left(node_id, why):
                self._left(node_id, why)

    def _measured(self, event: Measured) -> None:
        running = self._end(event.ticket)
        if running is None or running.case.outcome is not None:
            return  # of a node that was given up, or of a case that has failed since
        case, number = running.case, len(running.case.launches)
        seconds = event.seconds
        if event.launch is not None:
            self._estimates.learn(case.job, event.launch, seconds)
            self._dispatcher.learn(case.job.id, self._estimates.seconds(case.job))
        if not case.is_due:
            return  # it was sure enough before this one ended
        # Numbered as they end: which of two that ran at the same time is the first has
        # no meaning, and a journal has no gap for one that was lost.
        self._finish(
            case,
            Record(
                *(case.job.id, number, event.launch, event.outcome, seconds),
                {} if event.outcome is None else _place(running.node),
            ),
        )

    def _finish(self, case: Case, record: Record) -> None:
        """Keep ``record``; then no more of ``case`` is measured, or another launch."""
        self._keep(case, record, is_new=True)
        if not case.is_due:
            self._dispatcher.drop(case.job.id)
            self._call_back(case)
        elif not self._is_out(case):
            self._queue(case)

    def _end(self, ticket: int) -> _Running | None:
        """The launch of ``ticket`` is out no more; its node is free if it is there."""
        running = self._running.pop(ticket, None)
        if running is not None:
            self._observer.ended(running.node)
            self.roster.release(running.node)
        return running

    def _again(self, running: _Running, why: str) -> None:
        """Queue a lost launch anew, unless that was done often enough."""
        case, name = running.case, running.case.job.id
        if not case.is_due:
            return
        self._lost[name] = times = self._lost.get(name, 0) + 1
        if times < _MOST_LOST:
            self._observer.lost(case, running.number, why)
            self._dispatcher.put_back(name, running.node)
            return
        message = f"{times} of its launches were lost with what ran them: {why}"
        self._fail(running, Outcome("crashed", message))

    def _faulted(self, running: _Running, outcome: Outcome) -> None:
        """Set its node aside and have another one make the launch.

        Where that went wrong on another node, too, or there is none, it is the case's.
        """
        case, node = running.case, running.node
        if not case.is_due:
            return
        acquitted = self.roster.acquit(case.job.id)
        if acquitted or not self._has_other(case.job, node):
            for each in acquitted:
                self._dispatcher.join(each)
            self._observer.nodes(len(self.roster))
            self._fail(running, outcome)
            return
        self._observer.say(
            f"{node.name} is set aside, and {case.job.id} goes to another node: "
            f"{outcome.message}"
        )
        self.roster.set_aside(node, case.job.id)
        self._dispatcher.leave(node.id)
        self._dispatcher.put_back(case.job.id, node)
        self._observer.nodes(len(self.roster))

    def _has_other(self, job: Job, node: Node) -> bool:
        """Whether a node that is there, but not ``node``, can measure ``job``."""
        machine = self._workplace.machine_of(job)
        return any(
            other.machine == machine and other.refusal(job) is None
            for other in self.roster
            if other.id != node.id
        )

    def _fail(self, running: _Running, outcome: Outcome) -> None:
        """No more of a case is measured, because of what its last launch met."""
        case = running.case
        number, place = len(case.launches), _place(running.node)
        self._finish(case, Record(case.job.id, number, None, outcome, 0.0, place))

    def _left(self, node_id: str, why: str) -> None:
        """A node is gone, and with it what it measured."""
        node = self.roster.leave(node_id)
        if node is None:
            return
        self._observer.say(f"{node.name} left the cluster: {why}")
        self._dispatcher.leave(node_id)
        self._observer.nodes(len(self.roster))
        for ticket, running in list(self._running.items()):
            if running.node.id == node_id and self._end(ticket):
                self._again(running, why)

    def _is_out(self, case: Case) -> bool:
        """Whether another launch of ``case`` runs or waits."""
        return self._dispatcher.waiting(case.job.id) > 0 or any(
            running.case is case for running in self._running.values()
        )

    def _call_back(self, case: Case) -> None:
        """End what still runs of a case that needs no more."""
        for ticket, running in list(self._running.items()):
            if running.case is case:
                self._cluster.cancel(ticket)
                self._end(ticket)


def _place(node: Node) -> dict[str, str]:
    """Where a launch was, as `Launch.launched` has it."""
    return {"node": node.name, "machine": node.machine}

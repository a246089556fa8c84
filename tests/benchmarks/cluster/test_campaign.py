"""Campaigns on a cluster: nothing lost, nothing counted twice, whatever goes."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cases import Case, Result
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
from benchmarks.cluster.campaign import ClusterCampaign
from benchmarks.cluster.workplace import Workplace
from benchmarks.journal import Journal, Record
from benchmarks.measure import Step
from benchmarks.outcomes import CaseOutcome, Outcome
from benchmarks.settling import Effort
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Measurement
from tests.benchmarks.cluster.a_node import a_node
from tests.launches import a_launch

JOBS = [Job("theano", "cpu", size, 10, None, 1) for size in (32, 64, 128, 180)]
EFFORT = Effort(3, 1)
PLAN = "0" * 64
SHORT = Outcome("out-of-memory", "out of memory")
CRASH = Outcome("crashed", "it crashed")


class Scripted:
    """A cluster that ends the oldest launch at each look, unless told otherwise.

    ``instead`` may give other events for an order; what it does not answer stays out.
    """

    def __init__(
        self,
        *nodes: Node,
        instead: Callable[[Order, Node], Sequence[Event] | None] = lambda *_: None,
    ) -> None:
        """With ``nodes``."""
        self._nodes = nodes
        self._instead = instead
        self.out: deque[tuple[Order, Node]] = deque()
        self.orders: list[tuple[Order, Node]] = []
        self.events: deque[Event] = deque()
        self.cancelled: list[int] = []
        self.most_out = 0

    def open(self, kinds: Sequence[Job]) -> list[Node]:
        """Its nodes."""
        return list(self._nodes)

    def submit(self, order: Order, node: Node) -> None:
        """Remember the order."""
        assert node.id not in {each.id for _, each in self.out}, "one at a time a node"
        self.orders.append((order, node))
        self.out.append((order, node))
        self.most_out = max(self.most_out, len(self.out))

    def cancel(self, ticket: int) -> None:
        """Forget it."""
        self.cancelled.append(ticket)
        self.out = deque(each for each in self.out if each[0].ticket != ticket)

    def wait(self, timeout: float) -> list[Event]:
        """What was put there from outside, else the end of the oldest launch."""
        if self.events:
            return [self.events.popleft()]
        if not self.out:
            return []
        order, node = self.out.popleft()
        told = self._instead(order, node)
        if told is not None:
            return list(told)
        return [
            Stepped(order.ticket, Step(order.number, 1, "1 s/epoch")),
            done(order, node),
        ]

    def close(self) -> None:
        """Nothing is open."""


def done(order: Order, node: Node, seconds: float = 1.0) -> Measured:
    """A launch of ``seconds`` an epoch, on ``node``."""
    launch = a_launch([seconds])
    facts = {"launcher": "local", "node": node.name, "machine": node.machine}
    return Measured(order.ticket, replace(launch, launched=facts), None, 5.0)


class Watching:
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.said: list[str] = []
        self.lost_ids: list[str] = []
        self.finished_ids: list[str] = []
        self.busy: set[str] = set()
        self.number = 0

    def given_up(self, case: Case) -> None:
        raise AssertionError("no other session measures")

    def launching(self, case: Case, number: int) -> None:
        """Not of a cluster."""
        raise NotImplementedError

    def launched(self, case: Case, record: Record) -> None:
        """Not remembered."""

    def finished(self, case: Case, result: Result) -> None:
        """Remember the case."""
        self.finished_ids.append(case.job.id)

    def placed(self, case: Case, number: int, node: Node) -> None:
        """Remember the node."""
        self.busy.add(node.name)

    def stepped(self, case: Case, node: Node, text: str) -> None:
        """It has to be one that something was placed on."""
        assert node.name in self.busy

    def ended(self, node: Node) -> None:
        """Forget the node."""
        self.busy.discard(node.name)

    def lost(self, case: Case, number: int, why: str) -> None:
        """Remember the case."""
        self.lost_ids.append(case.job.id)

    def nodes(self, number: int) -> None:
        """Remember how many."""
        self.number = number

    def say(self, text: str) -> None:
        """Remember the line."""
        self.said.append(text)


def two() -> tuple[Node, Node]:
    return a_node("node-a"), a_node("node-b")


def campaign(
    cluster: Scripted,
    journal: Journal | None = None,
    *,
    effort: Effort = EFFORT,
    most_failures: int = 0,
    clock: Callable[[], float] = lambda: 0.0,
) -> tuple[ClusterCampaign, Watching]:
    """One of `JOBS`, all on the type of node that ``cluster`` has first."""
    nodes = cluster.open([])
    watching = Watching()
    workplace = Workplace(
        cluster, nodes, lambda job: nodes[0].machine, lambda job: Path("arrays")
    )
    made = ClusterCampaign(
        JOBS,
        effort,
        workplace,
        journal,
        watching,
        most_failures=most_failures,
        patience=60,
        clock=clock,
    )
    return made, watching


def results(made: ClusterCampaign) -> dict[str, Result | None]:
    """Bring every case, in order, as pytest does."""
    for job in JOBS:
        made.bring(job)
    return {job.id: made.result(job) for job in JOBS}


def first_finished() -> Job:
    """Of `JOBS` the one that two nodes are done with first."""
    made, watching = campaign(Scripted(*two()))
    results(made)
    return next(job for job in JOBS if job.id == watching.finished_ids[0])


def counts(found: dict[str, Result | None]) -> list[int]:
    """Launches of each case."""
    return [len(each.launches) if each is not None else 0 for each in found.values()]


def test_all_nodes_measure_at_once_and_every_launch_is_made_once() -> None:
    """Those of one case on both nodes."""
    cluster = Scripted(*two())
    made, watching = campaign(cluster)
    found = results(made)
    assert counts(found) == [3] * 4
    assert len(cluster.orders) == len(made.made) == 12
    assert cluster.most_out == 2
    assert watching.number == 2
    assert not watching.busy
    assert sorted(watching.finished_ids) == sorted(found)
    for job in JOBS:
        ran = {node.name for order, node in cluster.orders if order.job == job}
        assert ran == {"node-a", "node-b"}
    assert made.is_complete()
    assert made.nodes_used() == {node.name: node.machine for node in two()}


def test_a_case_is_picked_up_as_soon_as_it_is_finished() -> None:
    """Others go on beside; nothing of them is needed for it."""
    cluster = Scripted(*two())
    made, watching = campaign(cluster)
    first = first_finished()
    made.bring(first)
    assert first.id in watching.finished_ids
    assert made.is_settled(first)
    assert [job.id for job in JOBS if made.is_settled(job)] == [first.id]


def test_a_lost_launch_is_made_again_and_counted_once() -> None:
    """On the other node, and what comes of the first later is not taken."""
    lost: list[int] = []

    def instead(order: Order, node: Node) -> list[Event] | None:
        if not lost:
            lost.append(order.ticket)
            return [Lost(order.ticket, "its worker is gone"), done(order, node)]
        return None

    cluster = Scripted(*two(), instead=instead)
    made, watching = campaign(cluster)
    assert counts(results(made)) == [3] * 4
    assert len(made.made) == 12
    assert len(cluster.orders) == 13
    assert len(watching.lost_ids) == 1


def test_a_node_that_dies_loses_what_ran_there_and_the_rest_goes_on() -> None:
    """Elsewhere; a node that joins is given work."""
    first, second = two()
    third = a_node("node-c")
    gone: list[str] = []

    def instead(order: Order, node: Node) -> list[Event] | None:
        if node.id == first.id:
            assert not gone, "nothing is placed on a node that is gone"
            gone.append(order.job.id)
            lost = Lost(order.ticket, "the node died")
            return [Left(first.id, "it died"), lost, Joined(third)]
        return None

    cluster = Scripted(first, second, instead=instead)
    made, watching = campaign(cluster)
    assert counts(results(made)) == [3] * 4
    assert watching.lost_ids == gone
    assert {node.name for _, node in cluster.orders[2:]} == {"node-b", "node-c"}
    assert watching.said == [
        "node-a left the cluster: it died",
        "node-c joined the cluster",
    ]
    assert watching.number == 2
    assert list(made.roster.seen) == [first, second, third]


NO_SPACE = Outcome("failed", "no space left on the node")


def test_a_node_that_cannot_measure_is_set_aside_and_the_rest_goes_on() -> None:
    """What is broken there costs no case, and it is named."""
    broken, sound = two()

    def instead(order: Order, node: Node) -> list[Event] | None:
        return [Faulted(order.ticket, NO_SPACE)] if node.id == broken.id else None

    cluster = Scripted(broken, sound, instead=instead)
    made, watching = campaign(cluster)
    assert counts(results(made)) == [3] * 4
    assert [node.id for _, node in cluster.orders].count(broken.id) == 1
    (said,) = watching.said
    assert said.startswith(f"{broken.name} is set aside, and theano-cpu-")
    assert said.endswith(NO_SPACE.message)
    assert watching.number == 1
    assert set(made.nodes_used()) == {sound.name}


def test_a_case_that_no_node_can_measure_has_an_outcome_and_sets_none_aside() -> None:
    """Two nodes agree; both go on with the others, and one is named."""
    bad = JOBS[1]

    def instead(order: Order, node: Node) -> list[Event] | None:
        return [Faulted(order.ticket, NO_SPACE)] if order.job == bad else None

    cluster = Scripted(*two(), instead=instead)
    made, watching = campaign(cluster)
    found = results(made)
    assert counts(found) == [3, 0, 3, 3]
    failed = found[bad.id]
    assert isinstance(failed, CaseOutcome)
    assert failed.outcome == NO_SPACE
    faulted = {node.name for order, node in cluster.orders if order.job == bad}
    assert faulted == {"node-a", "node-b"}
    assert failed.launched["node"] in faulted
    assert watching.number == 2
    last = [node.name for order, node in cluster.orders if order.job != bad]
    assert set(last) == faulted


def test_where_there_is_one_node_what_it_cannot_measure_is_the_cases() -> None:
    """Nobody else could tell."""
    bad = JOBS[0]

    def instead(order: Order, node: Node) -> list[Event] | None:
        return [Faulted(order.ticket, NO_SPACE)] if order.job == bad else None

    made, watching = campaign(Scripted(a_node("node-a"), instead=instead))
    found = results(made)
    assert counts(found) == [0, 3, 3, 3]
    assert isinstance(found[bad.id], CaseOutcome)
    assert not watching.said


def test_a_launch_that_is_lost_wherever_it_runs_is_given_up() -> None:
    """It may be what kills the nodes."""
    bad = JOBS[1]

    def instead(order: Order, node: Node) -> list[Event] | None:
        if order.job == bad:
            return [Lost(order.ticket, "its worker is gone")]
        return None

    cluster = Scripted(*two(), instead=instead)
    found = results(campaign(cluster)[0])
    outcome = found[bad.id]
    assert isinstance(outcome, CaseOutcome)
    assert outcome.outcome.kind == "crashed"
    assert "5 of its launches were lost" in outcome.outcome.message
    assert counts(found) == [3, 0, 3, 3]


@pytest.mark.parametrize("outcome", [SHORT, CRASH])
def test_an_outcome_ends_a_case_and_calls_its_other_launches_back(
    outcome: Outcome,
) -> None:
    """The rest goes on."""
    bad = JOBS[-1]

    def instead(order: Order, node: Node) -> list[Event] | None:
        return (
            [Measured(order.ticket, None, outcome, 2.0)] if order.job == bad else None
        )

    cluster = Scripted(*two(), instead=instead)
    made, _ = campaign(cluster)
    found = results(made)
    failed = found[bad.id]
    assert isinstance(failed, CaseOutcome)
    assert (failed.outcome, failed.launches) == (outcome.anonymous(), ())
    assert failed.launched in [
        {"node": node.name, "machine": node.machine} for node in two()
    ]
    assert counts(found) == [3, 3, 3, 0]
    assert sum(order.job == bad for order, _ in cluster.orders) == 1 + len(
        cluster.cancelled
    )
    assert made.is_complete() == outcome.is_permanent


def test_a_case_gets_more_launches_while_it_is_not_sure_enough() -> None:
    """As on one machine."""
    seconds = iter([1.0, 2.0, 1.0, 2.0] * 20)

    def instead(order: Order, node: Node) -> list[Event]:
        return [done(order, node, next(seconds))]

    effort = Effort(None, 1, precision=0.05, cap_seconds=22)
    cluster = Scripted(*two(), instead=instead)
    found = results(campaign(cluster, effort=effort)[0])
    for each in found.values():
        assert isinstance(each, Measurement)
        assert each.stopped.why == "time-cap"
        assert len(each.launches) == 5  # 5 s each


def test_what_is_in_the_journal_is_not_measured_again(tmp_path: Path) -> None:
    """A driver that was killed goes on where it was."""
    journal = Journal.create(tmp_path, PLAN, {})
    cluster = Scripted(*two())
    made, _ = campaign(cluster, journal)
    made.bring(first_finished())
    journal.close()
    kept = len(made.made)
    assert 0 < kept < 12
    again = Journal.resume(tmp_path, PLAN)
    assert again is not None
    rest = Scripted(a_node("node-c"))
    after, _ = campaign(rest, again)
    assert counts(results(after)) == [3] * 4
    assert len(rest.orders) == len(after.made) == 12 - kept
    assert set(after.nodes_used()) == {"node-a", "node-b", "node-c"}
    again.close()
    records = Journal.resume(tmp_path, PLAN)
    assert records is not None
    numbers = Counter((each.case, each.number) for each in records.records)
    assert len(numbers) == 12
    assert set(numbers.values()) == {1}


def test_where_no_node_is_left_cases_are_given_up_in_time() -> None:
    """What is finished stays; the rest says why it was not begun."""
    node = a_node("node-a")
    now = [0.0]

    def instead(order: Order, node: Node) -> list[Event] | None:
        if len(cluster.orders) == 4:
            return [Left(node.id, "it died")]
        return None

    def clock() -> float:
        now[0] += 10
        return now[0]

    cluster = Scripted(node, instead=instead)
    made, watching = campaign(cluster, clock=clock)
    found = results(made)
    assert sum(counts(found)) == 3
    assert made.why_given_up == "no node of the cluster was left that could measure it"
    assert [found[job.id] for job in made.not_begun()] == [None] * len(made.not_begun())
    assert made.not_begun()
    assert not made.is_complete()
    assert any(
        "no node of the cluster can measure what is left" in x for x in watching.said
    )
    assert made.roster.seconds() > 0


def test_after_so_many_failures_nothing_more_is_placed() -> None:
    """As ``-x`` asks for."""

    def instead(order: Order, node: Node) -> list[Event]:
        return [Measured(order.ticket, None, CRASH, 2.0)]

    cluster = Scripted(*two(), instead=instead)
    found = results(campaign(cluster, most_failures=1)[0])
    assert sum(isinstance(each, CaseOutcome) for each in found.values()) == 1
    assert len(cluster.orders) == 2


def test_an_interrupt_leaves_what_is_finished() -> None:
    """A second call goes on."""
    broken = [True]

    def instead(order: Order, node: Node) -> list[Event] | None:
        if len(cluster.orders) == 5 and broken:
            broken.clear()
            cluster.out.appendleft((order, node))
            raise KeyboardInterrupt
        return None

    cluster = Scripted(*two(), instead=instead)
    made, _ = campaign(cluster)
    with pytest.raises(KeyboardInterrupt):
        results(made)
    assert made.made
    assert counts(results(made)) == [3] * 4
    assert len(cluster.orders) == 12


def test_a_cluster_that_is_lost_for_good_ends_the_campaign() -> None:
    """With its line."""

    def instead(order: Order, node: Node) -> list[Event]:
        raise InputError("the cluster does not answer")

    made, _ = campaign(Scripted(*two(), instead=instead))
    with pytest.raises(InputError, match="does not answer"):
        results(made)

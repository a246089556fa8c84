"""Which launch a node measures next: all of them once, the longest first, spread."""

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise

import pytest

from benchmarks.cluster import Node, kind
from benchmarks.cluster.dispatch import Dispatcher
from benchmarks.cluster.lanes import demands
from histocnn.job import Job
from tests.benchmarks.cluster.a_node import a_node

ENGINES = ("theano", "tensorflow", "jax", "torch")
JOB = Job("theano", "cpu", 32, 10, None, 1)
XEON, EPYC = "Xeon", "EPYC"


def some_nodes(number: int, cpu: str = XEON) -> list[Node]:
    """Nodes of one type."""
    return [a_node(f"node-{cpu}-{each}", cpu=cpu) for each in range(number)]


def dispatcher_of(
    seconds: Sequence[float], nodes: Sequence[Node], *, launches: int = 3, seed: int = 0
) -> Dispatcher:
    """One where all ``nodes`` are there, and cases wait, named by their numbers."""
    dispatcher = Dispatcher(seed)
    for node in nodes:
        dispatcher.join(node)
    for number, each in enumerate(seconds):
        dispatcher.add(str(number), JOB, nodes[0].machine, each, launches)
    return dispatcher


def played(
    dispatcher: Dispatcher, nodes: Sequence[Node], seconds: Sequence[float]
) -> Iterator[tuple[float, Node, int]]:
    """When which node begins which case, each launch taking what it should."""
    free = [(0.0, number) for number in range(len(nodes))]
    idle: list[int] = []
    while free:
        now, number = heapq.heappop(free)
        asking, idle = [number, *idle], []
        for each in asking:
            case = dispatcher.take(nodes[each])
            if case is None:
                idle.append(each)
            else:
                yield now, nodes[each], int(case)
                heapq.heappush(free, (now + seconds[int(case)], each))


def wide(number: int, seed: int) -> list[float]:
    """Durations that differ by a factor of some hundreds."""
    chance = random.Random(seed)
    return [chance.lognormvariate(4, 1.2) for _ in range(number)]


class World:
    """A cluster in which anything happens, and what it has measured."""

    def __init__(self, seed: int) -> None:
        """Forty cases of four engines, for two types of node."""
        self.chance = random.Random(seed)
        self.dispatcher = Dispatcher(seed)
        self.machines = [a_node(cpu=cpu).machine for cpu in (XEON, EPYC)]
        self.serial = 0
        self.nodes: dict[str, Node] = {}
        self.running: dict[str, str] = {}  # case by node
        self.done: Counter[str] = Counter()
        self.due: Counter[str] = Counter()
        self.jobs: dict[str, tuple[Job, str]] = {}
        for number in range(40):
            job = replace(JOB, engine=self.chance.choice(ENGINES), size=32 + number)
            self.jobs[job.id] = job, self.chance.choice(self.machines)
            self.add(job.id)

    def add(self, case: str) -> None:
        """A case needs one to four more launches."""
        launches = self.chance.randint(1, 4)
        self.due[case] += launches
        seconds = self.chance.uniform(1, 100)
        self.dispatcher.add(case, *self.jobs[case], seconds, launches)

    def join(self, refused: Sequence[str]) -> None:
        """A node comes that has no environment for the engines ``refused``."""
        refusals = {kind(replace(JOB, engine=engine)): "none" for engine in refused}
        self.serial += 1
        cpu = self.chance.choice((XEON, EPYC))
        node = a_node(f"node-{self.serial:06}", cpu=cpu, refusals=refusals)
        self.nodes[node.id] = node
        if self.chance.random() < 0.5:  # to take is to join
            self.dispatcher.join(node)

    def leave(self, node: Node) -> None:
        """It dies, and what it measured is lost, which is known before or after."""
        if self.chance.random() < 0.5:
            self.lose(node)
        self.dispatcher.leave(node.id)
        self.lose(node)
        del self.nodes[node.id]

    def lose(self, node: Node) -> None:
        """What it measured is lost."""
        if case := self.running.pop(node.id, None):
            self.dispatcher.put_back(case, node)

    def take(self) -> None:
        """Every free node asks, in any order."""
        free = [node for node in self.nodes.values() if node.id not in self.running]
        for node in self.chance.sample(free, len(free)):
            case = self.dispatcher.take(node)
            if case is not None:
                job, machine = self.jobs[case]
                assert machine == node.machine
                assert node.refusal(job) is None
                self.running[node.id] = case

    def end(self, node: Node) -> None:
        """What it measures has ended."""
        if case := self.running.pop(node.id, None):
            self.done[case] += 1

    def anything(self) -> None:
        """One thing happens."""
        node = self.chance.choice(list(self.nodes.values()) or [None])
        case = self.chance.choice(list(self.jobs))
        match self.chance.choice(("end",) * 8 + ("join", "leave", "lose", "add", "hm")):
            case "join":
                self.join(self.chance.sample(ENGINES, self.chance.randint(0, 3)))
            case "add":
                self.add(case)
            case "hm":
                self.dispatcher.learn(case, self.chance.uniform(1, 100))
            case what if node is not None:
                getattr(self, what)(node)

    def check(self) -> None:
        """What waits, runs and is done is all that is due."""
        out = Counter(self.running.values())
        for case, due in self.due.items():
            waiting = self.dispatcher.waiting(case)
            assert waiting + out[case] + self.done[case] == due
        total = sum(map(self.dispatcher.waiting, self.jobs))
        assert self.dispatcher.launches_waiting() == total
        each = map(self.dispatcher.launches_waiting, self.machines)
        assert sum(each) == total


@pytest.mark.parametrize("seed", range(20))
def test_each_launch_is_measured_once_whatever_dies_and_joins(seed: int) -> None:
    """Nothing is lost, made twice, on another type or where it is refused."""
    world = World(seed)
    for _ in range(400):
        world.take()
        world.check()
        world.anything()
    for cpu in (XEON, EPYC):
        node = a_node(f"node-last-{cpu}", cpu=cpu)
        world.nodes[node.id] = node
    for _ in range(2000):
        world.take()
        for node in list(world.nodes.values()):
            world.end(node)
    assert world.done == world.due
    assert world.dispatcher.launches_waiting() == 0
    assert world.dispatcher.seconds_waiting() == 0.0
    assert not any(map(world.dispatcher.waits_for, world.nodes.values()))


@pytest.mark.parametrize("seed", range(5))
def test_next_is_what_has_most_work_waiting(seed: int) -> None:
    """Of what the node has not measured yet; but for a few short launches at first."""
    seconds, nodes = wide(60, seed), some_nodes(10)
    waiting = dict.fromkeys(range(60), 3)
    had: dict[str, set[int]] = {node.id: set() for node in nodes}
    count = 0
    for _, node, case in played(dispatcher_of(seconds, nodes), nodes, seconds):
        new = [each for each in waiting if each not in had[node.id]]
        most = max(waiting[each] * seconds[each] for each in new)
        count += waiting[case] * seconds[case] == most
        had[node.id].add(case)
        waiting[case] -= 1
    assert count >= 60 * 3 - 2 * len(nodes)


@pytest.mark.parametrize("seed", range(5))
def test_no_long_launch_is_left_for_the_end(seed: int) -> None:
    """The wall time is within 2 % of what no order could better."""
    seconds, nodes = wide(200, seed), some_nodes(8)
    begun = list(played(dispatcher_of(seconds, nodes), nodes, seconds))
    wall = max(start + seconds[case] for start, _, case in begun)
    assert wall <= 1.02 * max(3 * sum(seconds) / 8, *seconds)


def on_which(begun: Iterator[tuple[float, Node, int]]) -> dict[int, list[str]]:
    """The nodes that measured each case, one a launch."""
    names: dict[int, list[str]] = {}
    for _, node, case in begun:
        names.setdefault(case, []).append(node.name)
    return names


def groups(names: Mapping[int, Sequence[str]]) -> int:
    """How many groups of nodes there are that share no case with each other."""
    found: list[set[str]] = []
    for nodes in names.values():
        linked = [group for group in found if group & set(nodes)]
        found = [group for group in found if group not in linked]
        found.append(set(nodes).union(*linked))
    return len(found)


SHAPES = [(1000, 8), (100, 8), (12, 9), (300, 100), (300, 300)]


@pytest.mark.parametrize(("cases", "number"), SHAPES)
def test_the_launches_of_a_case_go_to_different_nodes(cases: int, number: int) -> None:
    """All of them: there are enough nodes."""
    nodes = some_nodes(number)
    for seed, seconds in enumerate((wide(cases, 0), [60.0] * cases)):
        dispatcher = dispatcher_of(seconds, nodes, seed=seed)
        names = on_which(played(dispatcher, nodes, seconds))
        assert len(names) == cases
        for its in names.values():
            assert len(its) == len(set(its)) == 3


@pytest.mark.parametrize("seed", range(8))
def test_with_few_nodes_no_case_is_on_one_alone(seed: int) -> None:
    """Most are on three, though some nodes of four have a long launch all the time."""
    seconds, nodes = wide(40, seed), some_nodes(4)
    names = on_which(played(dispatcher_of(seconds, nodes), nodes, seconds))
    many = Counter(len(set(its)) for its in names.values())
    assert many.keys() <= {2, 3}
    assert many[3] >= 32


@pytest.mark.parametrize(
    ("cases", "number"), [*SHAPES, (60, 2), (60, 3), (20, 4), (10, 8)]
)
def test_all_nodes_of_a_type_are_linked_by_cases_that_they_share(
    cases: int, number: int
) -> None:
    """Directly or by others; equal lengths and different ones, several seeds."""
    nodes = some_nodes(number)
    for seed in range(5):
        for seconds in (wide(cases, seed), [60.0] * cases):
            dispatcher = dispatcher_of(seconds, nodes, seed=seed)
            names = on_which(played(dispatcher, nodes, seconds))
            assert groups(names) == 1


def test_each_node_shares_cases_with_several_others() -> None:
    """With every other one where there are many cases, if they are as long or not."""
    nodes = some_nodes(8)
    for seconds in (wide(400, 0), [60.0] * 400):
        names = on_which(played(dispatcher_of(seconds, nodes), nodes, seconds))
        for node in nodes:
            shared = [its for its in names.values() if node.name in its]
            assert set().union(*shared) == {each.name for each in nodes}


def test_what_a_node_has_measured_is_left_for_others_that_can_take_it() -> None:
    """Until there are none, or more waits than they would take with a launch each."""
    one, two, three = nodes = some_nodes(3)
    dispatcher = dispatcher_of([10.0], nodes)
    assert dispatcher.take(one) == "0"
    assert dispatcher.take(one) is None
    assert dispatcher.waits_for(one)
    dispatcher.leave(two.id)
    assert dispatcher.take(one) == "0"  # 2 wait, and 1 other is there
    assert dispatcher.take(one) is None
    dispatcher.leave(three.id)
    assert dispatcher.take(one) == "0"
    assert not dispatcher.waits_for(one)


def test_a_case_with_more_launches_than_nodes_goes_round() -> None:
    """None has two before each has one."""
    nodes = some_nodes(3)
    begun = played(dispatcher_of([10.0], nodes, launches=7), nodes, [10.0])
    (names,) = on_which(begun).values()
    assert sorted(Counter(names).values()) == [2, 2, 3]


def test_a_node_that_has_measured_a_case_more_often_leaves_it() -> None:
    """Though each has measured it."""
    one, two = nodes = some_nodes(2)
    dispatcher = dispatcher_of([10.0], nodes, launches=4)
    assert [dispatcher.take(node) for node in (one, two, one)] == ["0", "0", "0"]
    assert dispatcher.take(one) is None
    assert dispatcher.take(two) == "0"


def test_a_node_that_was_restarted_is_the_same() -> None:
    """By its name: it has another id."""
    one, two = some_nodes(2)
    dispatcher = dispatcher_of([10.0], [one, two])
    assert dispatcher.take(one) == "0"
    dispatcher.leave(one.id)
    again = replace(one, id="again")
    dispatcher.add("short", JOB, one.machine, 1.0, 1)
    assert dispatcher.take(again) == "short"


def test_launches_of_an_earlier_run_count() -> None:
    """Their nodes have begun, and leave the case for others."""
    one, two = nodes = some_nodes(2)
    dispatcher = Dispatcher()
    for node in nodes:
        dispatcher.join(node)
    dispatcher.add("old", JOB, one.machine, 50.0, 1, measured_on=[one.name])
    dispatcher.add("short", JOB, one.machine, 1.0, 1)
    dispatcher.add("long", JOB, one.machine, 9.0, 1)
    assert dispatcher.take(one) == "long"
    assert dispatcher.take(two) == "short"  # it is new
    assert dispatcher.take(two) == "old"


def order_of(seed: int, number: int = 40) -> list[str]:
    """The order in which one node of two gets cases of the same length."""
    nodes = some_nodes(2)
    dispatcher = dispatcher_of([5.0] * number, nodes, launches=1, seed=seed)
    return [dispatcher.take(nodes[0]) or "" for _ in range(number)]


def test_equals_are_shuffled_by_the_seed() -> None:
    """The same for the same seed, and not the order of the grid."""
    assert order_of(1) == order_of(1)
    assert order_of(1) != order_of(2)
    assert sorted(order_of(1), key=int) == [str(each) for each in range(40)]
    in_order = sum(int(a) + 1 == int(b) for a, b in pairwise(order_of(1)))
    assert in_order < 10


def test_what_a_node_refuses_goes_to_others_in_its_place() -> None:
    """It gets the rest, and nothing is passed over for the others."""
    poor = a_node("node-poor", refusals={kind(replace(JOB, engine="torch")): "none"})
    rich = a_node("node-rich")
    dispatcher = Dispatcher()
    for number in range(10):
        torch = replace(JOB, engine="torch", size=100 + number)
        dispatcher.add(torch.id, torch, rich.machine, 100.0 + number, 1)
    dispatcher.add("small", JOB, rich.machine, 1.0, 1)
    assert dispatcher.take(poor) == "small"
    assert dispatcher.take(poor) is None
    assert not dispatcher.waits_for(poor)
    assert dispatcher.waiting("small") == 0
    got = [dispatcher.take(rich) for _ in range(10)]
    assert got[0] == replace(JOB, engine="torch", size=100).id  # it is new
    assert [int((each or "").split("-")[2][:-2]) for each in got[1:]] == [
        *range(109, 100, -1)
    ]
    assert dispatcher.take(rich) is None


def of_two_kinds(known: Sequence[Node], later: Sequence[Node]) -> Dispatcher:
    """One in which cases of theano and torch wait, 1 to 20 s by their names.

    Those of odd numbers are torch's. ``later`` are nodes that join after that.
    """
    dispatcher = Dispatcher()
    for node in known:
        dispatcher.join(node)
    for number in random.Random(1).sample(range(1, 21), 20):
        job = replace(JOB, engine="torch" if number % 2 else "theano", size=99 + number)
        dispatcher.add(str(number), job, a_node().machine, float(number), 1)
        dispatcher.learn(str(number), float(number + 1))
        dispatcher.learn(str(number), float(number))
    for node in later:
        dispatcher.join(node)
    return dispatcher


@pytest.mark.parametrize("joins_first", [True, False])
def test_the_order_is_kept_over_what_different_nodes_can_run(joins_first: bool) -> None:
    """Whether it was known before that a node cannot run all of it, or not."""
    rich, other = a_node("node-rich"), a_node("node-other")
    poor = a_node("node-poor", refusals={kind(replace(JOB, engine="torch")): "none"})
    known = [rich, other, poor] if joins_first else [rich, other]
    dispatcher = of_two_kinds(known, [poor])
    got = {
        node.name: [dispatcher.take(node) for _ in range(number)]
        for node, number in ((poor, 4), (rich, 6), (other, 11))
    }
    # Each begins with the shortest that is left.
    assert got == {
        "node-poor": ["2", "20", "18", "16"],
        "node-rich": ["1", "19", "17", "15", "14", "13"],
        "node-other": ["3", "12", "11", "10", "9", "8", "7", "6", "5", "4", None],
    }


def test_a_node_begins_with_what_is_the_shortest_now() -> None:
    """Not with what was before anything was learnt of it."""
    one, two = nodes = some_nodes(2)
    dispatcher = dispatcher_of([1.0, 20.0, 30.0], nodes, launches=1)
    dispatcher.learn("0", 50.0)
    dispatcher.learn("2", 2.0)
    assert dispatcher.take(one) == "2"
    assert dispatcher.take(two) == "1"


class Counting(dict[Job, str]):
    """Refusals that count how often they are asked for."""

    asked = 0

    def get(self, key: Job, default: object = None) -> str | None:  # type: ignore[override]
        """As a dictionary's."""
        self.asked += 1
        return super().get(key)


def test_nodes_are_asked_once_a_kind_of_job() -> None:
    """However many cases there are, however many are refused, and by how many nodes."""
    torch = replace(JOB, engine="torch")
    refusals = Counting({kind(torch): "none"})
    early, late = (
        replace(a_node(f"node-{name}"), refusals=refusals) for name in ("early", "late")
    )
    dispatcher = Dispatcher()
    dispatcher.join(early)
    for size in range(32, 532):
        for job in (replace(torch, size=size), replace(JOB, size=size)):
            dispatcher.add(job.id, job, early.machine, 9.0, 1)
    dispatcher.join(late)
    taken = [dispatcher.take(early) for _ in range(500)]
    assert all("theano" in (each or "") for each in taken)
    assert dispatcher.take(early) is dispatcher.take(late) is None
    assert refusals.asked == 2


def test_a_node_that_lends_fewer_cores_is_asked_for_itself() -> None:
    """Though it is of the type of another, and refuses no kind."""
    full = a_node("node-full", cores=4)
    half = replace(full, id="half", name="node-half", cores=2)
    assert half.machine == full.machine
    dispatcher = Dispatcher()
    for node in (full, half):
        dispatcher.join(node)
    for cores in (4, 2):
        job = replace(JOB, cores=cores)
        dispatcher.add(job.id, job, full.machine, 9.0 + cores, 2)
    assert [dispatcher.take(half) for _ in range(3)] == [
        *(replace(JOB, cores=2).id, None, None)
    ]
    assert dispatcher.waiting(replace(JOB, cores=4).id) == 2


def test_demands_tell_what_kinds_and_cores_do() -> None:
    """A field of a job that is new belongs to one of the two, or this fails."""
    other = {
        "engine": "jax",
        "device": "cuda",
        "size": 64,
        "batch": 20,
        "cnmem": "1",
        "cores": 2,
        "images": 400,
        "dataset": "glas",
        "seed": 7,
        "loop": "fused",
        "precision": "tf32",
        "gpu_memory": 4096,
        "machine": "xeon",
    }
    base = replace(JOB, device="cuda", cnmem="0", cores=1)
    assert other.keys() == {field.name for field in fields(Job)}
    for name, value in other.items():
        if name == "device":
            changed = replace(base, device="cpu", cnmem=None)
        else:
            changed = replace(base, **{name: value})  # type: ignore[arg-type]
        alike = kind(changed) == kind(base) and changed.cores == base.cores
        assert (demands(changed) == demands(base)) == alike, name


def test_what_is_learnt_changes_the_order() -> None:
    """And the seconds that wait."""
    one, two = nodes = some_nodes(2)
    dispatcher = dispatcher_of([10.0, 20.0, 30.0], nodes, launches=1)
    assert dispatcher.take(one) == "0"  # it is new: the shortest
    assert dispatcher.seconds_waiting() == pytest.approx(50.0)
    dispatcher.learn("1", 40.0)
    assert dispatcher.seconds_waiting(one.machine) == pytest.approx(70.0)
    assert dispatcher.seconds_waiting("another") == 0.0
    assert dispatcher.take(one) == "1"
    dispatcher.learn("1", 2.0)  # that is out
    dispatcher.add("1", JOB, one.machine, 3.0, 1)
    assert dispatcher.take(two) == "1"
    assert dispatcher.take(two) == "2"


def test_a_case_that_is_dropped_stays_so() -> None:
    """Also where one of its launches is lost after that; unless some are added."""
    (node,) = nodes = some_nodes(1)
    dispatcher = dispatcher_of([10.0], nodes)
    assert dispatcher.take(node) == "0"
    dispatcher.drop("0")
    dispatcher.put_back("0", node)
    assert dispatcher.waiting("0") == dispatcher.launches_waiting() == 0
    assert dispatcher.take(node) is None
    dispatcher.add("0", JOB, node.machine, 10.0, 1)
    assert dispatcher.take(node) == "0"
    dispatcher.put_back("0", node)
    assert dispatcher.waiting("0") == 1


def test_nonsense_is_refused() -> None:
    """Launches that are none, times that are none, and what nobody took."""
    (node,) = nodes = some_nodes(1)
    dispatcher = dispatcher_of([10.0], nodes)
    with pytest.raises(ValueError, match="0 launches; expected one or more"):
        dispatcher.add("1", JOB, node.machine, 1.0, 0)
    for seconds in (0.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="expected a finite time above 0"):
            dispatcher.learn("0", seconds)
    with pytest.raises(ValueError, match="not in list"):
        dispatcher.put_back("0", node)
    assert dispatcher.waiting("unknown") == 0

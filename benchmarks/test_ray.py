"""What a cluster costs: the same case here and by Ray, a launch of nothing, idle nodes.

``pytest benchmarks/test_ray.py --launcher ray --ray-address HOST:PORT``, with a node on
this machine that measures nothing else meanwhile. The nodes of `test_nodes_are_busy`
may all be of one machine, since they sleep.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import launchers
from benchmarks.cluster import Cluster, Event, Measured, Node, Order
from benchmarks.cluster.campaign import ClusterCampaign
from benchmarks.cluster.progress import ClusterReporter
from benchmarks.cluster.selection import Selection
from benchmarks.cluster.workplace import Workplace
from benchmarks.fingerprint import hard_digest, take
from benchmarks.launchers import ray
from benchmarks.outcomes import MeasuringFailed, failed
from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.settling import Effort
from benchmarks.turns import Turns, replay
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement

pytestmark = pytest.mark.cluster
STOPWATCH = Stopwatch()
LAUNCHES, ROUNDS = 12, 3  # of each, by turns
JOB = Job(engine="theano", device="cpu", size=64, batch=50, cnmem=None, cores=1)
#: What a node does in a launch of nothing, and in one that it sleeps through.
NOTHING = "benchmarks.cluster.made_up:at_once"
ASLEEP = "benchmarks.cluster.made_up:asleep"
CASES = 1_000  # that nodes sleep through
#: Share of the wall time after which nodes may be idle, since little is left to do.
END = 0.95
NOWHERE = Path("/nowhere")

_tickets = itertools.count()


def _selection(config: pytest.Config) -> Selection:
    """What the session's cluster can measure; without one, a skip."""
    selection = suite_of(config).selection
    if selection is None:
        pytest.skip("needs --launcher ray and --ray-address")
    return selection


def _here(config: pytest.Config) -> Node:
    """The node on a machine like this one; without one, a skip."""
    this = hard_digest(take().hard)
    for node in _selection(config).nodes:
        if node.machine == this:
            return node
    pytest.skip("no node of the cluster is of this machine's type")


def _measured(cluster: Cluster, order: Order, node: Node) -> Launch:
    """What comes of ``order``; raises as `benchmarks.measure.launch` does."""
    cluster.submit(order, node)
    while True:
        for event in cluster.wait(60.0):
            if not isinstance(event, Measured) or event.ticket != order.ticket:
                continue
            if event.launch is not None:
                return event.launch
            assert event.outcome is not None
            raise MeasuringFailed(event.outcome)


@pytest.fixture(scope="module")
def by_turns(pytestconfig: pytest.Config) -> dict[str, Measurement]:
    """Launches by this session and through Ray in turn, on the same machine."""
    suite, node = suite_of(pytestconfig), _here(pytestconfig)
    cluster, local = _selection(pytestconfig).cluster, launchers.get("local")
    for reason in (local.missing(JOB), node.refusal(JOB)):
        if reason is not None:
            pytest.skip(reason)

    def launch(name: str, effort: Effort) -> Launch:
        if name == "local":
            return suite.launch(JOB, effort, launcher=local)
        order = Order(next(_tickets), JOB, 0, effort, suite.arrays(JOB))
        return _measured(cluster, order, node)

    return Turns(pytestconfig, LAUNCHES, ROUNDS).measure(
        dict.fromkeys(("local", "ray"), JOB), launch
    )


@pytest.mark.parametrize("launcher", ["local", "ray"])
@pytest.mark.benchmark(group="cluster", timer=STOPWATCH)
def test_same_case(
    benchmark: Any, by_turns: dict[str, Measurement], launcher: str
) -> None:
    """One round a launch: its median epoch. The ratio of both medians is the cost."""
    replay(benchmark, STOPWATCH, by_turns, launcher)


@pytest.fixture
def idle(pytestconfig: pytest.Config) -> Iterator[tuple[Cluster, Node]]:
    """A cluster whose nodes answer at once, and one of them."""
    _selection(pytestconfig)
    cluster = ray.Cluster(suite_of(pytestconfig).settings, measure=NOTHING)
    try:
        yield cluster, cluster.open([])[0]
    finally:
        cluster.close()


@pytest.mark.benchmark(group="cluster overhead")
def test_launch_of_nothing(benchmark: Any, idle: tuple[Cluster, Node]) -> None:
    """An order to a node and its result back: what the cluster adds to each launch."""
    cluster, node = idle

    def there_and_back() -> None:
        order = Order(next(_tickets), JOB, 0, Effort(1, 1), NOWHERE)
        if not _measured(cluster, order, node).rounds:
            raise failed("nothing came back")

    benchmark.pedantic(there_and_back, rounds=200, warmup_rounds=5)


class _Watched(ray.Cluster):
    """A Ray cluster that remembers when its nodes were measuring."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(suite_of(config).settings, measure=ASLEEP)
        self.spans: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def wait(self, timeout: float) -> list[Event]:
        """As any; of a launch that was measured, its node's times are kept."""
        events = super().wait(timeout)
        for event in events:
            if isinstance(event, Measured) and event.launch is not None:
                spans = self.spans[event.launch.launched["node"]]
                spans.append((event.at, event.at + event.seconds))
        return events

    def busy(self) -> dict[str, float]:
        """Of each node the share of the time until `END` in which it was measuring."""
        every = [span for spans in self.spans.values() for span in spans]
        first = min(start for start, _ in every)
        until = first + END * (max(end for _, end in every) - first)
        return {
            name: sum(max(0.0, min(end, until) - start) for start, end in spans)
            / (until - first)
            for name, spans in self.spans.items()
        }


@pytest.mark.benchmark(group="cluster")
def test_nodes_are_busy(benchmark: Any, pytestconfig: pytest.Config) -> None:
    """A campaign of one launch a case, which the planner does not know the times of.

    ``busy`` has the share of the first 95 % of its wall time that each node measured.
    """
    _selection(pytestconfig)
    grid = itertools.product(range(32, 232), (10, 20, 50, 100, 150))
    jobs = [replace(JOB, size=size, batch=batch) for size, batch in grid][:CASES]
    cluster = _Watched(pytestconfig)
    try:
        nodes = cluster.open([])
        place = Workplace(
            cluster, nodes, lambda job: nodes[0].machine, lambda job: NOWHERE
        )
        effort = Effort(1, 1)
        unseen = ClusterReporter(Console(quiet=True), jobs, effort)
        campaign = ClusterCampaign(jobs, effort, place, None, unseen)

        def bring() -> None:
            for job in jobs:
                campaign.bring(job)

        benchmark.pedantic(bring, rounds=1)
    finally:
        cluster.close()
    assert campaign.is_complete()
    busy = cluster.busy()
    benchmark.extra_info["busy"] = busy
    assert set(busy) == {node.name for node in nodes}

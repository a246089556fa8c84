"""A session whose bridge ends: what it is told, and when another one is started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.cluster import (
    Faulted,
    Joined,
    Left,
    Lost,
    Measured,
    Order,
    Stepped,
    ray_line,
    ray_project,
    wire,
)
from benchmarks.cluster.ray_driver import BridgeEnded
from benchmarks.cluster.ray_retry import Retry
from benchmarks.launchers import Settings
from benchmarks.launchers.ray import Cluster
from benchmarks.measure import Step
from benchmarks.outcomes import Outcome
from benchmarks.settling import Effort
from histocnn.errors import InputError
from histocnn.job import Job
from tests.benchmarks.cluster.a_node import a_node
from tests.launches import a_launch

NODE = a_node()
JOB = Job("jax", "cpu", 32, 10, None, 1)

#: What a bridge says at each look; an exception ends it.
Said = list[list[wire.Reply] | Exception]


class Bridges:
    """Stand-ins for bridges, each saying what it is to, in turn."""

    def __init__(self, scripts: list[Said]) -> None:
        self.scripts = scripts
        self.started = 0
        self.closed = 0
        self.sent: list[wire.Command] = []

    def __call__(self, address: str, project: Path, measure: str | None) -> "Bridges":
        assert address == "127.0.0.2:6379"
        self.started += 1
        return self

    def send(self, command: wire.Command) -> None:
        self.sent.append(command)

    def replies(self, timeout: float) -> list[wire.Reply]:
        script = self.scripts[self.started - 1]
        said = script.pop(0) if script else []
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bridges]:
    """Have bridges say what is asked for."""

    def connect(*scripts: Said) -> Bridges:
        bridges = Bridges(list(scripts))
        monkeypatch.setattr(ray_line, "Driver", bridges)
        monkeypatch.setattr(environments, "missing", lambda name: None)
        monkeypatch.setattr(ray_project, "stage", lambda folder: None)
        return bridges

    return connect


def a_cluster(said: list[str] | None = None, patience: float = 60.0) -> Cluster:
    """A cluster that tries again at once."""
    return Cluster(
        Settings(address="127.0.0.2"),
        say=([] if said is None else said).append,
        retry=Retry(patience, pauses=(0.0,)),
    )


def order(ticket: int) -> Order:
    return Order(ticket, JOB, 0, Effort(1, 1), Path("/data"))


def test_a_bridge_that_ends_loses_what_was_out_and_another_one_follows(
    connected: Callable[..., Bridges],
) -> None:
    """What it had said before counts; nodes leave, and join by the next."""
    bridges = connected(
        [
            [Joined(NODE), wire.Opened()],
            [Measured(1, a_launch([0.5]), None, 1.0)],
            BridgeEnded("the head is gone"),
        ],
        [[Joined(NODE), wire.Opened()]],
    )
    said: list[str] = []
    cluster = a_cluster(said)
    assert cluster.open([JOB]) == [NODE]
    for ticket in (1, 2):
        cluster.submit(order(ticket), NODE)
    (measured,) = cluster.wait(1.0)
    assert isinstance(measured, Measured)
    assert cluster.wait(1.0) == [
        Lost(2, "the head is gone"),
        Left(NODE.id, "the connection to the cluster is lost"),
    ]
    assert cluster.wait(1.0) == [Joined(NODE)]
    assert bridges.sent.count(wire.Open((JOB,), Settings())) == 2
    assert said == [
        "the head is gone; trying again for a minute",
        "connected to the cluster again: 1 node",
    ]
    cluster.close()
    assert bridges.closed == bridges.started == 2


def test_what_is_submitted_meanwhile_is_lost(connected: Callable[..., Bridges]) -> None:
    """The campaign may not have heard yet that its node has left."""
    connected([[Joined(NODE), wire.Opened()], BridgeEnded("gone")], [])
    cluster = a_cluster()
    cluster.open([JOB])
    assert [type(event) for event in cluster.wait(1.0)] == [Left]
    cluster.submit(order(5), NODE)
    assert cluster.wait(1.0) == [Lost(5, "the connection to the cluster is lost")]


def test_of_a_cancelled_launch_nothing_more_is_heard(
    connected: Callable[..., Bridges],
) -> None:
    bridges = connected(
        [
            [Joined(NODE), wire.Opened()],
            [Stepped(1, Step(0, 0, "late")), Measured(1, a_launch([1.0]), None, 1.0)],
            [Lost(1, "late")],
        ]
    )
    cluster = a_cluster()
    cluster.open([JOB])
    cluster.submit(order(1), NODE)
    cluster.cancel(1)
    assert cluster.wait(0.2) == []
    assert bridges.sent[-1] == wire.Cancel(1)


def test_a_launch_tells_the_node_that_it_was_made_on(
    connected: Callable[..., Bridges],
) -> None:
    connected(
        [
            [Joined(NODE), wire.Opened()],
            [Measured(1, a_launch([1.0]), None, 1.0)],
        ]
    )
    cluster = a_cluster()
    cluster.open([JOB])
    cluster.submit(order(1), NODE)
    (measured,) = cluster.wait(1.0)
    assert isinstance(measured, Measured)
    assert measured.launch is not None
    assert measured.launch.launched == {
        "launcher": "local",
        "node": NODE.name,
        "machine": NODE.machine,
    }


@pytest.mark.parametrize(
    "last",
    [BridgeEnded("another token", final=True), BridgeEnded("no head")],
    ids=["final", "out of patience"],
)
def test_a_cluster_that_is_lost_for_good_is_told(
    connected: Callable[..., Bridges], last: BridgeEnded
) -> None:
    """Another try would end alike, or there were tries enough."""
    connected([[Joined(NODE), wire.Opened()], BridgeEnded("gone")], [last])
    cluster = a_cluster(patience=60.0 if last.final else 0.0)
    cluster.open([JOB])
    cluster.wait(1.0)
    with pytest.raises(InputError, match=f"^the cluster is lost: {last}$"):
        cluster.wait(1.0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([wire.Failed("no head answers", final=False)], "no head answers"),
        ([wire.Failed("another token", final=True)], "another token"),
        (
            [wire.Refused("other pins"), wire.Opened()],
            "no node of the cluster can be used: other pins",
        ),
    ],
)
def test_what_cannot_be_opened_is_told_at_once(
    connected: Callable[..., Bridges], said: list[wire.Reply], words: str
) -> None:
    """It may be a wrong address: nothing is lost yet that was worth waiting for."""
    bridges = connected([said])
    with pytest.raises(InputError, match=f"^{words}$"):
        a_cluster().open([JOB])
    assert bridges.closed == 1


def test_a_node_that_cannot_be_used_is_told_where_others_can(
    connected: Callable[..., Bridges],
) -> None:
    connected([[wire.Refused("other pins"), Joined(NODE), wire.Opened()]])
    said: list[str] = []
    assert a_cluster(said).open([JOB]) == [NODE]
    assert said == ["a node of the cluster cannot be used: other pins"]


def test_what_was_said_before_the_end_is_taken_first(
    connected: Callable[..., Bridges],
) -> None:
    """A launch that was measured counts, though the cluster is lost for good."""
    gone = wire.Failed("another token", final=True)
    connected(
        [
            [Joined(NODE), wire.Opened()],
            [Measured(1, a_launch([0.5]), None, 1.0), gone],
        ]
    )
    cluster = a_cluster()
    cluster.open([JOB])
    cluster.submit(order(1), NODE)
    assert [type(event) for event in cluster.wait(1.0)] == [Measured]
    with pytest.raises(InputError, match=r"^the cluster is lost: another token$"):
        cluster.wait(1.0)


def test_what_a_node_could_not_measure_is_heard_once(
    connected: Callable[..., Bridges],
) -> None:
    fault = Faulted(1, Outcome("failed", "no space"))
    connected([[Joined(NODE), wire.Opened()], [fault, fault]])
    cluster = a_cluster()
    cluster.open([JOB])
    cluster.submit(order(1), NODE)
    assert cluster.wait(1.0) == [fault]

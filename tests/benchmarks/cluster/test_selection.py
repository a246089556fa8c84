"""Which cases a cluster measures, on which of its machines."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks import axes
from benchmarks.cluster import Event, Node, Order, kind
from benchmarks.cluster.selection import Selection
from histocnn.errors import InputError
from histocnn.job import Job
from tests.benchmarks.cluster.a_node import H100, a_node

GRID = replace(
    axes.PRESETS["quick"],
    engines=("theano",),
    devices=("cpu", "cuda"),
    sizes=(64,),
    batches=(50,),
    cores=(2, 1),
    cnmem=("1",),
)
ON_GPU = kind(Job("theano", "cuda", 64, 50, "1", 1))
NO_GPU = {ON_GPU: "no NVIDIA GPU"}


class Idle:
    """A cluster that has nodes and measures nothing."""

    def __init__(self, *nodes: Node) -> None:
        """With ``nodes``."""
        self._nodes = nodes
        self.asked: Sequence[Job] = ()

    def open(self, kinds: Sequence[Job]) -> list[Node]:
        """Remember what was asked."""
        self.asked = kinds
        return list(self._nodes)

    def submit(self, order: Order, node: Node) -> None:
        """Not meant to be called."""
        raise NotImplementedError

    def cancel(self, ticket: int) -> None:
        """Nothing runs."""

    def wait(self, timeout: float) -> list[Event]:
        """Nothing happens."""
        return []

    def close(self) -> None:
        """Nothing is open."""


def selection(*nodes: Node, names: str | None = None) -> Selection:
    return Selection(Idle(*nodes), GRID, "tissue", names, None)


def test_on_one_type_of_machine_cases_are_named_as_on_one_desk() -> None:
    """A GPU case has all cores of the machine."""
    found = selection(a_node("node-a", cores=16, gpus=(H100,)))
    assert [each.job.id for each in found.cases] == [
        "theano-cpu-64px-b50-cores2",
        "theano-cpu-64px-b50-cores1",
        "theano-cuda-64px-b50-cnmem1",
    ]
    assert found.cases[2].job.cores == 16
    assert not any(each.skip for each in found.cases)


def test_each_node_is_asked_once_about_each_kind() -> None:
    """Not about sizes, batches or numbers of cores."""
    cluster = Idle(a_node())
    Selection(cluster, GRID, "tissue", None, None)
    assert list(cluster.asked) == [kind(Job("theano", "cpu", 64, 50, None, 1)), ON_GPU]


def test_a_case_that_no_node_can_run_is_skipped_with_the_reason() -> None:
    """It names the machine and what is missing."""
    found = selection(a_node("node-a", cores=1, refusals=NO_GPU))
    two, one, gpu = (each.skip for each in found.cases)
    name = found.machines[0].label
    assert one is None
    assert two == f"on every node of {name}: needs 2 cores; this machine lends 1"
    assert gpu == f"on every node of {name}: no NVIDIA GPU"


def test_each_case_goes_to_the_one_machine_that_can_run_it() -> None:
    """CPU cases here and GPU cases there need no word of which."""
    desk = a_node("node-a", cores=2, refusals=NO_GPU)
    host = a_node(
        "node-b",
        cores=8,
        gpus=(H100,),
        refusals={kind(Job("theano", "cpu", 64, 50, None, 1)): "not built"},
    )
    found = selection(desk, host)
    assert [found.machine_of(each.job).digest for each in found.cases] == [
        *(desk.machine, desk.machine, host.machine)
    ]
    assert [each.job.machine for each in found.cases] == [None] * 3
    assert found.cases[2].job.cores == 8


def test_where_several_types_could_the_user_has_to_choose() -> None:
    """Times of different machines are not one case's."""
    nodes = a_node("node-a"), a_node("node-b", cores=4)
    with pytest.raises(InputError, match=r"cores2 can run on machines of several"):
        selection(*nodes)


def test_machines_are_an_axis() -> None:
    """Each case on each of those chosen, by name."""
    nodes = a_node("node-a", refusals=NO_GPU), a_node("node-b", cores=4, gpus=(H100,))
    found = selection(*nodes, names="all")
    small, large = (machine.label for machine in found.machines)
    assert [each.job.id for each in found.cases if each.skip is None] == [
        f"theano-cpu-64px-b50-cores2-on-{small}",
        f"theano-cpu-64px-b50-cores1-on-{small}",
        f"theano-cpu-64px-b50-cores2-on-{large}",
        f"theano-cpu-64px-b50-cores1-on-{large}",
        f"theano-cuda-64px-b50-cnmem1-on-{large}",
    ]
    only = selection(*nodes, names=large)
    assert {each.job.machine for each in only.cases} == {large}


def test_a_cluster_without_nodes_says_how_to_get_one() -> None:
    """In a line."""
    with pytest.raises(InputError, match="no node of the cluster measures; start"):
        selection()


def test_facts_are_of_the_nodes_that_measured() -> None:
    """Also if they joined late; those of one never seen are its type's, or unknown."""
    here, late = a_node("node-a"), a_node("node-late")
    found = selection(here, a_node("node-b"))
    used = dict.fromkeys(("node-a", "node-gone", "node-late"), here.machine)
    facts = found.facts(used | {"node-x": "0" * 16}, [*found.nodes, late])["nodes"]
    assert list(facts) == ["node-a", "node-gone", "node-late", "node-x"]
    assert facts["node-late"] == facts["node-a"]
    assert facts["node-a"]["label"] == facts["node-gone"]["label"]
    assert facts["node-a"]["fingerprint"]["soft"]["kernel"] == "6.1"
    hard = facts["node-a"]["fingerprint"]["hard"]
    assert facts["node-gone"]["fingerprint"] == {"hard": hard}
    assert facts["node-x"] == {
        "machine": "0" * 16,
        "label": None,
        "fingerprint": None,
    }

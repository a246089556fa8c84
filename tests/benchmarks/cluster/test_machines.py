"""Types of machines in a cluster, and what they are called."""

import pytest

from benchmarks.cluster import kind
from benchmarks.cluster.machines import choose, label, machines
from histocnn.errors import InputError
from histocnn.job import Job
from tests.benchmarks.cluster.a_node import H100, XEON, a_node


@pytest.mark.parametrize(
    ("cpu", "gpus", "expected"),
    [
        (XEON, (), "xeon-2c"),
        ("AMD EPYC 7763 64-Core Processor", (), "epyc-2c"),
        ("Intel(R) Core(TM) i7-9700K CPU @ 3.60GHz", (), "i7-9700k-2c"),
        (XEON, (H100,), "xeon-2c-h100"),
        (XEON, (H100, H100), "xeon-2c-2xh100"),
        (XEON, ("NVIDIA GeForce RTX 3090",), "xeon-2c-rtx3090"),
        (XEON, ("Tesla V100-SXM2-16GB",), "xeon-2c-v100-sxm2-16gb"),
        (None, (), "x86_64-2c"),
        ("处理器", ("???",), "x86_64-2c-gpu"),
    ],
)
def test_a_label_is_short_and_tells_one_type_from_another(
    cpu: str | None, gpus: tuple[str, ...], expected: str
) -> None:
    """CPU, cores, GPU, and four digits that no other type has."""
    node = a_node(cpu=cpu, gpus=gpus)
    text = label(node.fingerprint.hard, node.machine)
    assert text == f"{expected}-{node.machine[:4]}"
    assert text.isascii()
    assert "," not in text


def test_nodes_of_the_same_hard_facts_are_of_one_type() -> None:
    """Whatever they are called; any other core makes another."""
    nodes = [a_node("node-b"), a_node("node-a"), a_node("node-c", cores=4)]
    small, large = machines(nodes)
    assert [node.name for node in small.nodes] == ["node-a", "node-b"]
    assert (small.cores, large.cores) == (2, 4)
    assert small.digest == nodes[0].machine != large.digest


def test_a_machine_refuses_what_all_its_nodes_refuse() -> None:
    """One that can is enough; cores are asked before anything else."""
    job = Job("theano", "cpu", 64, 10, None, 2)
    broken = {kind(job): "environment theano is not built"}
    (one,) = machines([a_node("node-a", refusals=broken), a_node("node-b")])
    (none,) = machines([a_node("node-a", refusals=broken)])
    assert one.refusal(job) is None
    assert none.refusal(job) == "environment theano is not built"
    many = Job("theano", "cpu", 64, 10, None, 3)
    assert one.refusal(many) == "needs 3 cores; this machine lends 2"


def test_machines_are_chosen_by_label_or_all() -> None:
    """In the order asked for."""
    found = machines([a_node("node-a"), a_node("node-b", cores=4)])
    small, large = (machine.label for machine in found)
    assert choose(found, "ALL") == found
    assert choose(found, f"{large}, {small}") == found[::-1]
    with pytest.raises(InputError, match=f"no machine 'xeon'; there are: {small}, "):
        choose(found, "xeon")
    with pytest.raises(InputError, match="twice"):
        choose(found, f"{small},{small}")

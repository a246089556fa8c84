"""Nodes as a cluster tells them, for tests."""

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.cluster import Node, made_up
from benchmarks.gpu_facts import Gpu
from histocnn.job import Job

XEON = "Intel(R) Xeon(R) Processor @ 2.30GHz"
H100 = "NVIDIA H100 80GB HBM3"


def a_node(
    name: str = "node-000001",
    *,
    cores: int = 2,
    cpu: str | None = XEON,
    gpus: tuple[str, ...] = (),
    refusals: Mapping[Job, str] | None = None,
) -> Node:
    """A node whose id is its name without what all have in common."""
    made = made_up.node(name, cores=cores, refusals=refusals)
    hard, soft = made.fingerprint.hard, made.fingerprint.soft
    gpus_there = tuple(Gpu(model, 2**36) for model in gpus)
    facts = replace(
        made.fingerprint,
        hard=replace(hard, cpu_model=cpu, gpus=gpus_there),
        soft=replace(soft, kernel="6.1"),
    )
    return replace(made, id=name.removeprefix("node-"), fingerprint=facts)

"""Nodes as a cluster tells them, for tests."""

from collections.abc import Mapping

from benchmarks.cluster import Node
from benchmarks.fingerprint import Fingerprint, Hard, Soft
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
    hard = Hard(
        architecture="x86_64",
        cpu_model=cpu,
        usable_cpus=cores,
        physical_cores=cores,
        smt=False,
        cpu_quota=None,
        memory_bytes=2**34,
        gpus=tuple(Gpu(model, 2**36) for model in gpus),
        container=None,
    )
    soft = Soft(
        kernel="6.1",
        microcode=None,
        is_virtual=True,
        governor=None,
        boost=None,
        base_mhz=None,
        max_mhz=None,
        numa_nodes=1,
        huge_pages=None,
        swap_bytes=0,
        gpu_driver=None,
        gpus=(),
        packages={},
        locks={},
        images={},
        git=None,
        host=None,
    )
    identity = name.removeprefix("node-")
    return Node(identity, name, Fingerprint(hard, soft), cores, dict(refusals or {}))

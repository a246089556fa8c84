"""Nodes and launches made up: what a simulated cluster is of, and what it measures."""

import itertools
import math
import random
import time
from collections.abc import Callable, Mapping

from benchmarks.cluster import Node, Order
from benchmarks.fingerprint import Fingerprint, Hard, Soft
from benchmarks.gpu_facts import Gpu
from benchmarks.launchers import Settings
from benchmarks.measure import Step
from benchmarks.settling import Effort
from histocnn.job import Job
from histocnn.measurement import CoresSeen, Epoch, Launch, Phases, Round

#: Shares of a launch's wall time that its phases outside of epochs have.
_PHASES = {
    "start_seconds": 0.02,
    "import_seconds": 0.2,
    "data_seconds": 0.01,
    "build_seconds": 0.03,
    "end_seconds": 0.02,
}
_COMPILING = 0.12
_SCATTER = 0.01  # standard deviation of the log-time from epoch to epoch
_NAPS = 0.5  # standard deviation of the log-time that cases are slept through


def node(
    name: str,
    *,
    cpu: str = "Simulated CPU",
    cores: int = 16,
    gpu: str | None = None,
    refusals: Mapping[Job, str] | None = None,
) -> Node:
    """A node of the type that ``cpu``, ``cores`` and ``gpu`` make; its id is its name.

    ``refusals`` as those of `Node`.
    """
    hard = Hard(
        architecture="x86_64",
        cpu_model=cpu,
        usable_cpus=cores,
        physical_cores=cores,
        smt=False,
        cpu_quota=None,
        memory_bytes=64 * 2**30,
        gpus=() if gpu is None else (Gpu(gpu, 16 * 2**30),),
        container=None,
    )
    soft = Soft(
        kernel=None,
        microcode=None,
        is_virtual=None,
        governor=None,
        boost=None,
        base_mhz=None,
        max_mhz=None,
        numa_nodes=None,
        huge_pages=None,
        swap_bytes=None,
        gpu_driver=None,
        gpus=(),
        packages={},
        locks={},
        images={},
        git=None,
        host=None,
    )
    return Node(name, name, Fingerprint(hard, soft), cores, dict(refusals or {}))


def launch(
    job: Job,
    effort: Effort,
    seconds: float,
    launched: dict[str, str],
    chance: random.Random,
) -> Launch:
    """A launch that took ``seconds``, about two thirds of them in its epochs.

    Nothing disturbed it. ``launched`` says where it was, as `Launch` has it.
    """
    weights = [math.exp(chance.gauss(0, _SCATTER)) for _ in range(1 + effort.rounds)]
    outside = {name: share * seconds for name, share in _PHASES.items()}
    compiling = _COMPILING * seconds
    training = seconds - sum(outside.values()) - compiling
    warm_up, *rounds = [
        _epoch(job, number, training * weight / sum(weights))
        for number, weight in enumerate(weights)
    ]
    return Launch(
        phases=Phases(
            first_seconds=compiling + warm_up.seconds,
            steady_seconds=sum(each.seconds for each in rounds),
            **outside,
        ),
        warm_up=warm_up,
        rounds=tuple(map(Round.of, rounds)),
        weights_moved=0.01,
        peak_rss_bytes=2**29,
        cores=CoresSeen(tuple(range(job.cores)), job.cores, job.cores, ()),
        device_name=f"simulated {job.device}",
        versions={},
        launched=launched,
        wall_seconds=seconds,
    )


def at_once(
    order: Order, settings: Settings, on_step: Callable[[Step], None]
) -> Launch:
    """A launch that takes no time at all, for a node's side of a cluster."""
    del settings, on_step
    return launch(order.job, order.effort, 1.0, {}, random.Random(order.ticket))


def asleep(order: Order, settings: Settings, on_step: Callable[[Step], None]) -> Launch:
    """A launch that a node sleeps through: a second or so, by its case."""
    del settings, on_step
    seconds = math.exp(random.Random(order.job.id).gauss(0, _NAPS))
    time.sleep(seconds)
    return launch(order.job, order.effort, seconds, {}, random.Random(order.ticket))


def _epoch(job: Job, number: int, seconds: float) -> Epoch:
    """Epoch ``number`` of a launch, the warm-up being number 0."""
    return Epoch(
        seconds=seconds,
        images_per_second=job.images / seconds,
        cpu_seconds=seconds * job.cores,
        loss=0.69 * 0.95**number,
        accuracy=1 - 0.5 * 0.95**number,
        compilations=1 if number == 0 else 0,
    )


def steps(made: Launch, number: int) -> list[tuple[float, Step]]:
    """What ``made``, the ``number``-th launch, tells, and after how many seconds."""
    epochs = [made.warm_up, *made.rounds]
    ends = list(itertools.accumulate(epoch.seconds for epoch in epochs))
    opened = made.wall_seconds - made.phases.end_seconds - ends[-1]
    told = [(0.0, Step(number, 0, "opening"))]
    for at, (epoch, end) in enumerate(zip(epochs, ends, strict=True), start=1):
        text = f"{epoch.seconds:.3g} s/epoch"
        told.append((opened + end, Step(number, at, text)))
    return told

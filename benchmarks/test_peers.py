"""Engines against the same network written by hand: what Keras costs, if anything.

The two are measured by turns, so that drift hits both, from the same weights, on the
same images in the same order. ``--launches``, ``--rounds``, ``--devices``,
``--engines``, ``--loops`` and ``--precision-mode`` change what is measured; the sizes
are fixed. It takes half an hour on two cores, and runs only where its file is named.
"""

import math
import statistics
from typing import Any

import pytest

from benchmarks.failing import skip_without
from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.settling import half_width
from benchmarks.turns import Turns, replay
from histocnn import peers
from histocnn.job import DEVICES, Job

STOPWATCH = Stopwatch()
CASES = ((32, 10), (128, 50), (200, 50))  # px, images a step
LAUNCHES = 5  # of each, by turns
ROUNDS = {"cpu": 3, "cuda": 30}  # an epoch takes seconds here, milliseconds there


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each peer, device, precision and size, and each loop beside it."""
    option, grid = metafunc.config.getoption, suite_of(metafunc.config).grid
    axes = {
        "engine": grid.engines if option("engines") else peers.names(),
        "device": grid.devices if option("devices") else DEVICES,
        "precision": grid.precision_mode,
        # The peer is always there.
        "loop": tuple(loop for loop in grid.loops if loop != "peer" and option("loops"))
        or ("fused",),
    }
    metafunc.parametrize("size,batch", CASES)
    for name, values in axes.items():
        metafunc.parametrize(name, values)


# A case that failed has nothing to replay; its own line is enough.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.benchmark(timer=STOPWATCH)
def test_engine_beside_its_peer(
    benchmark: Any,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    device: str,
    precision: str,
    size: int,
    batch: int,
    loop: str,
) -> None:
    """Rounds are the launches' median epochs of ``loop``.

    ``extra_info`` holds both measurements, and the ratio of their throughputs with its
    95 % interval over the launches' pairs; the ratio is printed too.
    """
    suite = suite_of(pytestconfig)
    jobs = {
        name: Job(
            engine=engine,
            device=device,
            size=size,
            batch=batch,
            cnmem=None if device == "cpu" else "1",
            cores=suite.launcher.cores(),
            dataset=suite.dataset_label,
            loop=name,
            precision=precision,
            gpu_memory=suite.gpu_memory(device),
        )
        for name in (loop, "peer")
    }
    skip_without(suite.launcher, *jobs.values())
    turns = Turns(pytestconfig, LAUNCHES, ROUNDS[device])
    measured = turns.measure(
        jobs, lambda name, effort: suite.launch(jobs[name], effort)
    )
    pairs = [
        peer.median_seconds / ours.median_seconds
        for ours, peer in zip(
            measured[loop].launches, measured["peer"].launches, strict=True
        )
        if ours.counted and peer.counted
    ]
    ratio, low, high = geometric_mean(pairs)
    benchmark.extra_info["throughput_over_peer"] = [ratio, low, high]
    benchmark.group = f"peers-{jobs['peer'].id}"
    speeds = [
        f"{name} {jobs[name].images / each.median_seconds:,.0f} images/s"
        for name, each in measured.items()
    ]
    with capsys.disabled():
        print(f"\n{jobs[loop].id}: {', '.join(speeds)}: {ratio:.3f}", end="")
        if low is not None:
            print(f" ({low:.3f} to {high:.3f} at 95 %, {len(pairs)} pairs)", end=" ")
    replay(benchmark, STOPWATCH, measured, loop)


def geometric_mean(ratios: list[float]) -> tuple[float, float | None, float | None]:
    """The geometric mean, with its 95 % interval (Student's t on logarithms).

    The interval is None for fewer than three.
    """
    logs = [math.log(ratio) for ratio in ratios]
    mean, half = statistics.fmean(logs), half_width(logs)
    if half is None:
        return math.exp(mean), None, None
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)

"""Engines against the same network written by hand: what Keras costs, if anything.

The two are measured by turns, so that drift hits both, from the same weights, on the
same images in the same order. ``--launches``, ``--rounds``, ``--devices``,
``--engines``, ``--loops`` and ``--precision-mode`` change what is measured; the sizes
are fixed. It takes half an hour on two cores, and runs only where its file is named.
"""

import math
import statistics
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from scipy import stats

from benchmarks.measure import Effort, MeasuringFailed
from benchmarks.plugin import suite_of
from benchmarks.replay import Stopwatch
from histocnn import peers
from histocnn.errors import InputError
from histocnn.job import DEVICES, Job
from histocnn.measurement import Launch, Measurement

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
        )
        for name in (loop, "peer")
    }
    once = bool(pytestconfig.getoption("benchmark_disable"))
    launches = 1 if once else int(pytestconfig.getoption("launches") or LAUNCHES)
    rounds = 1 if once else int(pytestconfig.getoption("rounds") or ROUNDS[device])
    effort = Effort(launches=1, rounds=rounds, timeout=suite.timeout)
    done: dict[str, list[Launch]] = {name: [] for name in jobs}
    problem = ""
    try:
        for job in jobs.values():
            if reason := suite.launcher.missing(job):
                pytest.skip(reason)
        for name in _by_turns(list(jobs), launches):
            measured_one = suite.measure(jobs[name], effort, lambda step: None)
            done[name] += measured_one.launches
    except (MeasuringFailed, InputError) as error:
        problem = str(error)
    if problem:  # not where it was caught: pytest would print the chain behind it
        pytest.fail(f"{jobs[loop].id}: {problem}", pytrace=False)
    measured = {name: Measurement(jobs[name], tuple(done[name])) for name in jobs}
    pairs = [
        peer.median_seconds / ours.median_seconds
        for ours, peer in zip(done[loop], done["peer"], strict=True)
    ]
    ratio, low, high = geometric_mean(pairs)
    benchmark.extra_info["by_turns"] = msgspec.to_builtins(measured)
    benchmark.extra_info["throughput_over_peer"] = [ratio, low, high]
    benchmark.group = f"peers-{jobs['peer'].id}"
    speeds = [
        f"{name} {jobs[name].images / each.median_seconds:,.0f} images/s"
        for name, each in measured.items()
    ]
    with capsys.disabled():
        print(f"\n{jobs[loop].id}: {', '.join(speeds)}: {ratio:.3f}", end="")
        if low is not None:
            print(f" ({low:.3f} to {high:.3f} at 95 %, {launches} pairs)", end=" ")
    seconds = [launch.median_seconds for launch in done[loop]]
    benchmark.pedantic(STOPWATCH.advance, rounds=STOPWATCH.load(seconds))


def _by_turns(names: list[str], launches: int) -> Iterator[str]:
    """First and second in turn change places: neither is always first."""
    for number in range(launches):
        yield from names if number % 2 == 0 else reversed(names)


def geometric_mean(ratios: list[float]) -> tuple[float, float | None, float | None]:
    """The geometric mean, with its 95 % interval (Student's t on logarithms).

    The interval is None for fewer than three.
    """
    logs = [math.log(ratio) for ratio in ratios]
    mean = statistics.fmean(logs)
    if len(logs) < 3:
        return math.exp(mean), None, None
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * error
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)

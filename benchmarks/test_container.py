"""What a container costs: the same training case on the machine and in Docker."""

from typing import Any

import msgspec
import pytest

from benchmarks import launchers
from benchmarks.measure import Effort, measure
from benchmarks.replay import Stopwatch
from histocnn.data import DatasetSpec
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement
from histocnn.prepare import prepare

STOPWATCH = Stopwatch()
LAUNCHES = 12  # of each, by turns
JOB = Job(engine="theano", device="cpu", size=64, batch=50, cnmem=None, cores=1)


@pytest.fixture(scope="module")
def by_turns(pytestconfig: pytest.Config) -> dict[str, Measurement]:
    """Launches on the machine and in a container in turn, so that drift hits both."""
    both = {name: launchers.get(name) for name in ("local", "docker")}
    for launcher in both.values():
        if reason := launcher.missing(JOB):
            pytest.skip(reason)
    arrays = prepare(DatasetSpec.parse("tissue").load(), JOB.size, JOB.images)
    effort = Effort(launches=1, rounds=3)
    done: dict[str, list[Launch]] = {name: [] for name in both}
    once = pytestconfig.getoption("benchmark_disable")
    for _ in range(1 if once else LAUNCHES):
        for name, launcher in both.items():
            done[name] += measure(JOB, effort, launcher, arrays).launches
    return {name: Measurement(JOB, tuple(launches)) for name, launches in done.items()}


@pytest.mark.parametrize("launcher", ["local", "docker"])
@pytest.mark.benchmark(group="container", timer=STOPWATCH)
def test_same_case(
    benchmark: Any, by_turns: dict[str, Measurement], launcher: str
) -> None:
    """One round a launch: its median epoch. The ratio of both medians is the cost."""
    measurement = by_turns[launcher]
    rounds = STOPWATCH.load(launch.median_seconds for launch in measurement.launches)
    # Not under the name by which the reporter takes a case of the grid.
    benchmark.extra_info["by_turns"] = msgspec.to_builtins(measurement)
    benchmark.pedantic(STOPWATCH.advance, rounds=rounds)

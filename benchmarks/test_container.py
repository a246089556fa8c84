"""What a container costs: the same training case on the machine and in Docker."""

from typing import Any

import pytest

from benchmarks import launchers
from benchmarks.failing import skip_without
from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.turns import Turns, replay
from histocnn.job import Job
from histocnn.measurement import Measurement

STOPWATCH = Stopwatch()
LAUNCHES, ROUNDS = 12, 3  # of each, by turns
JOB = Job(engine="theano", device="cpu", size=64, batch=50, cnmem=None, cores=1)


@pytest.fixture(scope="module")
def by_turns(pytestconfig: pytest.Config) -> dict[str, Measurement]:
    """Launches on the machine and in a container in turn."""
    suite = suite_of(pytestconfig)
    both = {name: launchers.get(name) for name in ("local", "docker")}
    for launcher in both.values():
        skip_without(launcher, JOB)
    return Turns(pytestconfig, LAUNCHES, ROUNDS).measure(
        dict.fromkeys(both, JOB),
        lambda name, effort: suite.launch(JOB, effort, launcher=both[name]),
    )


@pytest.mark.parametrize("launcher", ["local", "docker"])
@pytest.mark.benchmark(group="container", timer=STOPWATCH)
def test_same_case(
    benchmark: Any, by_turns: dict[str, Measurement], launcher: str
) -> None:
    """One round a launch: its median epoch. The ratio of both medians is the cost."""
    replay(benchmark, STOPWATCH, by_turns, launcher)

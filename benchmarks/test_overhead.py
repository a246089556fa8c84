"""What the suite itself costs beside the training that it measures."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import launchers
from benchmarks.launchers import Launcher
from benchmarks.workers import Worker, worker
from histocnn.job import Job

# Any engine's environment serves: no framework is imported here.
JOB = Job(engine="tensorflow", device="cpu", size=32, batch=10, cnmem=None, cores=1)


@pytest.fixture
def launcher(pytestconfig: pytest.Config) -> Launcher:
    """The launcher of ``--launcher``; without its environment, a skip."""
    chosen = launchers.get(pytestconfig.getoption("launcher"))
    if reason := chosen.missing(JOB):
        pytest.skip(reason)
    return chosen


@pytest.fixture
def idle(launcher: Launcher) -> Iterator[Worker]:
    """A worker that has answered once."""
    with worker(launcher, JOB, timeout=60) as process:
        process.ping()
        yield process


@pytest.mark.benchmark(group="overhead")
def test_round_trip(benchmark: Any, idle: Worker) -> None:
    """A command that does nothing, there and back: what each command adds."""
    benchmark.pedantic(idle.ping, rounds=2000, warmup_rounds=20)


@pytest.mark.benchmark(group="overhead")
def test_start_to_first_reply(benchmark: Any, launcher: Launcher) -> None:
    """A worker from nothing to its first reply and gone: what each launch adds."""

    def start_and_leave() -> None:
        with worker(launcher, JOB, timeout=60) as process:
            process.ping()
            process.leave()

    benchmark.pedantic(start_and_leave, rounds=20, warmup_rounds=1)

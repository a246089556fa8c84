"""What the contention sentinel costs, and what it is worth beside a real CPU hog."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.replay import Stopwatch
from benchmarks.sentinel.meters import Meters
from benchmarks.session import suite_of
from benchmarks.settling import Effort
from benchmarks.turns import Turns, replay
from histocnn import pinning
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement

STOPWATCH = Stopwatch()
LAUNCHES, ROUNDS = 6, 8  # of each, by turns
JOB = Job("tensorflow", "cpu", 64, 50, cnmem=None, cores=1)
#: Burns the case's CPU for a second, rests for two, and so on while its stdin is open.
HOG = """
import os, select, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
while not select.select([sys.stdin], [], [], 2)[0]:
    end = time.monotonic() + 1
    while time.monotonic() < end:
        pass
"""


@pytest.fixture
def meters() -> Iterator[Meters]:
    """All meters of this machine, its GPU left out, beside this very process."""
    opened = Meters(pinning.usable_cpus(), os.getpid())
    yield opened
    opened.close()


@pytest.mark.benchmark(group="sentinel", timer=time.thread_time)
def test_sample(benchmark: Any, meters: Meters) -> None:
    """CPU time of one sample: it is taken ten times a second.

    Back to back, with all of it in the caches; beside training it takes several times
    as long, which `Launch.sentinel_cores` tells.
    """
    benchmark.pedantic(meters.read, rounds=2000, warmup_rounds=20)


@contextlib.contextmanager
def hog() -> Iterator[None]:
    """A process that has the case's CPU for a third of the time."""
    usable = pinning.usable_cpus()
    (cpu,) = pinning.choose(JOB.cores, usable, pinning.cpu_siblings(usable))
    # Its stdin closes with this process, however that ends.
    beast = subprocess.Popen(
        [sys.executable, "-c", HOG, str(cpu)], stdin=subprocess.PIPE
    )
    try:
        yield
    finally:
        beast.kill()
        beast.communicate()


@pytest.fixture(scope="module")
def by_turns(pytestconfig: pytest.Config) -> dict[str, Measurement]:
    """Launches on a quiet machine and beside a hog in turn."""
    suite = suite_of(pytestconfig)
    if reason := suite.launcher.missing(JOB):
        pytest.skip(reason)

    def launch(name: str, effort: Effort) -> Launch:
        with hog() if name == "hogged" else contextlib.nullcontext():
            return suite.launch(JOB, effort)

    turns = Turns(pytestconfig, LAUNCHES, ROUNDS)
    return turns.measure(dict.fromkeys(("quiet", "hogged"), JOB), launch)


@pytest.mark.parametrize("machine", ["quiet", "hogged"])
@pytest.mark.benchmark(group="sentinel-hog", timer=STOPWATCH)
def test_same_case(
    benchmark: Any, by_turns: dict[str, Measurement], machine: str
) -> None:
    """One round a launch: its median epoch. Both medians should be the same.

    ``extra_info`` has the rounds that were disturbed, and how long they took.
    """
    replay(benchmark, STOPWATCH, by_turns, machine)

"""What the suite's settings are worth to Theano on the CPU, against the plain ones.

Plain is what comes of setting Theano up as its documentation says: optimised C++ for
this CPU, as many BLAS threads as cores, all else at its default.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import launchers
from benchmarks.measure import Effort, measure
from benchmarks.replay import Stopwatch
from histocnn import pinning
from histocnn.data import DatasetSpec
from histocnn.engines import theano
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement
from histocnn.prepare import prepare

STOPWATCH = Stopwatch()
LAUNCHES = 5  # of each, by turns
SIZES = {64: 20, 200: 50}  # px: batch

Environment = Callable[[Job, Path], dict[str, str]]
SUITE: Environment = theano.environment
#: Of the suite's flags those that say what is trained, and where, not how.
KEPT_FLAGS = ("device", "floatX", "base_compiledir")


def plain(job: Job, cache: Path) -> dict[str, str]:
    """The suite's variables without its tuning, and with a compile cache of its own.

    BLAS then has the threads of `histocnn.pinning.environment`: one a core.
    """
    variables = SUITE(job, cache / "plain")
    flags = variables["THEANO_FLAGS"].split(",")
    kept = [flag for flag in flags if flag.partition("=")[0] in KEPT_FLAGS]
    return {
        name: value
        for name, value in variables.items()
        if not name.startswith(("MALLOC_", "GLIBC_", "GOMP_", "OMP_", "OPENBLAS_"))
    } | {"THEANO_FLAGS": ",".join(kept)}


SETUPS: dict[str, Environment] = {"plain": plain, "suite": SUITE}


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size}px")
def by_turns(request: pytest.FixtureRequest) -> dict[str, Measurement]:
    """Launches of either set-up in turn, so that drift hits both."""
    size = request.param
    cores = len(pinning.usable_cpus())
    job = Job("theano", "cpu", size, SIZES[size], cnmem=None, cores=cores)
    launcher = launchers.get("local")
    if reason := launcher.missing(job):
        pytest.skip(reason)
    arrays = prepare(DatasetSpec.parse("tissue").load(), size, job.images)
    effort = Effort(launches=1, rounds=3)
    done: dict[str, list[Launch]] = {name: [] for name in SETUPS}
    once = request.config.getoption("benchmark_disable")
    for _ in range(1 if once else LAUNCHES):
        for name, environment in SETUPS.items():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(theano, "environment", environment)
                done[name] += measure(job, effort, launcher, arrays).launches
    return {name: Measurement(job, tuple(launches)) for name, launches in done.items()}


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.benchmark(group="theano-setup", timer=STOPWATCH)
def test_same_case(
    benchmark: Any, by_turns: dict[str, Measurement], setup: str
) -> None:
    """One round a launch: its median epoch. The ratio of medians is the gain."""
    measurement = by_turns[setup]
    rounds = STOPWATCH.load(launch.median_seconds for launch in measurement.launches)
    # Not under the name by which the reporter takes a case of the grid.
    benchmark.extra_info["by_turns"] = msgspec.to_builtins(measurement)
    benchmark.pedantic(STOPWATCH.advance, rounds=rounds)

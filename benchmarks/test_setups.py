"""What the suite's settings are worth to Theano on the CPU, against the plain ones.

Plain is what comes of setting Theano up as its documentation says: optimised C++ for
this CPU, as many BLAS threads as cores, all else at its default.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.settling import Effort
from benchmarks.turns import Turns, replay
from histocnn.engines import theano
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement

STOPWATCH = Stopwatch()
LAUNCHES, ROUNDS = 5, 3  # of each, by turns
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
    # A comma within a flag's value is escaped; none of those kept has one.
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
    """Launches of either set-up in turn."""
    suite, size = suite_of(request.config), request.param
    cores = suite.launcher.cores()
    job = Job("theano", "cpu", size, SIZES[size], cnmem=None, cores=cores)
    if reason := suite.launcher.missing(job):
        pytest.skip(reason)

    def launch(setup: str, effort: Effort) -> Launch:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(theano, "environment", SETUPS[setup])
            return suite.launch(job, effort)

    turns = Turns(request.config, LAUNCHES, ROUNDS)
    return turns.measure(dict.fromkeys(SETUPS, job), launch)


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.benchmark(group="theano-setup", timer=STOPWATCH)
def test_same_case(
    benchmark: Any, by_turns: dict[str, Measurement], setup: str
) -> None:
    """One round a launch: its median epoch. The ratio of medians is the gain."""
    replay(benchmark, STOPWATCH, by_turns, setup)

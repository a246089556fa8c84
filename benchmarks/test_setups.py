"""What the variables that the suite sets for an engine are worth, against others.

Plain is what comes of setting the engine up as its documentation says: Theano with
optimised C++ for this CPU and as many BLAS threads as cores, PyTorch as installed.
``--engines``, ``--devices``, ``--launches`` and ``--rounds`` change what is measured;
sizes are fixed. All set-ups of a case are trained by turns, whichever ``-k`` selects.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.failing import skip_without
from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.settling import Effort
from benchmarks.turns import Turns, replay
from histocnn import engines
from histocnn.engines import theano, torch
from histocnn.job import DEVICES, Job
from histocnn.measurement import Launch, Measurement

STOPWATCH = Stopwatch()
LAUNCHES, ROUNDS = 5, 3  # of each, by turns
SIZES = {64: 20, 200: 50}  # px: batch

Environment = Callable[[Job, Path], dict[str, str]]
#: As the engines have them: while one is measured, another may stand in its place.
THEANO: Environment = theano.environment
TORCH: Environment = torch.environment
#: Of the suite's flags those that say what is trained, and where, not how.
KEPT_FLAGS = ("device", "floatX", "base_compiledir")
#: Variables that tune; the rest says what is trained and where files lie.
TUNING = ("MALLOC_", "GLIBC_", "GOMP_", "OMP_", "OPENBLAS_")


def plain_theano(job: Job, cache: Path) -> dict[str, str]:
    """The suite's variables without its tuning, and with a compile cache of its own.

    BLAS then has the threads of `histocnn.pinning.environment`: one a core.
    """
    variables = THEANO(job, cache / "plain")
    # A comma within a flag's value is escaped; none of those kept has one.
    flags = variables["THEANO_FLAGS"].split(",")
    kept = [flag for flag in flags if flag.partition("=")[0] in KEPT_FLAGS]
    return _without(variables, *TUNING) | {"THEANO_FLAGS": ",".join(kept)}


def plain_torch(job: Job, cache: Path) -> dict[str, str]:
    """The suite's variables without its tuning."""
    return _without(TORCH(job, cache), *TUNING)


def passive_torch(job: Job, cache: Path) -> dict[str, str]:
    """The suite's, and a thread without work sleeps at once, on a CPU too."""
    return TORCH(job, cache) | {"OMP_WAIT_POLICY": "PASSIVE"}


def spinning_torch(job: Job, cache: Path) -> dict[str, str]:
    """The suite's, but that threads wait actively at first, GNU OpenMP's default."""
    return _without(TORCH(job, cache), "OMP_WAIT_POLICY")


def _without(variables: dict[str, str], *prefixes: str) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if not name.startswith(prefixes)
    }


SETUPS: Mapping[tuple[str, str], Mapping[str, Environment]] = {
    ("theano", "cpu"): {"plain": plain_theano, "suite": THEANO},
    ("torch", "cpu"): {"plain": plain_torch, "suite": TORCH, "passive": passive_torch},
    ("torch", "cuda"): {"suite": TORCH, "spinning": spinning_torch},
}


class Compared(NamedTuple):
    """What is trained under each of its set-ups."""

    engine: str
    device: str
    size: int = 0  # px; 0 where there is nothing to compare

    def __str__(self) -> str:
        """As it stands in a test's id."""
        size = f"-{self.size}px" if self.size else ""
        return f"{self.engine}-{self.device}{size}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each engine, device and size, and each set-up of theirs."""
    option, grid = metafunc.config.getoption, suite_of(metafunc.config).grid
    known = tuple(dict.fromkeys(engine for engine, _ in SETUPS))
    cells = [
        cell
        for engine in (grid.engines if option("engines") else known)
        for device in (grid.devices if option("devices") else _devices(engine))
        for cell in _cells(engine, device)
    ]
    metafunc.parametrize("by_turns,setup", cells, indirect=["by_turns"], ids=str)


def _devices(engine: str) -> tuple[str, ...]:
    """Those on which ``engine`` has set-ups to compare, or all."""
    return tuple(each for each in DEVICES if (engine, each) in SETUPS) or DEVICES


def _cells(engine: str, device: str) -> list[Any]:
    """Each size under each set-up; where there is one set-up alone, a skip."""
    setups = SETUPS.get((engine, device))
    if setups is None:
        reason = f"{engine} on {device} has no set-up but the suite's"
        alone = (Compared(engine, device), "suite")
        return [pytest.param(*alone, marks=pytest.mark.skip(reason=reason))]
    return [(Compared(engine, device, size), each) for size in SIZES for each in setups]


@pytest.fixture(scope="module")
def shared() -> dict[Compared, dict[str, Measurement] | BaseException]:
    """What was measured, by what was trained, or why nothing was.

    A fixture's own cache does not serve: an indirect parameter beside a direct one
    gives it the scope of one test.
    """
    return {}


@pytest.fixture
def by_turns(
    request: pytest.FixtureRequest,
    shared: dict[Compared, dict[str, Measurement] | BaseException],
) -> dict[str, Measurement]:
    """Launches of each set-up in turn, made for the first test that asks."""
    compared: Compared = request.param
    if compared not in shared:
        try:
            shared[compared] = _measure(compared, request.config)
        except (pytest.fail.Exception, pytest.skip.Exception) as why:
            shared[compared] = why
    found = shared[compared]
    if isinstance(found, BaseException):
        raise found
    return found


def _measure(compared: Compared, config: pytest.Config) -> dict[str, Measurement]:
    """Train what is to be compared; return each set-up's launches, by its name."""
    suite = suite_of(config)
    job = Job(
        engine=compared.engine,
        device=compared.device,
        size=compared.size,
        batch=SIZES[compared.size],
        cnmem=None if compared.device == "cpu" else "1",
        cores=suite.launcher.cores(),
        dataset=suite.dataset_label,
    )
    skip_without(suite.launcher, job)
    setups = SETUPS[compared.engine, compared.device]

    def launch(setup: str, effort: Effort) -> Launch:
        with pytest.MonkeyPatch.context() as patch:
            engine = engines.get(compared.engine)
            patch.setattr(engine, "environment", setups[setup])
            return suite.launch(job, effort)

    return Turns(config, LAUNCHES, ROUNDS).measure(dict.fromkeys(setups, job), launch)


@pytest.mark.benchmark(timer=STOPWATCH)
def test_same_case(
    benchmark: Any,
    request: pytest.FixtureRequest,
    by_turns: dict[str, Measurement],
    setup: str,
) -> None:
    """One round a launch: its median epoch. The ratio of medians is the gain.

    ``extra_info`` holds the variables beside all measurements.
    """
    job = by_turns[setup].job
    variables = SETUPS[job.engine, job.device][setup](job, Path("$HISTOCNN_CACHE"))
    benchmark.extra_info["variables"] = variables
    benchmark.group = f"setups-{request.node.callspec.params['by_turns']}"
    replay(benchmark, STOPWATCH, by_turns, setup)

"""The memory frontier: the largest batch that a GPU trains, for each size and pool.

Cases are engine × size × cnmem × loop × precision of the grid, on the GPU. Each batch
is tried in a fresh process: two epochs of one step. ``--gpu-memory 4096MB`` shows the
frontier of a small card on a large one. It runs only where its file is named, some 6
processes a case.
"""

from typing import Any

import psutil
import pytest

from benchmarks import gpu_memory
from benchmarks.failing import in_a_line
from benchmarks.frontier import Frontier, guess, most_images
from benchmarks.kernel_facts import Kernel
from benchmarks.probes import Probe, Prober, in_words, record, untimed
from benchmarks.replay import Stopwatch, no_time
from benchmarks.saving import keep_outcome
from benchmarks.session import suite_of
from benchmarks.settling import settle
from benchmarks.suite import Suite
from histocnn.job import Job
from histocnn.measurement import Measurement, Stopped
from histocnn.memory import MEBIBYTE

STOPWATCH = Stopwatch()
AXES = ("engine", "loop", "precision", "cnmem", "size")
_UNKNOWN_GPU = 4096 * MEBIBYTE  # for the first guess, where nobody tells its memory


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each engine, loop, precision, pool and size; neighbours in a row."""
    suite = suite_of(metafunc.config)
    grid = suite.grid
    cases = [
        _case(suite, engine, loop, precision, cnmem, size)
        for engine in grid.engines
        for loop in grid.loops
        for precision in grid.precision_mode
        for cnmem in grid.cnmem
        for size in grid.sizes
    ]
    metafunc.parametrize(
        AXES,
        [
            pytest.param(*(getattr(case, axis) for axis in AXES), id=_name(case))
            for case in cases
        ],
    )


def _case(
    suite: Suite, engine: str, loop: str, precision: str, cnmem: str, size: int
) -> Job:
    """The case as a job of one image."""
    return Job(
        engine=engine,
        device="cuda",
        size=size,
        batch=1,
        cnmem=cnmem,
        cores=suite.launcher.cores(),
        images=1,
        dataset=suite.dataset_label,
        loop=loop,
        precision=precision,
        gpu_memory=suite.gpu_memory("cuda"),
    )


def _name(case: Job) -> str:
    """The case's id without its batch, which is what is looked for."""
    return case.id.replace(f"-b{case.batch}-", "-", 1)


@pytest.fixture(scope="module")
def known() -> dict[Job, int]:
    """The largest batches found so far, by case: where to begin with the next."""
    return {}


# A case that failed has nothing to replay; its own line is enough.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.benchmark(group="frontier", timer=STOPWATCH)
def test_largest_batch(
    benchmark: Any,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    known: dict[Job, int],
    engine: str,
    loop: str,
    precision: str,
    cnmem: str,
    size: int,
) -> None:
    """Its only round is the largest batch's second epoch, of one step.

    ``extra_info["frontier"]`` holds what was found, each batch that was tried, and the
    largest one's launch. Where not even one image trains that is the result; having no
    time, it is saved among the file's outcomes. A case fails where a batch comes to
    anything else than training or a want of memory.
    """
    suite = suite_of(pytestconfig)
    case = _case(suite, engine, loop, precision, cnmem, size)
    found = _found(suite, case, known)
    known[case] = found.largest.batch if found.largest else 0
    measurement = _measurement(found.largest)
    with capsys.disabled():
        print(f"\n{_name(case)}: {in_words(found, measurement)}", end=" ")
    if measurement is None:
        facts = untimed(found)
        facts["launched"] = suite.launched_as(case) | facts["launched"]
        keep_outcome(pytestconfig, benchmark, facts)
        no_time(benchmark)
        return
    benchmark.extra_info["frontier"] = record(found, measurement)
    rounds = STOPWATCH.load([measurement.median_seconds])
    benchmark.pedantic(STOPWATCH.advance, rounds=rounds)


def _found(suite: Suite, case: Job, known: dict[Job, int]) -> Frontier[Probe]:
    """The frontier of ``case``; skipped where it cannot run here, failed in a line."""
    host = psutil.virtual_memory().available
    limits = suite.settings.memory_bytes, Kernel().memory_limit
    prober = Prober(suite, case, most_images(case, host, *limits))
    with in_a_line(_name(case)):
        if reason := suite.launcher.missing(case):
            pytest.skip(reason)
        return prober.search(guess(case, known, _gpu_bytes(suite, case)))


def _measurement(largest: Probe | None) -> Measurement | None:
    """Of the largest batch's only launch; None where there is no such batch."""
    if largest is None or largest.launch is None:
        return None
    return settle(largest.job, [largest.launch], Stopped("fixed"))


def _gpu_bytes(suite: Suite, case: Job) -> int:
    """What the GPU has, or is made to have."""
    if case.gpu_memory is not None:
        return case.gpu_memory * MEBIBYTE
    state = gpu_memory.read(suite.launcher.GPU)
    return _UNKNOWN_GPU if state is None else state.total

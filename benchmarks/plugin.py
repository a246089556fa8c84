"""The pytest plugin: options, the parametrised case, progress, facts of the machine."""

import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from benchmarks import axes, environments, launchers
from benchmarks.launchers import Settings, parse_size
from benchmarks.measure import MeasuringFailed
from benchmarks.progress import Reporter
from benchmarks.suite import DEFAULT_DATASET, Suite
from histocnn import data, engines, pinning
from histocnn.errors import InputError
from histocnn.job import DEVICES, PRECISIONS, Job
from histocnn.measurement import Measurement

#: The parameters of a training case, in the order of its id.
PARAMETERS = (
    *("engine", "device", "size", "batch", "cnmem", "cores"),
    *("loop", "precision"),
)

_HELP = {
    "engines": f"comma list of {', '.join(engines.names())}",
    "devices": f"comma list of {', '.join(DEVICES)}",
    "sizes": "comma list of image sides, px",
    "batches": "comma list of batch sizes, images a step",
    "cnmem": "comma list of GPU memory pools: 0 (none), a fraction, MB, grow, async",
    "cores": "comma list of CPU core counts",
    "loops": "comma list of fit (Keras' own), fused (compiled epochs), peer (by hand)",
    "precision_mode": f"comma list of {', '.join(PRECISIONS)}",
    "images": "images an epoch; every batch size divides it",
    "launches": "fresh processes a case",
    "rounds": "timed epochs a launch, behind one warm-up epoch",
}

#: Each takes a quarter of an hour or more and answers a question of its own.
_ONLY_NAMED = ("test_peers.py", "test_theano_setup.py")

_suite = pytest.StashKey[Suite]()
_reporter = pytest.StashKey[Reporter]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's own options, in a group of their own."""
    group = parser.getgroup("histocnn", "what to measure (histocnn)")
    group.addoption(
        "--grid",
        default="quick",
        metavar="PRESET",
        help=f"preset of all axes: {', '.join(axes.PRESETS)} (default: quick)",
    )
    for name in axes.OPTIONS:
        metavar = "N" if name in ("images", "launches", "rounds") else "LIST"
        group.addoption(axes.flag(name), metavar=metavar, help=_HELP[name])
    group.addoption(
        "--dataset",
        metavar="NAME[:PATH][?KEY=VALUE]",
        help=f"one of {', '.join(data.names())} (default: {DEFAULT_DATASET})",
    )
    group.addoption(
        "--launcher",
        default="local",
        metavar="NAME",
        help=f"where workers start: {', '.join(launchers.names())} (default: local)",
    )
    group.addoption(
        "--memory-limit",
        metavar="SIZE",
        help="most memory a worker may use, e.g. 4GB (launcher docker)",
    )
    group.addoption(
        "--image",
        metavar="NAME",
        help="container image in place of the suite's own (launcher docker)",
    )
    group.addoption(
        "--interpreter",
        action="append",
        default=[],
        metavar="ENV=PATH",
        help="a Python (3.11 or newer) of your own in place of an environment, one of "
        f"{', '.join(environments.names())}; once an environment (launcher local)",
    )
    group.addoption(
        "--timeout",
        default="600",
        metavar="SECONDS",
        help="how long a worker may take for one answer (default: 600)",
    )


def suite_of(config: pytest.Config) -> Suite:
    """The session's suite."""
    return config.stash[_suite]


def pytest_configure(config: pytest.Config) -> None:
    """Look now at the folder that pytest-benchmark writes to after hours of cases."""
    target = config.getoption("benchmark_json", None)
    folder = Path(str(target or "here")).absolute().parent
    if not folder.is_dir():
        raise pytest.UsageError(
            f"--benchmark-json: there is no folder {folder}; make it first"
        )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the long comparisons out unless the command line names their file."""
    named = any(collection_path.name in argument for argument in config.args)
    return True if collection_path.name in _ONLY_NAMED and not named else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Make the suite before anything is collected: a bad option costs one line."""
    option = session.config.getoption
    # What is finished is saved then, and the terminal put in order.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    try:
        session.config.stash[_suite] = Suite(
            grid=option("grid"),
            overrides={name: option(name) for name in axes.OPTIONS},
            dataset=option("dataset"),
            launcher=option("launcher"),
            settings=Settings(
                parse_size(option("memory_limit")),
                option("image"),
                environments.parse_interpreters(option("interpreter")),
            ),
            timeout=option("timeout"),
        )
    except InputError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes ``job`` the grid's cases.

    The axes are parameters of their own, so that the saved JSON holds them one by one
    and `--benchmark-group-by=param:size` works.
    """
    if "job" not in metafunc.fixturenames:
        return
    metafunc.parametrize(
        PARAMETERS,
        [
            pytest.param(
                *(getattr(case.job, name) for name in PARAMETERS),
                id=case.job.id,
                marks=[pytest.mark.skip(reason=case.skip)] if case.skip else [],
            )
            for case in suite_of(metafunc.config).cases
        ],
    )


@pytest.fixture
def suite(pytestconfig: pytest.Config) -> Suite:
    """What this session measures."""
    return suite_of(pytestconfig)


@pytest.fixture
def job(
    suite: Suite,
    engine: str,
    device: str,
    size: int,
    batch: int,
    cnmem: str | None,
    cores: int,
    loop: str,
    precision: str,
) -> Job:
    """The case's job."""
    values = (engine, device, size, batch, cnmem, cores, loop, precision)
    return suite.job(dict(zip(PARAMETERS, values, strict=True)))


def _is_case(item: pytest.Item) -> bool:
    return "job" in getattr(item, "fixturenames", ())


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know what will run, and take over the lines of the cases from pytest's dots."""
    items = [item for item in session.items if _is_case(item)]
    config = session.config
    if not items or config.option.collectonly:
        return
    suite = suite_of(config)
    jobs = [
        suite.job({name: item.callspec.params[name] for name in PARAMETERS})
        for item in items
        if isinstance(item, pytest.Function) and not item.get_closest_marker("skip")
    ]
    # The stream that pytest itself writes to once capturing is suspended.
    console = Console(file=sys.__stdout__, soft_wrap=True)
    effort = suite.effort(once=config.getoption("benchmark_disable"))
    config.stash[_reporter] = Reporter(console, jobs, effort)
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and config.option.verbose <= 0:
        terminal.showfspath = False


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """Print no letter for a case: its own line says more."""
    is_case = getattr(report, "is_histocnn_case", False)
    if not is_case or _reporter not in config.stash:
        return None
    if report.when == "call" or report.outcome == "skipped":
        return report.outcome, "", report.outcome.upper()
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the reports of cases for `pytest_report_teststatus`."""
    report = yield
    report.is_histocnn_case = _is_case(item)  # type: ignore[attr-defined]
    return report


class Measuring:
    """Measures one case in front of the person who waits for it."""

    def __init__(self, config: pytest.Config, job: Job) -> None:
        """For ``job``, shown where ``config`` has its terminal."""
        self._config = config
        self._job = job

    def __call__(self, *, once: bool) -> Measurement:
        """Measure, with a line on what came of it; a failure fails the test."""
        suite, reporter = suite_of(self._config), self._config.stash[_reporter]
        with self._terminal():
            try:
                with reporter.running(self._job) as on_step:
                    measured = suite.measure(
                        self._job, suite.effort(once=once), on_step
                    )
            except (MeasuringFailed, InputError) as error:
                problem = str(error)
                first, _, _ = problem.partition("\n")
                reporter.finished(self._job, f"FAILED: {first}")
            else:
                seconds = measured.median_seconds
                reporter.finished(
                    self._job,
                    f"{seconds:.3g} s/epoch, {self._job.images / seconds:.4g} images/s",
                )
                return measured
        # Not where the error was caught: pytest would print the chain behind it.
        pytest.fail(f"{self._job.id}: {problem}", pytrace=False)

    @contextmanager
    def _terminal(self) -> Iterator[None]:
        """Let what is printed through to the terminal, on a line of its own."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            writer = self._config.get_terminal_writer()
            if writer.width_of_current_line:
                writer.line()
            yield


@pytest.fixture
def measuring(pytestconfig: pytest.Config, job: Job) -> Measuring:
    """Call it to measure the case's job."""
    return Measuring(pytestconfig, job)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Store what times depend on, and nothing that names the machine or its user."""
    machine_info.pop("node", None)
    for momentary in ("hz_actual", "hz_actual_friendly"):
        # They differ at each look, and with them each comparison would warn.
        machine_info.get("cpu", {}).pop(momentary, None)
    machine_info["usable_cpus"] = len(pinning.usable_cpus())
    machine_info["memory_bytes"] = psutil.virtual_memory().total

"""Which tests a session has: cases of the grid, and how they show while they run."""

import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import conduct, options, saving
from benchmarks.cluster import plan_text
from benchmarks.cluster.progress import ClusterReporter
from benchmarks.conductor import Conductor, Keeping, Named
from benchmarks.plan import plan
from benchmarks.progress import Reporter
from benchmarks.session import BUDGET, SUITE, suite_of
from benchmarks.suite import DEFAULT_DATASET, Suite
from histocnn.job import Job

#: The parameters of a training case, in the order of its id.
PARAMETERS = (
    *("engine", "device", "size", "batch", "cnmem", "cores"),
    *("loop", "precision", "machine"),
)

_TRAINING = "test_train.py"
#: Each takes a quarter of an hour or more and answers a question of its own.
_ONLY_NAMED = (
    "test_frontier.py",
    "test_peers.py",
    "test_planning.py",
    "test_ray.py",
    "test_setups.py",
)

_OF_THIS_MACHINE = (
    "it measures this machine, and --launcher names a cluster; leave that out for it"
)

_listed = pytest.StashKey[list[Named]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the long comparisons out unless the command line names their file.

    And where a cluster measures, all but the training cases.
    """
    name, suite = collection_path.name, config.stash.get(SUITE, None)
    if any(name in argument for argument in config.args):
        return None
    on_cluster = suite is not None and suite.selection is not None
    of_here = on_cluster and name.startswith("test_") and name != _TRAINING
    return True if of_here or name in _ONLY_NAMED else None


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
def job(  # noqa: PLR0913, PLR0917 - pytest wants each parameter of a case named
    suite: Suite,
    engine: str,
    device: str,
    size: int,
    batch: int,
    cnmem: str | None,
    cores: int,
    loop: str,
    precision: str,
    machine: str | None,
) -> Job:
    """The case's job."""
    values = (engine, device, size, batch, cnmem, cores, loop, precision, machine)
    return suite.job(dict(zip(PARAMETERS, values, strict=True)))


def _trains_on_gpu(item: pytest.Item) -> bool:
    """Whether ``item`` is a GPU case that has a loop; copying (test_load) has none.

    Where the device is no parameter the pool tells, which only a GPU has.
    """
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec is not None else {}
    on_gpu = params.get("device") == "cuda" or params.get("cnmem") is not None
    return "loop" in params and on_gpu


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Where a cluster measures, skip what would be measured here, if it was named."""
    if suite_of(config).selection is None:
        return
    elsewhere = pytest.mark.skip(reason=_OF_THIS_MACHINE)
    for item in items:
        if not conduct.is_case(item) and item.get_closest_marker("cluster") is None:
            item.add_marker(elsewhere)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know what will run, and take over the lines of the cases from pytest's dots."""
    config, suite = session.config, suite_of(session.config)
    capped = suite.settings.gpu_memory is not None and session.items
    if capped and not any(map(_trains_on_gpu, session.items)):
        raise pytest.UsageError(
            "--gpu-memory is for GPU cases, and none is selected; add --devices cuda, "
            "or leave the option out"
        )
    cases = _cases(session)
    if config.option.collectonly:
        config.stash[_listed] = cases
        return
    if not cases:
        return
    jobs = [case.job for case in cases if case.skip is None]
    once = bool(config.getoption("benchmark_disable"))
    # The stream that pytest itself writes to once capturing is suspended.
    console = Console(file=sys.__stdout__, soft_wrap=True)
    reporter = Reporter if suite.selection is None else ClusterReporter
    conductor = Conductor(
        config,
        suite,
        cases,
        reporter(console, jobs, suite.effort(once=once)),
        None if once else _keeping(config, suite, jobs),
        order_seed=suite.order_seed,
        budget=config.stash[BUDGET],
    )
    conduct.install(config, conductor)
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and config.option.verbose <= 0:
        terminal.showfspath = False


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Behind `--collect-only` say how a cluster would measure what was listed."""
    suite, listed = config.stash.get(SUITE, None), config.stash.get(_listed, None)
    if suite is None or suite.selection is None or listed is None:
        return
    jobs = [case.job for case in listed if case.skip is None]
    foreseen = suite.selection.plan(jobs, suite.effort(once=False), suite.order_seed)
    terminalreporter.section("plan")
    for line in plan_text.text(foreseen).splitlines():
        terminalreporter.write_line(line)
    for why, number in Counter(case.skip for case in listed if case.skip).items():
        terminalreporter.write_line(f"skipped, {number}: {why}")


def _cases(session: pytest.Session) -> list[Named]:
    """The cases among what was collected."""
    suite = suite_of(session.config)
    return [
        _named(suite, item)
        for item in session.items
        if isinstance(item, pytest.Function) and conduct.is_case(item)
    ]


def _named(suite: Suite, item: pytest.Function) -> Named:
    """The case that ``item`` is."""
    job = suite.job({name: item.callspec.params[name] for name in PARAMETERS})
    mark = item.get_closest_marker("skip")
    reason = mark.kwargs.get("reason", "") if mark else None
    # As pytest-benchmark names those that have a time.
    return Named(job, item.name, item.nodeid, reason)


def _keeping(config: pytest.Config, suite: Suite, jobs: list[Job]) -> Keeping:
    option = config.getoption
    folder = option("journal")
    return Keeping(
        folder=Path(folder).absolute()
        if folder
        else config.rootpath / options.JOURNALS,
        plan=plan(
            jobs,
            rounds=suite.rounds,
            dataset=option("dataset") or DEFAULT_DATASET,
            launcher=option("launcher"),
            # Not where a cluster answers: it may have moved since.
            settings=replace(suite.settings, address=None),
            order_seed=suite.order_seed,
            machines=_machines(config, suite),
        ),
        resume=option("resume"),
    )


def _machines(config: pytest.Config, suite: Suite) -> list[str]:
    """Digests of the hard facts of what measures."""
    if suite.selection is not None:
        return [machine.digest for machine in suite.selection.machines]
    return [saving.hard_digest(config)]


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """Print no letter for a case: its own line says more."""
    is_case = getattr(report, "is_histocnn_case", False)
    if not is_case or conduct.conductor_of(config) is None:
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
    report.is_histocnn_case = conduct.is_case(item)  # type: ignore[attr-defined]
    return report

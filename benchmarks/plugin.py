"""The pytest plugin: options, the parametrised case, facts of the machine."""

import platform
import signal
import sys
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from rich.console import Console

from benchmarks import (
    axes,
    conduct,
    environments,
    fingerprint,
    gpu_memory,
    launchers,
    options,
    theanorc,
)
from benchmarks.axes import Grid
from benchmarks.ballast import parse_cap
from benchmarks.budget import parse_seconds
from benchmarks.cluster import plan_text
from benchmarks.cluster.progress import ClusterReporter
from benchmarks.conductor import Conductor, Keeping, Named
from benchmarks.launchers import Settings, parse_size
from benchmarks.plan import plan
from benchmarks.privacy import without_names
from benchmarks.progress import Reporter
from benchmarks.suite import DEFAULT_DATASET, Suite
from histocnn import pinning
from histocnn.errors import InputError
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
    "test_theano_setup.py",
)

_OF_THIS_MACHINE = (
    "it measures this machine, and --launcher names a cluster; leave that out for it"
)

_suite = pytest.StashKey[Suite]()
_budget_key = pytest.StashKey[float | None]()
_listed = pytest.StashKey[list[Named]]()
_untimed = pytest.StashKey[list[dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's own options, in a group of their own."""
    options.add(parser.getgroup("histocnn", "what to measure (histocnn)"))


def suite_of(config: pytest.Config) -> Suite:
    """The session's suite."""
    return config.stash[_suite]


def keep_outcome(config: pytest.Config, benchmark: Any, facts: dict[str, Any]) -> None:
    """Have ``facts`` saved among the outcomes, under the names of ``benchmark``.

    For a case that is in no campaign (`Conductor.outcomes`) and has no time.
    """
    names = {name: getattr(benchmark, name) for name in ("name", "fullname", "params")}
    config.stash.setdefault(_untimed, []).append(names | facts)


@pytest.hookimpl(trylast=True)
def pytest_benchmark_update_json(
    config: pytest.Config, output_json: dict[str, Any]
) -> None:
    """Put kept outcomes behind those of a campaign, which `conduct` has put there."""
    if kept := config.stash.get(_untimed, []):
        output_json["outcomes"] = [*output_json.get("outcomes", []), *kept]


def pytest_configure(config: pytest.Config) -> None:
    """Look now at the folder that pytest-benchmark writes to after hours of cases."""
    config.pluginmanager.register(conduct)
    target = config.getoption("benchmark_json", None)
    folder = Path(str(target or "here")).absolute().parent
    if not folder.is_dir():
        raise pytest.UsageError(
            f"--benchmark-json: there is no folder {folder}; make it first"
        )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the long comparisons out unless the command line names their file.

    And where a cluster measures, all but the training cases.
    """
    name, suite = collection_path.name, config.stash.get(_suite, None)
    if any(name in argument for argument in config.args):
        return None
    on_cluster = suite is not None and suite.selection is not None
    of_here = on_cluster and name.startswith("test_") and name != _TRAINING
    return True if of_here or name in _ONLY_NAMED else None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is to be known before GPU cases run, if anything is."""
    option = config.getoption
    try:
        overrides = {name: option(name) for name in axes.OPTIONS}
        grid = axes.select(option("grid"), overrides)
        gpu = launchers.gpu(option("launcher"))
        if option("launcher") not in launchers.names_here():
            return []  # another machine's GPU, and another user's settings
    except InputError:
        return []  # said once the suite is made
    notes = (_pool_note(option("cnmem"), grid), _memory_note(grid, gpu))
    return [note for note in notes if note]


def _pool_note(cnmem: str | None, grid: Grid) -> str | None:
    """What the user's Theano settings ask for, which training does not obey."""
    concerned = "theano" in grid.engines and "cuda" in grid.devices
    if not concerned and not theanorc.asks(cnmem):
        return None
    return theanorc.note(cnmem, grid.cnmem)


def _memory_note(grid: Grid, gpu: Mapping[str, str]) -> str | None:
    """Why nobody looks at the memory of the GPU that workers get."""
    if "cuda" not in grid.devices or (why := gpu_memory.doubt(gpu)) is None:
        return None
    return f"GPU memory is not looked at before a launch: {why}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Make the suite before anything is collected: a bad option costs one line."""
    option = session.config.getoption
    here = option("launcher") in launchers.names_here()
    # What is finished is saved then, and the terminal put in order.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    try:
        session.config.stash[_budget_key] = _budget(option("budget"), here=here)
        session.config.stash[_suite] = Suite(
            grid=option("grid"),
            overrides={name: option(name) for name in axes.OPTIONS},
            dataset=option("dataset"),
            launcher=option("launcher"),
            settings=Settings(
                parse_size(option("memory_limit")),
                option("image"),
                environments.parse_interpreters(option("interpreter"), here=here),
                parse_cap(option("gpu_memory"), launchers.gpu(option("launcher"))),
                option("ray_address"),
                option("machines"),
            ),
            timeout=option("timeout"),
            precision=option("precision"),
            repeats=option("repeats"),
            order_seed=option("order_seed"),
        )
    except InputError as error:
        raise pytest.UsageError(str(error)) from error


def _budget(text: str | None, *, here: bool) -> float | None:
    """Seconds for all launches; None for no limit, and always if not ``here``."""
    budget = parse_seconds(text)
    if budget is not None and not here:
        raise InputError(
            "--budget shares out the time of one machine; with a cluster leave it out, "
            "or limit each case by --time-cap"
        )
    return budget


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back what the suite holds, however the session ended."""
    if (suite := config.stash.get(_suite, None)) is not None:
        suite.close()


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


def _is_case(item: pytest.Item) -> bool:
    return "measured" in getattr(item, "fixturenames", ())


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
        if not _is_case(item) and item.get_closest_marker("cluster") is None:
            item.add_marker(elsewhere)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know what will run, and take over the lines of the cases from pytest's dots."""
    config, suite = session.config, suite_of(session.config)
    if config.option.collectonly:
        config.stash[_listed] = _cases(session)
        return
    capped = suite.settings.gpu_memory is not None and session.items
    if capped and not any(map(_trains_on_gpu, session.items)):
        raise pytest.UsageError(
            "--gpu-memory is for GPU cases, and none is selected; add --devices cuda, "
            "or leave the option out"
        )
    cases = _cases(session)
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
        budget=config.stash[_budget_key],
    )
    conduct.install(config, conductor)
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and config.option.verbose <= 0:
        terminal.showfspath = False


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Behind `--collect-only` say how a cluster would measure what was listed."""
    suite, listed = config.stash.get(_suite, None), config.stash.get(_listed, None)
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
        if isinstance(item, pytest.Function) and _is_case(item)
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
    return [fingerprint.hard_digest(_fingerprint(config.getoption("host_name")).hard)]


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
    report.is_histocnn_case = _is_case(item)  # type: ignore[attr-defined]
    return report


@cache
def _fingerprint(host_name: bool) -> fingerprint.Fingerprint:
    return fingerprint.take(host_name=host_name)


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Store what times depend on, and nothing that names the machine or its user."""
    machine_info.pop("node", None)
    for momentary in ("hz_actual", "hz_actual_friendly"):
        # They differ at each look, and with them each comparison would warn.
        machine_info.get("cpu", {}).pop(momentary, None)
    machine_info["release"] = without_names(platform.release(), environments.ROOT)
    machine_info["usable_cpus"] = len(pinning.usable_cpus())
    machine_info["memory_bytes"] = psutil.virtual_memory().total
    taken = _fingerprint(config.getoption("host_name"))
    conductor = conduct.conductor_of(config)
    if conductor is not None and (images := conductor.images()):
        taken = replace(taken, soft=replace(taken.soft, images=images))
    machine_info["fingerprint"] = msgspec.to_builtins(taken)


def pytest_benchmark_update_commit_info(commit_info: dict[str, Any]) -> None:
    """Leave out what people put their names into."""
    for named in ("branch", "project"):
        commit_info.pop(named, None)


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_compare_machine_info(
    machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Leave to pytest-benchmark's warning only what forbids a comparison.

    Soft facts (git's state, free swap, …) differ at each run, and older files have no
    fingerprint at all. Both are its own copies, made to be compared.
    """
    both = (machine_info, compared_benchmark["machine_info"])
    for each in both:
        for soft in ("release", "memory_bytes"):  # a page more or less of it
            each.pop(soft, None)
    hard = [each.pop("fingerprint", {}).get("hard") for each in both]
    if all(hard):
        for each, facts in zip(both, hard, strict=True):
            each["fingerprint"] = facts

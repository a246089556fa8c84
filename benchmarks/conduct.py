"""The pytest side of a campaign: runs it with the first case, hands each its result.

All cases are measured when the first of them is called, since their launches are
interleaved. The others then only pick up what is theirs. Where the session is broken
off meanwhile (Ctrl-C, SIGTERM, a full disk), cases with a finished launch still pick up
what there is, so that it is saved, and the session then ends as it was to end.
"""

import signal
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import msgspec
import pytest

from benchmarks.conductor import Conductor
from benchmarks.environments import ROOT
from benchmarks.outcomes import CaseOutcome
from benchmarks.privacy import without_folders, without_names
from histocnn.job import Job
from histocnn.measurement import Measurement

_conductor = pytest.StashKey[Conductor]()


def install(config: pytest.Config, conductor: Conductor) -> None:
    """Let ``conductor`` measure this session's cases."""
    config.stash[_conductor] = conductor
    config.pluginmanager.register(Patience())


def conductor_of(config: pytest.Config) -> Conductor | None:
    """The session's conductor; None where no case is to run."""
    return config.stash.get(_conductor, None)


def is_case(item: pytest.Item) -> bool:
    """Whether ``item`` is measured in the campaign: it takes the fixture `measured`."""
    return "measured" in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """End the session as it was to end when its campaign was broken off."""
    conductor = conductor_of(session.config)
    if conductor is not None:
        conductor.open()
    done = yield
    if conductor is not None and conductor.broken_off is not None:
        raise conductor.broken_off
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tell the account how long tests took that are no cases."""
    began = time.monotonic()
    try:
        return (yield)
    finally:
        conductor = conductor_of(item.config)
        if conductor is not None and not is_case(item):
            conductor.other_seconds += time.monotonic() - began


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Once the session is broken off, only what is finished is picked up."""
    conductor = conductor_of(item.config)
    if conductor is None or conductor.broken_off is None:
        return
    if not is_case(item):
        pytest.skip("the session was broken off before")


@pytest.fixture
def measured(pytestconfig: pytest.Config, job: Job) -> Callable[[], Measurement]:
    """Call it for what came of the case; with no time, the test fails or is skipped."""
    conductor = conductor_of(pytestconfig)
    assert conductor is not None, "a case runs, so a campaign was made for it"

    def result() -> Measurement:
        found = conductor.result(job)
        if isinstance(found, CaseOutcome):
            pytest.fail(f"{job.id}: {found.outcome}", pytrace=False)
        if found is None:
            pytest.skip(conductor.why_not(job))
        return found

    return result


@pytest.hookimpl(optionalhook=True)
def pytest_guard_cases(config: pytest.Config) -> list[dict[str, Any]] | None:
    """Tell the guard what will be measured."""
    conductor = conductor_of(config)
    return None if conductor is None else conductor.wanted()


def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: Sequence[Any], output_json: dict[str, Any]
) -> None:
    """Cases without a time are results too, and so is how it all was asked for."""
    # The checkout first: what lies in it may be named.
    words = [without_names(str(each), ROOT) for each in config.invocation_params.args]
    output_json["command"] = " ".join(["pytest", *map(without_folders, words)])
    conductor = conductor_of(config)
    if conductor is not None:
        output_json["outcomes"] = list(conductor.outcomes())
        output_json["account"] = msgspec.to_builtins(conductor.account())
        if (cluster := conductor.cluster_facts()) is not None:
            output_json["cluster"] = cluster


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the journal go once all of it is saved.

    pytest-benchmark saves before this is called, but only where a benchmark ran.
    """
    config = session.config
    conductor, benchmarks = conductor_of(config), config._benchmarksession  # type: ignore[attr-defined]
    if conductor is None:
        return
    if not benchmarks.benchmarks and conductor.has_outcomes:
        _save_outcomes(config, benchmarks)
    conductor.saved(to_file=is_saving(config))
    if isinstance(conductor.broken_off, pytest.exit.Exception):
        _say_now(config)


def is_saving(config: pytest.Config) -> bool:
    """Whether a file of this session is asked for."""
    option = config.getoption
    names = ("json", "save", "autosave")
    return any(option(f"benchmark_{name}", None) for name in names)


def not_saved(config: pytest.Config, error: OSError) -> None:
    """Say that saving failed by ``error``, and keep what would be lost by that."""
    conductor = conductor_of(config)
    writer = config.get_terminal_writer()
    if writer.width_of_current_line:
        writer.line()
    writer.line(f"the results could not be saved: {error}")
    if conductor is None:
        return
    conductor.saved(to_file=False, failed=True)
    if isinstance(conductor.broken_off, pytest.exit.Exception):
        _say_now(config)


class Patience:
    """A plugin of its own around all that happens when a session finishes."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Whoever is impatient with Ctrl-C is not to lose what is being saved."""
        impatient = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return (yield)
        finally:
            signal.signal(signal.SIGINT, impatient)


def _say_now(config: pytest.Config) -> None:
    """Print what is to be known, where pytest shows no summary."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    terminal.ensure_newline()
    pytest_terminal_summary(terminal, config)


def _save_outcomes(config: pytest.Config, benchmarks: Any) -> None:
    """Save a file of outcomes alone, as pytest-benchmark would save one with times."""
    save = benchmarks.save or benchmarks.autosave
    if not save and not benchmarks.json:
        return
    commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    content = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=[],
        include_data=True,
        machine_info=benchmarks.get_machine_info(),
        commit_info=commit,
    )
    config.hook.pytest_benchmark_update_json(
        config=config, benchmarks=[], output_json=content
    )
    if benchmarks.json:
        benchmarks.save_json(content)
    if save:
        benchmarks.storage.save(content, save)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the time went, what did not fit, and how to go on."""
    conductor = conductor_of(config)
    if conductor is None:
        return
    for line in (conductor.account(), conductor.budget_hint, conductor.resume_hint):
        if line:
            terminalreporter.write_line(str(line))

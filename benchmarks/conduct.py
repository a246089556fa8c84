"""The pytest side of a campaign: runs it with the first case, hands each its result.

All cases are measured when the first of them is called, since their launches are
interleaved. The others then only pick up what is theirs. Where the session is broken
off meanwhile (Ctrl-C, SIGTERM, a full disk), cases with a finished launch still pick up
what there is, so that it is saved, and the session then ends as it was to end.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from benchmarks.account import Account, account
from benchmarks.campaign import Campaign
from benchmarks.journal import Journal, JournalFailed, describe_other
from benchmarks.outcomes import CaseOutcome, Outcome
from benchmarks.plan import Plan
from benchmarks.progress import Reporter
from benchmarks.suite import Suite
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Measurement

_conductor = pytest.StashKey["Conductor"]()


@dataclass(frozen=True)
class Named:
    """A job under the names that pytest has for its case."""

    job: Job
    name: str
    fullname: str
    skip: str | None = None  # why it cannot run


@dataclass(frozen=True)
class Keeping:
    """How the journal is kept: where, of what plan, and whether an old one goes on."""

    folder: Path
    plan: Plan
    resume: bool


class Conductor:
    """The campaign of a session, in front of the person who waits for it."""

    def __init__(
        self,
        config: pytest.Config,
        suite: Suite,
        cases: Sequence[Named],
        reporter: Reporter,
        keeping: Keeping | None,
        *,
        order_seed: int,
    ) -> None:
        """``keeping`` None: a trial (`--benchmark-disable`), of which nothing stays."""
        self._config = config
        self._suite = suite
        self._cases = cases
        self._reporter = reporter
        self._keeping = keeping
        self._order_seed = order_seed
        self._journal: Journal | None = None
        self._campaign: Campaign | None = None
        #: What the session is to end with, once what is finished has been picked up.
        self.broken_off: BaseException | None = None
        self.resume_hint = ""

    def result(self, job: Job) -> Measurement | CaseOutcome | None:
        """What came of ``job``; the first call measures all. None: it was not begun."""
        if self._campaign is None:
            with _terminal(self._config):
                self._campaign = self._begin()
                self._run(self._campaign)
        return self._campaign.result(job)

    def open(self) -> None:
        """Take the journal, before anything is measured.

        Raises `pytest.UsageError` where there can be none.
        """
        if self._keeping is None:
            return
        with _terminal(self._config):
            try:
                self._journal = self._open(self._keeping)
            except InputError as error:
                raise pytest.UsageError(str(error)) from None
            for problem in self._journal.problems:
                self._reporter.say(f"journal: {problem}")

    def outcomes(self) -> Iterator[dict[str, Any]]:
        """Cases without a time, as the saved file lists them."""
        for case in self._cases:
            if case.skip is not None:
                outcome = CaseOutcome(case.job, Outcome("unsupported", case.skip))
            else:
                found = self._campaign.result(case.job) if self._campaign else None
                if not isinstance(found, CaseOutcome):
                    continue
                outcome = found
            yield {
                "name": case.name,
                "fullname": case.fullname,
                "params": msgspec.to_builtins(case.job),
                "launched": self._suite.launched_as(case.job),
                **msgspec.to_builtins(outcome),
            }

    def images(self) -> dict[str, str]:
        """The container images that launches ran in: identities by name."""
        made = self._campaign.made if self._campaign else []
        return {
            record.launch.launched["image"]: record.launch.launched["image_id"]
            for record in made
            if record.launch is not None and "image_id" in record.launch.launched
        }

    def account(self) -> Account | None:
        """Where the wall time since the process started went; None without launches."""
        if self._campaign is None or not self._campaign.made:
            return None
        wall = time.time() - psutil.Process().create_time()
        return account(self._campaign.made, wall)

    def saved(self, *, to_file: bool) -> None:
        """The session ends; results were written (``to_file``) or only shown."""
        if self._journal is None:
            return
        if self._campaign is None:  # no case was called
            if self._journal.records:
                self._journal.close()
            else:
                self._journal.remove()
            return
        if to_file and self.broken_off is None and self._campaign.is_complete():
            self._journal.remove()
            return
        self._journal.close()
        why = "" if to_file else ", and nothing was saved (--benchmark-autosave saves)"
        if self.broken_off is not None or not self._campaign.is_complete():
            why = ", and something is left to measure"
        self.resume_hint = (
            f"finished launches are in {self._journal.path}{why}; "
            "the same command with --resume takes them up"
        )

    def _begin(self) -> Campaign:
        jobs = [case.job for case in self._cases if case.skip is None]
        effort = self._suite.effort(once=self._keeping is None)
        return Campaign(
            jobs,
            effort,
            lambda job, number: self._suite.launch(
                job, effort, number, self._reporter.on_step
            ),
            self._journal,
            self._reporter,
            seed=self._order_seed,
            most_failures=self._config.getoption("maxfail") or 0,
        )

    def _open(self, keeping: Keeping) -> Journal:
        """The journal to write: an old one of the same plan where that is to go on."""
        folder, plan = keeping.folder, keeping.plan
        if keeping.resume:
            found = Journal.resume(folder, plan.id)
            if found is not None:
                self._reporter.say(
                    f"resuming the run of {found.header.started}: "
                    f"{len(found.records)} launches are finished"
                )
                return found
            other = describe_other(folder, plan.facts)
            why = f" ({other})" if other else ""
            self._reporter.say(f"no run of this plan to resume{why}; starting anew")
        return Journal.create(folder, plan.id, plan.facts)

    def _run(self, campaign: Campaign) -> None:
        try:
            campaign.run()
        except JournalFailed as failure:
            self.broken_off = pytest.exit.Exception(str(failure), returncode=1)
        except (KeyboardInterrupt, pytest.exit.Exception) as interrupt:
            self.broken_off = interrupt
        finally:
            self._reporter.wipe()


@contextmanager
def _terminal(config: pytest.Config) -> Iterator[None]:
    """Let what is printed through to the terminal, on a line of its own."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        writer = config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()
        yield


def install(config: pytest.Config, conductor: Conductor) -> None:
    """Let ``conductor`` measure this session's cases."""
    config.stash[_conductor] = conductor
    config.pluginmanager.register(Rescue())


def conductor_of(config: pytest.Config) -> Conductor | None:
    """The session's conductor; None where no case is to run."""
    return config.stash.get(_conductor, None)


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Once the session is broken off, only what is finished is picked up."""
    conductor = conductor_of(item.config)
    if conductor is None or conductor.broken_off is None:
        return
    if "measured" not in getattr(item, "fixturenames", ()):
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
            pytest.skip("the session was broken off before its first launch had ended")
        return found

    return result


def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: Sequence[Any], output_json: dict[str, Any]
) -> None:
    """Cases without a time are results too."""
    conductor = conductor_of(config)
    if conductor is not None:
        output_json["outcomes"] = list(conductor.outcomes())
        output_json["account"] = msgspec.to_builtins(conductor.account())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the journal go once all of it is saved.

    pytest-benchmark saves before this is called, but only where a benchmark ran.
    """
    config = session.config
    conductor, benchmarks = conductor_of(config), config._benchmarksession  # type: ignore[attr-defined]
    if conductor is None:
        return
    if not benchmarks.benchmarks:
        _save_outcomes(config, benchmarks)
    wanted = benchmarks.json or benchmarks.save or benchmarks.autosave
    conductor.saved(to_file=bool(wanted))
    if isinstance(conductor.broken_off, pytest.exit.Exception):
        _say_now(config)


class Rescue:
    """A plugin of its own around all that happens when a session finishes."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session
    ) -> Generator[None, object, object]:
        """Say where results are that could not be saved: the disk is full, say."""
        try:
            return (yield)
        except OSError as error:
            conductor = conductor_of(session.config)
            if conductor is None:
                raise
            conductor.saved(to_file=False)
            _say_now(session.config, f"the results could not be saved: {error}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            return None


def _say_now(config: pytest.Config, *lines: str) -> None:
    """Print ``lines`` and what else is to be known, where pytest shows no summary."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    terminal.ensure_newline()
    for line in lines:
        terminal.write_line(line)
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
    if not content.get("outcomes"):
        return
    if benchmarks.json:
        benchmarks.save_json(content)
    if save:
        benchmarks.storage.save(content, save)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the time went, and how to go on where something is left."""
    conductor = conductor_of(config)
    if conductor is None:
        return
    for line in (conductor.account(), conductor.resume_hint):
        if line:
            terminalreporter.write_line(str(line))

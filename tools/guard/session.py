"""`pytest benchmarks --guard BASE`: what got slower since a run that was saved.

A pytest plugin. The session measures as usual; at its end cases that look slower than
in BASE are measured again, in a process of their own, and the exit status tells.
"""

import json
import os
import shlex
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from histocnn import slowed
from histocnn.errors import InputError
from tools.guard import Problem, advice, again, document, fitness
from tools.guard.judge import Files, Judge


@dataclass
class _Guard:
    """What the session is held against, and what came of it.

    ``unguarded`` are cases, by node id, that it cannot be held against. ``refused`` is
    an exit code where nothing is to be measured at all.
    """

    base: Path
    judge: Judge
    unguarded: frozenset[str] = frozenset()
    refused: int = 0
    remarks: list[str] = field(default_factory=list)
    table: str = ""


class _Hooks:
    """What the guard asks the suite."""

    @pytest.hookspec(firstresult=True)
    def pytest_guard_cases(self, config: pytest.Config) -> list[dict[str, Any]] | None:
        """The training cases that this session will measure, on this machine.

        Each with its ``name``, ``fullname``, ``params`` and ``launched``, as the saved
        file has an outcome's; None where that is not known beforehand.
        """


_guard = pytest.StashKey[_Guard]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let the suite tell its cases."""
    pluginmanager.add_hookspecs(_Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the guard's options, in a group of their own."""
    group = parser.getgroup("guard", "regression guard (histocnn)")
    group.addoption(
        "--guard",
        metavar="BASE",
        help="a saved file of this machine, or a folder of them: fail where this run "
        "is slower and a second look confirms it",
    )
    group.addoption(
        "--guard-launches",
        default="10",
        metavar="N",
        help="fresh processes of each case that is looked at again (default: 10)",
    )
    group.addoption(
        "--guard-options",
        default="",
        metavar="OPTIONS",
        help="options of python -m reports guard, such as '--slowdown 5%% --strict'",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Look at all that was asked for before anything is measured."""
    option = config.getoption
    try:
        slowed.share_of("")
    except InputError as error:
        raise pytest.UsageError(str(error)) from None
    if option("guard") is None or _measures_nothing(config):
        return
    base = config.invocation_params.dir / option("guard")
    try:
        fitness.check_launches("--guard-launches", option("guard_launches"))
        if (launches := option("launches", None)) is not None:
            fitness.check_launches("--launches", launches)
        if not base.exists():
            raise Problem(f"there is no {option('guard')}")
        options = tuple(shlex.split(option("guard_options")))
        python = Path(sys.executable)
        judge = Judge(python, config.rootpath, options, split_base=True)
        judge.check()
        fitness.check(judge, base)
    except (
        Problem,
        ValueError,
    ) as problem:  # ValueError: a quotation mark is left open
        # pytest's own code for bad options, 4, is what --strict ends with.
        pytest.exit(f"--guard: {problem}", returncode=2)
    config.stash[_guard] = _Guard(base, judge)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what the session is held against, and whether it is slowed on purpose."""
    lines = []
    if config.getoption("guard") is not None:
        held = "nothing is measured, so nothing is compared"
        if _guard in config.stash:
            held = f"held against {config.getoption('guard')}"
        lines.append(f"guard: {held}")
    if os.environ.get(slowed.VARIABLE):
        lines.append(f"{slowed.VARIABLE}: epochs are made slower on purpose")
    return lines


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Look whether the base suits the cases, hours before they are compared."""
    config = session.config
    guard = config.stash.get(_guard, None)
    if guard is None or not (cases := config.hook.pytest_guard_cases(config=config)):
        return
    machine = config._benchmarksession.get_machine_info()  # type: ignore[attr-defined]
    try:
        found = fitness.of(guard.judge, guard.base, cases, machine)
    except Problem as problem:
        guard.refused = 3 if isinstance(problem, fitness.NotComparable) else 2
        guard.remarks += [*str(problem).splitlines(), "so nothing was measured"]
        return
    guard.unguarded = found.unguarded
    if found.remark:
        guard.remarks.append(found.remark)
        terminal: Any = config.pluginmanager.getplugin("terminalreporter")
        terminal.ensure_newline()
        terminal.write_line(f"guard: {found.remark}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Measure nothing that could be held against nothing."""
    guard = session.config.stash.get(_guard, None)
    return True if guard is not None and guard.refused else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge what was measured, which is saved by now; look again where it is slower."""
    guard = session.config.stash.get(_guard, None)
    if guard is None:
        return
    ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if guard.refused:
        session.exitstatus = guard.refused
        return
    if session.exitstatus not in ended:
        guard.remarks.append("the session did not end by itself; nothing is compared")
        return
    # The suite has Ctrl-C ignored while it saves; that is done.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = _judged(guard, session.config)
    except Problem as problem:
        guard.remarks.append(str(problem))
        code = 2
    except KeyboardInterrupt:
        guard.remarks.append("interrupted before the second look was done")
        code = int(pytest.ExitCode.INTERRUPTED)
    finally:
        signal.signal(signal.SIGINT, ignored)
    session.exitstatus = session.exitstatus or code


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the guard's table."""
    guard = config.stash.get(_guard, None)
    if guard is None:
        return
    terminalreporter.section("regression guard")
    for remark in guard.remarks:
        terminalreporter.write_line(remark)
    terminalreporter.write(guard.table)


def _judged(guard: _Guard, config: pytest.Config) -> int:
    """Both stages, the second for suspects alone; the exit code of the last."""
    place = config.rootpath / "build" / "guard"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pytest-", dir=place) as scratch:
        folder = Path(scratch)
        head = folder / "head.json"
        head.write_text(json.dumps(_guarded(guard, config)), encoding="utf-8")
        files = Files([guard.base], [head])
        if suspects := guard.judge.suspects(files):
            fresh = again.measure(config, suspects, folder)
            files = Files([guard.base], [head], confirm_head=[fresh])
        shown = guard.judge.show(files)
    guard.table, above = advice.after_both_looks(shown, guard.judge.options)
    guard.remarks += above
    return shown.code


def _guarded(guard: _Guard, config: pytest.Config) -> dict[str, Any]:
    """What was measured, less the times of cases that are not guarded.

    Their outcomes stay: a case that does not train any more needs no test.
    """
    whole = _document(config)
    times = whole["benchmarks"]
    whole["benchmarks"] = [e for e in times if e["fullname"] not in guard.unguarded]
    return whole


def _document(config: pytest.Config) -> dict[str, Any]:
    commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    machine = config._benchmarksession.get_machine_info()  # type: ignore[attr-defined]
    return document.of(config, machine, commit)


def _measures_nothing(config: pytest.Config) -> bool:
    return bool(config.getoption("benchmark_disable") or config.option.collectonly)

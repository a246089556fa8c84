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
from tools.guard import Problem, document
from tools.guard.judge import Files, Judge
from tools.guard.sessions import is_saved, nothing_measured, run_apart

#: Options of the suite that say how much is measured, or where it is kept.
_NOT_THE_CASE = (
    *("budget", "journal", "launches", "order_seed"),
    *("precision", "resume", "time_cap"),
)


@dataclass
class _Guard:
    """What the session is held against, and what came of it."""

    base: Path
    judge: Judge
    remarks: list[str] = field(default_factory=list)
    table: str = ""


_guard = pytest.StashKey[_Guard]()


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
        type=int,
        default=10,
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
    if option("guard_launches") < 1:
        raise pytest.UsageError("--guard-launches: expected a whole number from 1 up")
    base = config.invocation_params.dir / option("guard")
    try:
        if not base.exists():
            raise Problem(f"there is no {option('guard')}")
        options = tuple(shlex.split(option("guard_options")))
        python = Path(sys.executable)
        judge = Judge(python, config.rootpath, options, split_base=True)
        judge.check()
        _check(judge, base)
    except (
        Problem,
        ValueError,
    ) as problem:  # ValueError: a quotation mark is left open
        raise pytest.UsageError(f"--guard: {problem}") from None
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
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge what was measured, which is saved by now; look again where it is slower."""
    guard = session.config.stash.get(_guard, None)
    if guard is None:
        return
    ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
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


def _check(judge: Judge, base: Path) -> None:
    """Raise `Problem` where ``base``, or an option, is nothing to hold a run against.

    What takes the run's place is a copy, without the time by which it would be known
    for one.
    """
    files = [base] if base.is_file() else sorted(base.rglob("*.json"))
    if not files:
        raise Problem(f"there is no saved file in {base}")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy.json")
        try:
            document = json.loads(files[0].read_bytes())
            document.pop("datetime", None)
            copy.write_text(json.dumps(document), encoding="utf-8")
        except (OSError, ValueError, AttributeError):
            copy = files[0]  # the judge has the better words for what is wrong
        judge.suspects(Files([base], [copy]))


def _judged(guard: _Guard, config: pytest.Config) -> int:
    """Both stages, the second for suspects alone; the exit code of the last."""
    folder = _folder(config)
    head = folder / "head.json"
    head.write_text(json.dumps(_document(config)), encoding="utf-8")
    files = Files([guard.base], [head])
    if suspects := guard.judge.suspects(files):
        fresh = _measure_again(config, suspects, folder)
        files = Files([guard.base], [head], confirm_head=[fresh])
    code, guard.table = guard.judge.show(files)
    guard.remarks.append(f"what was compared is in {folder}")
    return code


def _measure_again(config: pytest.Config, suspects: list[str], folder: Path) -> Path:
    """Measure ``suspects``, node ids, in a fresh session; where that is saved."""
    launches = config.getoption("guard_launches")
    file, log = folder / "confirm-head.json", folder / "confirm-head.log"
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
        *_options_of_the_case(config),
        *("--launches", str(launches), f"--benchmark-json={file}"),
        f"--journal={folder / 'journals'}",
        *(str(config.rootpath / case) for case in suspects),
    ]
    terminal: Any = config.pluginmanager.getplugin("terminalreporter")
    terminal.ensure_newline()
    terminal.write_line(
        f"guard: measuring again, {launches} launches: {', '.join(suspects)} ({log})"
    )
    # What it would add is among the options above.
    environ = os.environ | {"PYTEST_ADDOPTS": ""}
    code = run_apart(command, config.invocation_params.dir, environ, log)
    if code not in (0, 1) or not is_saved(file):
        raise nothing_measured("the second look", code, log)
    return file


def _options_of_the_case(config: pytest.Config) -> list[str]:
    """The suite's own options that are not as by default, but those of how much."""
    words = []
    for option in config._parser.getgroup("histocnn").options:
        value, name = config.getoption(option.dest), option.names()[0]
        if option.dest in _NOT_THE_CASE or value == option.default:
            continue
        if value is True:
            words.append(name)
            continue
        values = value if isinstance(value, list) else [value]
        words += [f"{name}={each}" for each in values]
    return words


def _document(config: pytest.Config) -> dict[str, Any]:
    commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    machine = config._benchmarksession.get_machine_info()  # type: ignore[attr-defined]
    return document.of(config, machine, commit)


def _folder(config: pytest.Config) -> Path:
    """A new folder of this session's."""
    place = config.rootpath / "build" / "guard"
    place.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="pytest-", dir=place))


def _measures_nothing(config: pytest.Config) -> bool:
    return bool(config.getoption("benchmark_disable") or config.option.collectonly)

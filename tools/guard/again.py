"""The second look of a session of pytest: its suspects, in a process of their own."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.guard.sessions import is_saved, nothing_measured, run_apart

#: Options of the suite that say how much is measured, or where it is kept.
_NOT_THE_CASE = (
    *("budget", "journal", "launches", "order_seed"),
    *("precision", "resume", "time_cap"),
)


def measure(config: pytest.Config, suspects: list[str], folder: Path) -> Path:
    """Measure ``suspects``, node ids, in a fresh session; the file in ``folder``.

    Raises `Problem` where nothing came of it, with the last words of its log.
    """
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
        raise nothing_measured("the second look", code, log, is_kept=False)
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

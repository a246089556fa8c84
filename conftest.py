"""Loads the suite's plugins wherever pytest is started, and shows what was measured.

The tables are the reporter's. The suite itself does not import it, as it does not
import the suite: they meet here.
"""

from typing import Any

import pytest

from reports import summary
from tools.guard import document

pytest_plugins = ["benchmarks.plugin", "tools.guard.session"]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the speed-up tables of the run, whether or not it was saved."""
    session = getattr(config, "_benchmarksession", None)
    if session is None or session.disabled:
        return
    machine = {"processor": "this machine"}
    if text := summary.of(document.of(config, machine, commit={})):
        terminalreporter.section("what was measured")
        # One that has not all these characters spells out lines that have them.
        for line in text.splitlines():
            terminalreporter.write_line(line)

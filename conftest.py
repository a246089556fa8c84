"""Loads the suite's plugin wherever pytest is started, and shows what was measured.

The tables are the reporter's. The suite itself does not import it, as it does not
import the suite: they meet here.
"""

import json
from typing import Any

import pytest
from pytest_benchmark.utils import safe_dumps

from reports import summary

pytest_plugins = ["benchmarks.plugin"]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the speed-up tables of the run, whether or not it was saved."""
    session = getattr(config, "_benchmarksession", None)
    if session is None or session.disabled:
        return
    document = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=session.benchmarks,
        include_data=True,
        machine_info={"cpu": {"brand_raw": "this machine"}},
        commit_info={},
    )
    config.hook.pytest_benchmark_update_json(
        config=config, benchmarks=session.benchmarks, output_json=document
    )
    # what cannot be saved as JSON (a parameter that is an object) is turned into text
    plain = json.loads(safe_dumps(document))  # type: ignore[no-untyped-call]
    if text := summary.of(plain):
        terminalreporter.section("what was measured")
        terminalreporter.write(text)

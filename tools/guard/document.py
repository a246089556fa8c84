"""What a session of pytest measured, as pytest-benchmark would save it."""

import json
from typing import Any

import pytest
from pytest_benchmark.utils import safe_dumps


def of(
    config: pytest.Config, machine: dict[str, Any], commit: dict[str, Any]
) -> dict[str, Any]:
    """The document of the session of ``config``, whether or not it is saved.

    ``machine`` and ``commit`` are what it says of either.
    """
    benchmarks = config._benchmarksession.benchmarks  # type: ignore[attr-defined]
    document = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=benchmarks,
        include_data=True,
        machine_info=machine,
        commit_info=commit,
    )
    config.hook.pytest_benchmark_update_json(
        config=config, benchmarks=benchmarks, output_json=document
    )
    # what cannot be saved as JSON (a parameter that is an object) is turned into text
    plain: dict[str, Any] = json.loads(safe_dumps(document))  # type: ignore[no-untyped-call]
    return plain

"""Tells pytest-benchmark which commit a bundle was made of; there is no git to ask."""

from pathlib import Path

import pytest

_VERSION = Path(__file__).parents[3] / "VERSION"


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_generate_commit_info(config: pytest.Config) -> dict[str, object]:
    """What pytest-benchmark would find in a checkout."""
    lines = _VERSION.read_text(encoding="utf-8").splitlines()
    facts = dict(line.split("=", 1) for line in lines)
    unknown = facts["commit"] == "unknown"
    return {
        # As pytest-benchmark says it; the reporter pools such files with no other.
        "id": "unversioned" if unknown else facts["commit"],
        "time": facts["time"] or None,
        "author_time": None,
        "dirty": facts["dirty"] != "no",
        "project": "histocnn",
        "branch": "(bundle)",
    }

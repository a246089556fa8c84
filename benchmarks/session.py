"""What a session of pytest keeps in its stash, for the parts of the plugin."""

import pytest

from benchmarks.suite import Suite

SUITE = pytest.StashKey[Suite]()
BUDGET = pytest.StashKey[float | None]()


def suite_of(config: pytest.Config) -> Suite:
    """The session's suite."""
    return config.stash[SUITE]

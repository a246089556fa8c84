"""Loads the suite's plugin, so that its options exist wherever pytest is started."""

pytest_plugins = ["benchmarks.plugin"]

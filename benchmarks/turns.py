"""Set-ups of one case measured by turns, so that a drift of the machine hits them all.

What the benchmarks share that answer one question by a ratio: a container against the
machine, a set-up against another, an engine against code written by hand.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from benchmarks.failing import in_a_line
from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.settling import Effort, settle
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement, Stopped


class Turns:
    """How much is measured: ``launches`` of each set-up, each of ``rounds``."""

    def __init__(self, config: pytest.Config, launches: int, rounds: int) -> None:
        """The numbers are defaults: ``--launches``, ``--rounds`` and the rest count.

        With ``--benchmark-disable`` one round of one launch is left.
        """
        once = bool(config.getoption("benchmark_disable"))
        self.launches = 1 if once else int(config.getoption("launches") or launches)
        rounds = 1 if once else int(config.getoption("rounds") or rounds)
        suite = suite_of(config)
        repeats = 0 if once else suite.repeats(rounds)
        self.effort = Effort(1, rounds, suite.timeout, repeats=repeats)

    def measure(
        self, jobs: Mapping[str, Job], launch: Callable[[str, Effort], Launch]
    ) -> dict[str, Measurement]:
        """Measure each of ``jobs`` by name; ``launch`` makes one launch of a name.

        Every other time the order is reversed: none is always first. The test fails,
        in one line, where a launch does.
        """
        done: dict[str, list[Launch]] = {name: [] for name in jobs}
        for number in range(self.launches):
            for name in jobs if number % 2 == 0 else reversed(list(jobs)):
                with in_a_line(f"{jobs[name].id}, {name}"):
                    done[name].append(launch(name, self.effort))
        fixed = Stopped("fixed")
        return {name: settle(jobs[name], done[name], fixed) for name in jobs}


def replay(
    benchmark: Any,
    stopwatch: Stopwatch,
    measured: Mapping[str, Measurement],
    name: str,
) -> None:
    """Give pytest-benchmark a round a launch of ``name``: its median epoch.

    All of ``measured`` is kept beside it, though not under the name by which the
    reporter takes a case of the grid.
    """
    seconds = [launch.median_seconds for launch in measured[name].counted]
    benchmark.extra_info["by_turns"] = msgspec.to_builtins(dict(measured))
    benchmark.pedantic(stopwatch.advance, rounds=stopwatch.load(seconds))

"""How long one epoch of the paper's CNN takes, over every axis of the grid."""

import msgspec
import pytest

from benchmarks.plugin import Measuring
from benchmarks.replay import Stopwatch

STOPWATCH = Stopwatch()


# A case that failed has nothing to replay; its own line is enough.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.benchmark(group="train", timer=STOPWATCH)
def test_train(benchmark, job, measuring: Measuring) -> None:  # type: ignore[no-untyped-def]
    """One epoch of training, for a pathologist's two-class problem.

    Each round is an epoch over ``--images`` images under the case's loop, timed in a
    fresh worker; the saved statistics are over all rounds of all launches, and
    ``extra_info`` keeps which round belongs to which launch and what explains it.
    """
    measurement = measuring(once=benchmark.disabled)
    rounds = STOPWATCH.load(
        epoch.seconds for launch in measurement.launches for epoch in launch.rounds
    )
    benchmark.extra_info.update(msgspec.to_builtins(measurement))
    benchmark.pedantic(STOPWATCH.advance, rounds=rounds)

"""How long one epoch of the paper's CNN takes, over every axis of the grid."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from benchmarks.replay import Stopwatch
from histocnn.measurement import Measurement

STOPWATCH = Stopwatch()


# A case that failed has nothing to replay; its own line is enough.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.benchmark(group="train", timer=STOPWATCH)
def test_train(benchmark: Any, measured: Callable[[], Measurement]) -> None:
    """One epoch of training, for a pathologist's two-class problem.

    Each round is an epoch over ``--images`` images under the case's loop, timed in a
    fresh worker. The saved statistics are over all rounds that count, of all launches;
    ``extra_info`` keeps every round, which launch it belongs to and what explains it.
    """
    measurement = measured()
    rounds = STOPWATCH.load(
        round_.seconds for launch in measurement.launches for round_ in launch.counted
    )
    benchmark.extra_info.update(msgspec.to_builtins(measurement))
    benchmark.pedantic(STOPWATCH.advance, rounds=rounds)

"""What the contention sentinel costs beside the rounds that it watches."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.sentinel.meters import Meters
from histocnn import pinning


@pytest.fixture
def meters() -> Iterator[Meters]:
    """All meters of this machine, its GPU left out, beside this very process."""
    opened = Meters(pinning.usable_cpus(), os.getpid())
    yield opened
    opened.close()


@pytest.mark.benchmark(group="sentinel", timer=time.thread_time)
def test_sample(benchmark: Any, meters: Meters) -> None:
    """CPU time of one sample: it is taken ten times a second.

    Back to back, with all of it in the caches; beside training it takes several times
    as long, which a sentinel's ``cost`` tells.
    """
    benchmark.pedantic(meters.read, rounds=2000, warmup_rounds=20)

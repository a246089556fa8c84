"""A machine on which samples are dear, as with hundreds of CPUs."""

import time

import pytest

from benchmarks.sentinel.meters import Meters
from benchmarks.sentinel.samples import Sample


def make_dear(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have each sample take ``seconds`` more of CPU time."""

    class Dear(Meters):
        def read(self) -> Sample:
            until = time.thread_time() + seconds
            while time.thread_time() < until:
                pass
            return super().read()

    monkeypatch.setattr("benchmarks.sentinel.Meters", Dear)

"""The sentinel on this machine: its cost, a real hog, a real worker, patience."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.sentinel import Sentinel, disturbances
from benchmarks.sentinel.cpu import CpuTimes
from benchmarks.sentinel.meters import Meters
from benchmarks.sentinel.process import cpu_seconds
from benchmarks.sentinel.samples import Sample
from histocnn import pinning
from histocnn.measurement import Conditions
from tests.benchmarks.sentinel.dear import make_dear

CPU = max(pinning.usable_cpus())
BUSY = """
import os, sys, time
os.sched_setaffinity(0, [int(sys.argv[1])])
print("busy", flush=True)
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    pass
"""


@contextmanager
def busy(seconds: float = 60.0) -> Iterator[int]:
    """A process that computes on `CPU`; its number."""
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, str(CPU), str(seconds)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def watch(sentinel: Sentinel, seconds: float) -> Conditions:
    """The conditions of a round of ``seconds`` that begins now."""
    sentinel.mark()
    start = time.monotonic()
    time.sleep(seconds)
    return sentinel.conditions(start, time.monotonic())


def others(conditions: Conditions) -> list[str]:
    """What it says of other processes."""
    found = disturbances(conditions, cores=1)
    return [phrase for phrase in found if phrase.startswith("other processes used")]


def test_it_costs_less_than_a_hundredth_of_a_core() -> None:
    """Rounds of 10 ms, marked and asked for at each end, beside a busy worker."""
    with busy() as worker, Sentinel((CPU,), worker) as sentinel:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            watch(sentinel, 0.01)
    assert 0 < sentinel.cost < 0.01


def test_where_a_sample_is_dear_there_are_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """3 ms each, as with hundreds of CPUs: at every mark it would be a seventh."""
    make_dear(monkeypatch, 0.003)
    with Sentinel((CPU,), os.getpid()) as sentinel:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            time.sleep(0.02)
            sentinel.mark()
    assert sentinel.cost < 0.02


def test_a_dear_sample_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 ms each, of which there is one in 8 s: a round's last comes a window later."""
    make_dear(monkeypatch, 0.04)
    with Sentinel((CPU,), os.getpid()) as sentinel:
        sentinel.fence()
        now = time.monotonic()
        told = sentinel.conditions(now, now + 0.05)
        assert time.monotonic() - now < 4
    assert told.foreign_cores is not None


def test_a_hog_on_the_workers_cpu_is_caught() -> None:
    """Half of the CPU is not the worker's, in each of three rounds."""
    with busy() as worker, busy(), Sentinel((CPU,), worker) as sentinel:
        rounds = [watch(sentinel, 0.5) for _ in range(3)]
    for conditions in rounds:
        assert conditions.foreign_cores is not None
        assert 0.3 < conditions.foreign_cores <= 1.02
        assert others(conditions)


def test_a_workers_own_load_is_nobody_elses() -> None:
    """What it had of its CPU and what others are said to have had are one CPU's time.

    So it holds on a machine that has other things to do as well.
    """
    with busy() as worker, Sentinel((CPU,), worker) as sentinel:
        time.sleep(0.5)
        began, before = time.monotonic(), cpu_seconds(worker)
        conditions = watch(sentinel, 1.0)
        own = (cpu_seconds(worker) - before) / (time.monotonic() - began)
    assert own > 0.1
    assert conditions.foreign_cores is not None
    assert conditions.foreign_cores + own < 1.1


def pretend(monkeypatch: pytest.MonkeyPatch, busy_seconds: float) -> None:
    """Put meters in place of the machine's: others use its CPU, and then nobody."""
    quiet = time.monotonic() + busy_seconds

    class Pretended(Meters):
        def read(self) -> Sample:
            now = time.monotonic()
            return Sample(now, CpuTimes(now, max(0.0, now - quiet), 0.0), own=0.0)

    monkeypatch.setattr("benchmarks.sentinel.Meters", Pretended)


def test_quiet_comes_when_the_hog_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 s after it, and at once where it has ended that long ago."""
    pretend(monkeypatch, busy_seconds=0.5)
    with Sentinel((CPU,), None) as sentinel:
        assert 0.9 < sentinel.wait_until_quiet(patience=10) < 5
        assert sentinel.wait_until_quiet(patience=10) < 0.1


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, busy_seconds=60)
    with Sentinel((CPU,), None) as sentinel:
        assert 0.8 <= sentinel.wait_until_quiet(patience=0.8) < 5


def test_a_worker_that_nobody_sees_has_no_others() -> None:
    """Without its number, and after its end: steal is told, others are not."""
    with Sentinel((CPU,), None) as sentinel:
        unknown = watch(sentinel, 0.1)
    with busy(seconds=0.0) as gone:
        time.sleep(0.2)
    with Sentinel((CPU,), gone) as sentinel:
        ended = watch(sentinel, 0.1)
    for conditions in (unknown, ended):
        assert conditions.foreign_cores is None
        assert conditions.steal_cores is not None


def test_a_machine_that_tells_nothing_disturbs_nobody(tmp_path: Path) -> None:
    """All files absent: nothing is known, and nothing is waited for."""
    with Sentinel((CPU,), os.getpid(), root=tmp_path) as sentinel:
        conditions = watch(sentinel, 0.05)
        assert sentinel.wait_until_quiet(patience=5) < 4
    assert conditions == Conditions()


def test_it_answers_after_its_end_and_for_the_future() -> None:
    """A round may be asked for when the worker has gone, or just before it ends."""
    with Sentinel((CPU,), os.getpid()) as sentinel:
        now = time.monotonic()
        sentinel.conditions(now, now + 0.15)
        assert time.monotonic() >= now + 0.15
        time.sleep(0.3)
    before = sentinel.cost
    sentinel.mark()
    assert sentinel.conditions(now, now + 0.3).foreign_cores is not None
    assert sentinel.cost == before

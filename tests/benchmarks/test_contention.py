"""A real CPU hog on the case's own core: caught, repeated, kept out of the figure."""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from benchmarks.launchers import Settings, local
from benchmarks.measure import measure
from benchmarks.settling import Effort
from histocnn.job import Job
from histocnn.measurement import Measurement
from tests.fake_worker import VARIABLE, Behaviour, fake_python

JOB = Job("tensorflow", "cpu", 32, 10, None, 1)
# Of a loop: an epoch of 0.4 s or more, which is what the sentinel looks back over. The
# kernel counts others' time by hundredths of a second, a tenth of an epoch of 0.1 s.
TURNS = 24_000_000
CPU = min(os.sched_getaffinity(0))  # the one that a case on one core gets

Hogged = Callable[[float, float, Effort], Measurement]


def hog(seconds: float, pause: float) -> None:
    """Burn the case's CPU for ``seconds``, rest for ``pause``, and so on."""
    os.sched_setaffinity(0, {CPU})
    while True:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        time.sleep(pause)


@pytest.fixture
def hogged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hogged:
    """Measures a loop that takes the CPU's time and nothing else, beside a hog."""
    behaviour = msgspec.json.encode(Behaviour(work=TURNS)).decode()
    monkeypatch.setenv(VARIABLE, behaviour)
    python = str(fake_python(tmp_path))
    launcher = local.Launcher(Settings(interpreters=(("tensorflow", python),)))

    def run(seconds: float, pause: float, effort: Effort) -> Measurement:
        beast = multiprocessing.get_context("fork").Process(
            target=hog, args=(seconds, pause), daemon=True
        )
        beast.start()
        try:
            return measure(JOB, effort, launcher, Path("/none"))
        finally:
            beast.kill()
            beast.join()

    return run


def test_a_hog_that_comes_and_goes_does_not_reach_the_median(hogged: Hogged) -> None:
    """Within 5 % of what a quiet machine would have taken for the same rounds.

    That is their CPU time: a loop that waits for nothing takes as long as it computes.
    A second run would be no better truth, since neighbours change a virtual machine's
    speed from one minute to the next.
    """
    effort = Effort(2, rounds=12, repeats=40)
    measured = hogged(1.5, 3.0, effort)
    if measured.warnings:
        pytest.skip("others than the hog never left this machine quiet")
    rounds = [round_ for launch in measured.launches for round_ in launch.rounds]
    caught = [round_ for round_ in rounds if not round_.counts]
    reasons = {reason for round_ in caught for reason in round_.disturbed}
    assert any("other processes used" in reason for reason in reasons)
    assert max(each.seconds / each.cpu_seconds for each in caught) > 1.3
    # Launches differ from each other, as the machine's speed does: each by its own.
    for launch in measured.launches:
        quiet = statistics.median(each.cpu_seconds for each in launch.counted)
        assert launch.median_seconds == pytest.approx(quiet, rel=0.05)


def test_a_hog_that_never_rests_is_reported_with_a_best_estimate(
    hogged: Hogged,
) -> None:
    """All rounds are tainted, the fastest of each launch stands in, warned."""
    measured = hogged(600.0, 0.0, Effort(1, rounds=3, repeats=1))
    for launch in measured.launches:
        assert all(round_.disturbed for round_ in launch.rounds)
        assert len(launch.counted) == 1
        assert len(launch.rounds) == 4
    (warning,) = measured.warnings
    assert warning.startswith("never quiet in its one launch")
    reasons = " ".join(measured.launches[0].rounds[0].disturbed)
    assert "other processes used" in reasons

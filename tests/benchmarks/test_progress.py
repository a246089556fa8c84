"""Progress: time left, and what is printed where."""

import io

import pytest
from rich.console import Console

from benchmarks.cases import Case
from benchmarks.journal import Record
from benchmarks.measure import Step
from benchmarks.outcomes import CaseOutcome, Outcome
from benchmarks.progress import Forecast, Reporter, describe, guess_seconds
from benchmarks.settling import Effort, settle
from histocnn.job import Job
from histocnn.measurement import Stopped
from tests.launches import a_launch, a_round

EFFORT = Effort(launches=2, rounds=3)
JOBS = [
    Job("theano", "cpu", 32, 10, None, 1),
    Job("theano", "cpu", 64, 10, None, 1),
    Job("theano", "cpu", 64, 10, None, 2),
]


def test_time_left_follows_what_launches_took() -> None:
    """A case's own launches tell best; those of others scale the guess of the rest."""
    forecast = Forecast(JOBS[:2], EFFORT)
    guess = [guess_seconds(job, EFFORT) for job in JOBS[:2]]
    assert forecast.seconds_left() == pytest.approx(2 * sum(guess))
    forecast.launched(JOBS[0], 7.0)
    assert forecast.seconds_left() == pytest.approx(7.0 + 2 * guess[1])
    forecast.launched(JOBS[1], 5 * guess[1])
    assert forecast.seconds_left() == pytest.approx(7.0 + 5 * guess[1])
    forecast.launched(JOBS[0], 7.0)
    forecast.finished(JOBS[0])
    assert forecast.seconds_left() == pytest.approx(5 * guess[1])
    forecast.finished(JOBS[1])
    assert forecast.seconds_left() == 0.0


def test_a_case_that_needs_more_launches_than_the_least_counts_one_more() -> None:
    """How many, nobody knows."""
    forecast = Forecast(JOBS[:1], Effort(None, 3))
    for _ in range(4):
        forecast.launched(JOBS[0], 2.0)
    assert forecast.seconds_left() == pytest.approx(2.0)


def test_one_slow_first_launch_does_not_frighten() -> None:
    """A cold compile cache costs a minute once, not with every case."""
    jobs = [Job("theano", "cpu", size, 10, None, 1) for size in range(32, 42)]
    forecast = Forecast(jobs, EFFORT)
    before = forecast.seconds_left()
    forecast.launched(jobs[0], 80.0)
    forecast.finished(jobs[0])
    assert forecast.seconds_left() < before


def test_larger_images_and_fewer_cores_are_guessed_to_take_longer() -> None:
    """More to compute, and less to do it with."""
    small, large, shared = (guess_seconds(job, EFFORT) for job in JOBS)
    assert small < shared < large


def run(console: Console) -> None:
    """Report a case that has a time, and one that has none."""
    reporter = Reporter(console, JOBS[:2], EFFORT)
    launch = a_launch([0.5, a_round(0.9, "a hog"), 0.5])
    case = Case(JOBS[0])
    for number in range(2):
        reporter.launching(case, number)
        reporter.on_step(Step(number, 2, "0.5 s/epoch"))
        reporter.launched(case, Record(case.job.id, number, launch, None, 3.0))
    reporter.finished(case, settle(case.job, [launch] * 2, Stopped("fixed")))
    case, outcome = Case(JOBS[1]), Outcome("crashed", "the worker died")
    reporter.launching(case, 0)
    reporter.launched(case, Record(case.job.id, 0, None, outcome, 3.0))
    reporter.finished(case, CaseOutcome(case.job, outcome))


def test_plain_lines_where_there_is_no_terminal() -> None:
    """A line a launch and a line a case, how many of how many, no escapes."""
    stream = io.StringIO()
    run(Console(file=stream, soft_wrap=True))
    first, second, case, failed = stream.getvalue().splitlines()
    name = "theano-cpu-32px-b10-cores1"
    for number, line in enumerate((first, second), start=1):
        assert line.startswith(
            f"{name}, launch {number}: 0.5 s/epoch, 1 of 3 rounds disturbed, 0:00:"
        )
        assert line.endswith(" left")
    assert case.startswith(
        f"[1/2] {name}: 0.5 s/epoch (2 launches), 600 images/s, 0:00:"
    )
    assert failed == ("[2/2] theano-cpu-64px-b10-cores1: FAILED: the worker died, done")
    assert "\x1b" not in stream.getvalue()


def test_a_live_bar_on_a_terminal() -> None:
    """It names the launch and the last epoch, and is wiped when the launch ends."""
    stream = io.StringIO()
    run(Console(file=stream, force_terminal=True, width=120))
    text = stream.getvalue()
    assert "launch 2: 0.5 s/epoch" in text
    assert "\x1b[2K" in text  # the line is erased
    assert "rounds disturbed" not in text


def test_a_result_says_how_sure_it_is() -> None:
    """With an interval from three launches on; a warning is not hidden."""
    launches = [a_launch([each]) for each in (1.0, 1.01, 0.99)]
    sure = settle(JOBS[0], launches, Stopped("precision", 0.025, 0.05))
    assert describe(sure) == "1 s/epoch ± 2.5 % (3 launches), 300 images/s"
    hogged = settle(JOBS[0], [a_launch([a_round(2.0, "hog")])], Stopped("fixed"))
    assert describe(hogged).endswith(
        "150 images/s, never quiet in its one launch, whose fastest round stands in"
    )

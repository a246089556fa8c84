"""Progress: time left, and what is printed where."""

import io

import pytest
from rich.console import Console

from benchmarks.measure import Effort, Step
from benchmarks.progress import Forecast, Reporter, guess_seconds
from histocnn.job import Job

EFFORT = Effort(launches=2, rounds=3)
JOBS = [
    Job("theano", "cpu", 32, 10, None, 1),
    Job("theano", "cpu", 64, 10, None, 1),
    Job("theano", "cpu", 64, 10, None, 2),
]


def test_time_left_follows_what_finished_cases_took() -> None:
    """Cases that take twice their guess double the rest, once they are the rule."""
    forecast = Forecast([10.0, 10.0, 20.0, 30.0])
    assert forecast.seconds_left() == 70.0
    forecast.finished(20.0)
    assert forecast.seconds_left() == 60.0
    forecast.finished(20.0)
    assert forecast.seconds_left() == 100.0
    forecast.finished(40.0)
    assert forecast.seconds_left() == 60.0
    forecast.finished(1.0)
    assert forecast.seconds_left() == 0.0


def test_one_slow_first_case_does_not_frighten() -> None:
    """A cold compile cache costs a minute once, not with every case."""
    forecast = Forecast([10.0] * 10)
    forecast.finished(80.0)
    forecast.finished(9.0)
    assert forecast.seconds_left() == 80.0


def test_larger_images_and_fewer_cores_are_guessed_to_take_longer() -> None:
    """And each launch adds its start."""
    small, large, shared = (guess_seconds(job, EFFORT) for job in JOBS)
    assert small < shared < large
    assert guess_seconds(JOBS[0], Effort(4, 3)) == pytest.approx(2 * small)


def run(console: Console) -> None:
    """Report two cases."""
    reporter = Reporter(console, JOBS[:2], EFFORT)
    for job in JOBS[:2]:
        with reporter.running(job) as on_step:
            on_step(Step(1, 2, "0.5 s/epoch"))
        reporter.finished(job, "0.5 s/epoch")


def test_plain_lines_where_there_is_no_terminal() -> None:
    """What runs, what came of it, how many of how many, time left; no escapes."""
    stream = io.StringIO()
    run(Console(file=stream, soft_wrap=True))
    lines = stream.getvalue().splitlines()
    assert [line.split(" left")[0].rsplit(",", 1)[0] for line in lines] == [
        "[1/2] theano-cpu-32px-b10-cores1: running",
        "[1/2] theano-cpu-32px-b10-cores1: 0.5 s/epoch",
        "[2/2] theano-cpu-64px-b10-cores1: running",
        "[2/2] theano-cpu-64px-b10-cores1: 0.5 s/epoch",
    ]
    assert lines[0].endswith(" left")
    assert lines[-1].endswith(", done")
    assert "\x1b" not in stream.getvalue()


def test_a_live_bar_on_a_terminal() -> None:
    """It names the launch and the last epoch, and is wiped when the case ends."""
    stream = io.StringIO()
    run(Console(file=stream, force_terminal=True, width=120))
    text = stream.getvalue()
    assert "launch 2/2: 0.5 s/epoch" in text
    assert "\x1b[2K" in text  # the line is erased
    assert ": running" not in text

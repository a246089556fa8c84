"""Recorded seconds arrive in pytest-benchmark as they were recorded."""

from benchmarks.replay import Stopwatch

SECONDS = [0.1 + 0.2, 1e-9, 3600.123456789, 0.3]


def test_differences_of_readings_are_the_recorded_numbers_exactly() -> None:
    """A sum that runs on would lose bits; this does not."""
    stopwatch = Stopwatch()
    measured = []
    for _ in range(stopwatch.load(SECONDS)):
        start = stopwatch()
        stopwatch.advance()
        measured.append(stopwatch() - start)
    assert measured == SECONDS


def test_a_new_case_forgets_the_last_one() -> None:
    """Rounds left over by a case that broke off do not leak into the next."""
    stopwatch = Stopwatch()
    stopwatch.load(SECONDS)
    stopwatch.advance()
    assert stopwatch.load([5.0]) == 1
    start = stopwatch()
    stopwatch.advance()
    assert stopwatch() - start == 5.0


def test_a_call_beyond_the_recording_takes_no_time() -> None:
    """`--benchmark-cprofile` calls once more."""
    stopwatch = Stopwatch()
    stopwatch.load([])
    stopwatch.advance()
    assert stopwatch() == 0.0

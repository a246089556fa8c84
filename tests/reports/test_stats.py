"""Epoch time, speed-up and their intervals, against scipy and by simulation."""

import math
import random

import pytest
from scipy import stats as scipy_stats

from reports import stats

SLOW = (2.4, 2.5, 2.3, 2.6, 2.45)
FAST = (0.31, 0.30, 0.35)


def test_a_launch_gives_one_number_however_many_rounds_it_has() -> None:
    assert stats.launch_median((1.0, 9.0, 2.0)) == 2.0
    assert stats.launch_median((4.0, 5.0)) == 4.5


def test_epoch_time_is_the_median_over_launches_with_their_extremes() -> None:
    """With two launches there is no interval: the range is what was seen."""
    time = stats.epoch_time((2.0, 3.0))
    assert time == stats.EpochTime(2.5, 2.0, 3.0, 2)
    assert not time.has_interval


def test_epoch_interval_is_that_of_a_one_sample_t_test_on_logs() -> None:
    time = stats.epoch_time(SLOW)
    test = scipy_stats.ttest_1samp([math.log(each) for each in SLOW], 0)
    interval = test.confidence_interval(0.95)
    assert time.seconds == 2.45
    assert time.has_interval
    assert time.low == pytest.approx(math.exp(interval.low))
    assert time.high == pytest.approx(math.exp(interval.high))


def test_speedup_is_baseline_seconds_over_own() -> None:
    """Equation 1: a case that takes half the time has a speed-up of 2."""
    assert stats.speedup((4.0,), (2.0,)) == stats.Speedup(2.0, None, None)


def test_speedup_interval_is_that_of_welchs_test_on_logs() -> None:
    """The samples differ in size and spread, so that pooling them would show."""
    speedup = stats.speedup(SLOW, FAST)
    test = scipy_stats.ttest_ind(
        [math.log(each) for each in SLOW],
        [math.log(each) for each in FAST],
        equal_var=False,
    )
    interval = test.confidence_interval(0.95)
    assert speedup.ratio == pytest.approx(2.45 / 0.31)
    assert speedup.low == pytest.approx(math.exp(interval.low))
    assert speedup.high == pytest.approx(math.exp(interval.high))


@pytest.mark.parametrize(("slow", "fast"), [(SLOW, FAST[:2]), (SLOW[:2], FAST)])
def test_two_launches_on_either_side_give_no_interval(
    slow: tuple[float, ...], fast: tuple[float, ...]
) -> None:
    assert stats.speedup(slow, fast).low is None


def test_identical_launches_give_an_interval_without_width() -> None:
    """No variance means no degrees of freedom, which must not divide by zero."""
    speedup = stats.speedup((3.0,) * 3, (1.5,) * 3)
    assert (speedup.low, speedup.high) == pytest.approx((2.0, 2.0))


@pytest.mark.parametrize("launches", [5, 10])
def test_interval_covers_the_true_speedup_95_times_in_100(launches: int) -> None:
    """4,000 pairs, seed 7; 3 % between launches, 1 % between rounds, 5 rounds."""
    chance = random.Random(7)

    def measured(seconds: float) -> tuple[float, ...]:
        processes = [chance.gauss(0, 0.03) for _ in range(launches)]
        return tuple(
            stats.launch_median(
                [seconds * math.exp(each + chance.gauss(0, 0.01)) for _ in range(5)]
            )
            for each in processes
        )

    covered = 0
    for _ in range(4000):
        speedup = stats.speedup(measured(3.0), measured(1.0))
        assert speedup.low is not None
        assert speedup.high is not None
        covered += speedup.low <= 3.0 <= speedup.high
    assert 0.93 < covered / 4000 < 0.97


def test_mean_speedup_is_the_geometric_mean_with_the_errors_of_all() -> None:
    """Of two cases: half the sum of the logs, and a quarter of the sum of variances.

    The degrees of freedom are Welch's and Satterthwaite's over all four samples; with
    equal sizes and variances they are the sum of those of each.
    """
    spread = (0.98, 1.0, 1.02)
    slow, fast = tuple(4 * each for each in spread), spread
    mean = stats.mean_speedup(
        [(slow, fast), (tuple(9 * each for each in spread), fast)]
    )
    logs = [math.log(each) for each in spread]
    half = scipy_stats.t.ppf(0.975, 4 * 2) * scipy_stats.sem(logs)
    assert mean.ratio == pytest.approx(6.0)
    assert mean.low == pytest.approx(6.0 * math.exp(-half))
    assert mean.high == pytest.approx(6.0 * math.exp(half))


@pytest.mark.parametrize("launches", [5, 10])
def test_mean_interval_covers_the_true_mean_95_times_in_100(launches: int) -> None:
    """4,000 means of 3 speed-ups (2, 3, 4.5), seed 11; 1 to 8 % between launches."""
    chance = random.Random(11)
    spreads = {2.0: 0.01, 3.0: 0.03, 4.5: 0.08}

    def measured(seconds: float, spread: float) -> stats.Sample:
        return tuple(
            seconds * math.exp(chance.gauss(0, spread)) for _ in range(launches)
        )

    covered = 0
    for _ in range(4000):
        mean = stats.mean_speedup(
            [
                (measured(true, spread), measured(1.0, 0.03))
                for true, spread in spreads.items()
            ]
        )
        assert mean.low is not None
        assert mean.high is not None
        covered += mean.low <= 3.0 <= mean.high
    assert 0.93 < covered / 4000 < 0.97

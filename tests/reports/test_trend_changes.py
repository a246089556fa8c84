"""Where a history changed: known answers, and partitions against exhaustive search."""

import math
import random
import sys
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import fmean

import pytest
from scipy import stats as scipy_stats

from reports.errors import InputError
from reports.trend import noise, partitions
from reports.trend.changes import Trend, trend
from tests.reports.trended import commit, history, noisy

STEP = math.log(1.1)


def at(found: Trend) -> list[int]:
    """The numbers of the points that changes begin with."""
    points = found.history.points
    return [points.index(change.first) for change in found.changes]


@pytest.mark.parametrize("place", [2, 5, 10, 15, 18])
def test_a_planted_step_is_found_at_its_commit(place: int) -> None:
    """10 % of 20 points in 3 % noise, 10 launches each, seeds 0 to 19; mostly alone."""
    alone = 0
    for seed in range(20):
        levels = [0.0] * place + [STEP] * (20 - place)
        found = trend(noisy(random.Random(seed), levels))
        (change,) = [
            change
            for change in found.changes
            if change.first.case.code.commit == commit(place)
        ]
        assert change.last.case.code.commit == commit(place - 1)
        assert change.step.percent == pytest.approx(10, abs=4)
        alone += len(found.changes) == 1
    assert alone >= 18


def test_steps_up_and_down_are_found() -> None:
    """Three in 40 points; the first and the last level are the same."""
    levels = [0.0] * 10 + [STEP] * 10 + [2 * STEP] * 10 + [0.0] * 10
    found = trend(noisy(random.Random(3), levels))
    assert at(found) == [10, 20, 30]
    percents = [change.step.percent for change in found.changes]
    assert percents == pytest.approx([10, 10, -17.4], abs=3)
    assert found.since_start is not None
    assert found.since_start.percent == pytest.approx(0, abs=4)


def test_launches_that_agree_do_not_make_sessions_sure() -> None:
    """Days differ by 3 %, their launches by 0.1 %: no change, and wide intervals."""
    found = trend(noisy(random.Random(1), [0.0] * 20, noise=0.001, session=0.03))
    assert not found.changes
    (level,) = found.levels
    assert level.low is not None
    assert level.high is not None
    assert 1.01 < level.high / level.low < 1.06


@pytest.mark.parametrize("place", [0, 1, 7, 18, 19])
def test_a_single_point_far_off_is_no_change(place: int) -> None:
    """Of 20, half as long again; wherever it is, it is told and kept out of levels."""
    levels = [0.0] * 20
    levels[place] = 0.4
    found = trend(noisy(random.Random(5), levels, noise=0.02))
    assert not found.changes
    assert found.outliers == (place,)
    assert found.levels[0].seconds == pytest.approx(1, abs=0.01)


def test_what_the_last_point_shows_is_a_change_once_the_next_one_shows_it() -> None:
    """And then it is one at its own commit, not at the one before."""
    levels = [0.0] * 12 + [0.4]
    alone = trend(noisy(random.Random(7), levels))
    assert (at(alone), alone.outliers) == ([], (12,))
    both = trend(noisy(random.Random(7), [*levels, 0.4]))
    assert (at(both), both.outliers) == ([12], ())


def test_points_without_noise_change_where_they_differ() -> None:
    """By more than a thousandth; equal ones never."""
    assert not trend(history([[1.0] * 3] * 8)).changes
    found = trend(history([[1.0]] * 4 + [[1.05]] * 4))
    assert at(found) == [4]
    assert found.changes[0].step.percent == pytest.approx(5)
    tiny = trend(history([[1.0]] * 4 + [[1.0005]] * 4))
    assert not tiny.changes


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_than_four_points_have_one_level(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where they differ by much; and ruptures is not asked."""
    monkeypatch.setitem(sys.modules, "ruptures", None)
    found = trend(history([[2.0**number] for number in range(count)]))
    assert (len(found.levels), found.changes, found.noise) == (1, (), None)
    assert found.levels[0].low is None
    if count == 1:
        assert found.since_start is None
    else:
        assert found.since_start is not None
        assert found.since_start.percent == pytest.approx((2 ** (count - 1) - 1) * 100)
        assert found.since_start.low is None


def test_without_ruptures_four_points_are_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(InputError, match="change points need ruptures"):
        trend(history([[1.0]] * 4))


def test_intervals_of_single_launches_are_students() -> None:
    """Of the pooled variance of both levels, as scipy reckons it."""
    before, after = [1.0, 1.02, 0.99, 1.01, 1.0], [1.21, 1.2, 1.18, 1.22]
    found = trend(history([[each] for each in (*before, *after)]))
    assert at(found) == [5]
    step = found.changes[0].step
    logs = [[math.log(each) for each in side] for side in (after, before)]
    expected = scipy_stats.ttest_ind(*logs).confidence_interval(0.95)
    assert [step.low, step.high] == pytest.approx(
        [(math.exp(end) - 1) * 100 for end in expected]
    )
    middle = fmean(logs[0]) - fmean(logs[1])
    assert step.percent == pytest.approx((math.exp(middle) - 1) * 100)


def test_two_points_are_as_sure_as_their_launches() -> None:
    before, after = (1.0, 1.02, 0.99), (1.1, 1.12, 1.11)
    found = trend(history([before, after]))
    assert found.since_start is not None
    logs = [[math.log(each) for each in side] for side in (after, before)]
    expected = scipy_stats.ttest_ind(*logs).confidence_interval(0.95)
    assert [found.since_start.low, found.since_start.high] == pytest.approx(
        [(math.exp(end) - 1) * 100 for end in expected]
    )


def test_the_noise_of_launches_is_their_pooled_variance() -> None:
    """Over the launches of a point; two points of one launch and one of two are few."""
    found = noise.of_launches([(1.0, math.e), (1.0, 1.0, math.e**3), (5.0,)])
    assert found is not None
    assert found.degrees == 3
    assert found.variance == pytest.approx((0.5 + 6) / 3 * (1 / 2 + 1 / 3 + 1) / 3)
    assert noise.of_launches([(1.0,), (2.0,), (1.0, 2.0)]) is None


def _exhaustive(series: Sequence[float], cuts: int) -> float:
    """The least cost of any partition with so many cuts."""
    costs = []
    for places in combinations(range(1, len(series)), cuts):
        bounds = list(pairwise((0, *places, len(series))))
        if min(end - start for start, end in bounds) >= partitions.SHORTEST:
            segments = [series[start:end] for start, end in bounds]
            costs.append(math.fsum([(x - fmean(s)) ** 2 for s in segments for x in s]))
    return min(costs)


def test_partitions_are_the_best_there_are() -> None:
    """200 series of 4 to 11 values, seed 1, against all partitions that there are."""
    chance = random.Random(1)
    for _ in range(200):
        count = chance.randrange(4, 12)
        jump = chance.choice([0, 1, 5])
        series = [chance.gauss(jump * (n >= count // 2), 1) for n in range(count)]
        every = partitions.partitions(series)
        assert len(every) == count // 2
        for cuts, found in enumerate(every):
            assert found.ends[-1] == count
            assert len(found.ends) == cuts + 1
            assert found.cost == pytest.approx(_exhaustive(series, cuts), abs=1e-9)


def test_a_larger_penalty_leaves_fewer_cuts() -> None:
    every = partitions.partitions([0.0, 0.1, 1.0, 1.1, 3.0, 3.1])
    ends = [partitions.best(every, penalty).ends for penalty in (0.0, 2.0, 100.0)]
    assert ends == [(2, 4, 6), (4, 6), (6,)]

"""Both stages of the guard: their tests, verdicts and limits."""

import math
import random
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats as scipy_stats

from reports import stats
from reports.guard import testing
from reports.guard.testing import DEFAULTS, Limits, Pair, Verdict, confirm, screen

ROOT = Path(__file__).parents[2]

STEADY = (1.00, 1.01, 0.99, 1.02, 0.98)
WILD = (1.0, 1.3, 0.9)


def times(factor: float, sample: stats.Sample = STEADY) -> stats.Sample:
    """``sample`` in which all takes ``factor`` times as long."""
    return tuple(factor * each for each in sample)


def lone(
    base: stats.Sample, head: stats.Sample, limits: Limits = DEFAULTS
) -> testing.Tested:
    """The screen of one case."""
    (tested,) = screen([Pair("it", base, head)], limits)
    return tested


def reference_p(base: stats.Sample, head: stats.Sample, slowdown: float) -> float:
    """One-sided Welch test of logs, the base's made slower by what is tolerated."""
    test = scipy_stats.ttest_ind(
        [math.log(each) for each in head],
        [math.log(each) + math.log(1 + slowdown) for each in base],
        equal_var=False,
        alternative="greater",
    )
    return float(test.pvalue)


def noisy(
    chance: random.Random, factor: float = 1.0, launches: int = 6
) -> stats.Sample:
    return tuple(factor * chance.lognormvariate(0, 0.03) for _ in range(launches))


@pytest.mark.parametrize("slowdown", [0.02, 0.05])
@pytest.mark.parametrize(
    ("base", "head"),
    [(STEADY, times(1.04)), (WILD, STEADY), (STEADY, WILD), (times(3.0), times(2.5))],
)
def test_p_is_that_of_welchs_one_sided_test_on_shifted_logs(
    base: stats.Sample, head: stats.Sample, slowdown: float
) -> None:
    """The samples differ in size and spread, so that pooling them would show."""
    tested = lone(base, head, Limits(slowdown=slowdown))
    assert tested.p == pytest.approx(reference_p(base, head, slowdown), rel=1e-9)


def test_the_ratio_is_head_over_base_with_the_reports_interval() -> None:
    """2 is twice as slow: the speed-up of base over head, by any other report.

    But for its middle: geometric means, as the test has them, in place of medians.
    """
    tested = lone(STEADY, times(2.0, WILD))
    middles = [statistics.geometric_mean(each) for each in (STEADY, times(2.0, WILD))]
    assert tested.ratio == pytest.approx(middles[1] / middles[0], rel=1e-12)
    speedup = stats.speedup(times(2.0, WILD), STEADY)
    assert (tested.low, tested.high) == (speedup.low, speedup.high)


@pytest.mark.parametrize("launches", [1, 2, 20])
def test_the_ratio_lies_in_its_interval(launches: int) -> None:
    """Also where launches are of two kinds, so that medians say nothing is slower."""
    base = (1.0,) * launches
    head = (1.0,) * (launches - 9 * launches // 20) + (1.3,) * (9 * launches // 20)
    tested = lone(base, head)
    assert tested.ratio == pytest.approx(statistics.geometric_mean(head))
    if tested.low is None or tested.high is None:
        assert launches < 3
    else:
        assert tested.low < tested.ratio < tested.high
        assert tested.ratio > 1.1


def test_cases_stay_in_their_order() -> None:
    pairs = [Pair(key, STEADY, times(key)) for key in (1.0, 1.5, 0.5, 1.2)]
    assert [tested.pair for tested in screen(pairs)] == pairs
    assert [tested.verdict.value for tested in screen(pairs)] == [
        *("same", "suspect", "faster", "suspect")
    ]
    assert screen([]) == confirm([]) == ()


@pytest.mark.parametrize("q", [0.05, 0.2])
def test_suspects_are_those_of_benjamini_and_hochberg_over_all_cases(q: float) -> None:
    """200 cases, of which 50 are slower by 8 %; seed 1; scipy's adjusted p-values."""
    chance = random.Random(1)
    pairs = [
        Pair(key, noisy(chance), noisy(chance, 1.08 if key < 50 else 1.0))
        for key in range(200)
    ]
    tested = screen(pairs, Limits(q=q))
    p = [reference_p(pair.base, pair.head, 0.02) for pair in pairs]
    expected = scipy_stats.false_discovery_control(p) <= q
    suspects = [each.verdict == Verdict.SUSPECT for each in tested]
    assert suspects == expected.tolist()
    assert 10 < sum(suspects) < 60


def test_many_other_cases_ask_more_of_one() -> None:
    """Slower by about 2 standard errors more than tolerated: enough for one in one."""
    head = times(1.042)
    assert lone(STEADY, head).verdict == Verdict.SUSPECT
    others = [Pair(key, STEADY, STEADY) for key in range(20)]
    *_, crowded = screen([*others, Pair("it", STEADY, head)])
    assert crowded.verdict == Verdict.INCONCLUSIVE
    assert crowded.p == lone(STEADY, head).p


@pytest.mark.parametrize("few", [(1.0,), (1.0, 1.01)])
def test_fewer_than_three_launches_are_no_test_and_no_hypothesis(
    few: stats.Sample,
) -> None:
    """The ratio is told; beside 20 of them a lone case is still one among one."""
    pairs = [Pair(key, few, times(9.0)) for key in range(20)]
    pairs += [Pair(key, STEADY, times(9.0, few)) for key in range(20)]
    *untested, tested = screen([*pairs, Pair("it", STEADY, times(1.042))])
    assert tested.verdict == Verdict.SUSPECT
    for each in untested:
        assert each.verdict == Verdict.INCONCLUSIVE
        assert each.ratio == pytest.approx(9.0, rel=0.02)
        assert [each.p, each.low, each.high, each.smallest] == [None] * 4
    assert [each.verdict for each in confirm(pairs)] == [Verdict.INCONCLUSIVE] * 40


def test_same_means_that_the_upper_bound_is_below_what_is_tolerated() -> None:
    """The one-sided 95 % bound of the ratio, by scipy, against a δ to either side."""
    head = times(1.01, WILD)
    test = scipy_stats.ttest_ind(np.log(head), np.log(STEADY), equal_var=False)
    bound = math.exp(test.confidence_interval(0.90).high) - 1
    assert lone(STEADY, head, Limits(slowdown=bound + 1e-6)).verdict == Verdict.SAME
    assert (
        lone(STEADY, head, Limits(slowdown=bound - 1e-6)).verdict
        == Verdict.INCONCLUSIVE
    )


def test_faster_is_the_mirror_of_slower_at_its_own_level() -> None:
    """What is slower one way round is faster the other, where the levels are equal."""
    slow = times(1.032)
    there, back = lone(STEADY, slow), lone(slow, STEADY)
    assert there.verdict == Verdict.SUSPECT
    assert there.p == pytest.approx(0.13, abs=0.01)
    assert back.verdict == Verdict.SAME  # which is not enough for a verdict that stays
    assert lone(slow, STEADY, Limits(faster=0.2)).verdict == Verdict.FASTER
    assert lone(times(1.1), STEADY).verdict == Verdict.FASTER


def test_a_case_may_have_a_slow_down_of_its_own() -> None:
    """The case that may be 10 % slower is held against that, the other is not."""
    pair = Pair("it", STEADY, times(1.06))
    tolerant = replace(pair, key="noisy", slowdown=0.1)
    strict, lax = screen([pair, tolerant])
    assert (strict.slowdown, lax.slowdown) == (0.02, 0.1)
    assert strict.verdict == Verdict.SUSPECT
    assert lax.verdict == Verdict.SAME
    assert lax.p == pytest.approx(reference_p(pair.base, pair.head, 0.1), rel=1e-9)
    assert lax.smallest is not None
    assert strict.smallest is not None
    assert 1 + lax.smallest == pytest.approx(1.1 / 1.02 * (1 + strict.smallest))
    assert [each.verdict for each in confirm([pair, tolerant])] == ["slower", "same"]


@pytest.mark.parametrize(
    ("head", "verdict", "p"),
    [
        (1.03, "suspect", 0),
        (1.02, "inconclusive", 0.5),
        (1.0, "same", 1),
        (0.9, "faster", 1),
    ],
)
def test_identical_launches_are_judged_without_dividing_by_zero(
    head: float, verdict: str, p: float
) -> None:
    """Slower at all by more than δ is surely slower; by exactly δ is a toss-up."""
    tested = lone((1.0,) * 4, (head,) * 4)
    assert tested.p == pytest.approx(p, abs=1e-6)
    assert tested.verdict == verdict
    assert tested.smallest == pytest.approx(0.02, abs=1e-6)


def test_one_side_without_scatter_leaves_the_degrees_of_the_other() -> None:
    """Welch's test becomes Student's of one sample against the constant."""
    tested = lone((1.0,) * 7, times(1.03))
    test = scipy_stats.ttest_1samp(
        np.log(times(1.03)), math.log(1.02), alternative="greater"
    )
    assert tested.p == pytest.approx(test.pvalue, rel=1e-6)


def test_the_second_look_is_holms_over_the_suspects() -> None:
    """A p of 0.0063 is enough for one suspect at 1 %, and not for one of two."""
    slow = Pair("slow", STEADY, times(1.053))
    (alone,) = confirm([slow])
    assert alone.p == pytest.approx(0.0063, abs=0.0005)
    assert alone.verdict == Verdict.SLOWER
    unchanged = Pair("unchanged", STEADY, STEADY)
    assert [each.verdict for each in confirm([slow, unchanged])] == [
        *("inconclusive", "same")
    ]
    slower = Pair("slower", STEADY, times(1.2))
    assert [each.verdict for each in confirm([slow, slower])] == ["slower", "slower"]


def test_the_second_look_may_find_a_suspect_faster() -> None:
    (tested,) = confirm([Pair("it", STEADY, times(0.8))])
    assert tested.verdict == Verdict.FASTER


def test_no_screen_says_slower_and_no_second_look_says_suspect() -> None:
    pairs = [Pair(key, STEADY, times(key)) for key in (0.7, 1.0, 1.05, 1.5)]
    assert Verdict.SLOWER not in {each.verdict for each in screen(pairs)}
    assert Verdict.SUSPECT not in {each.verdict for each in confirm(pairs)}


def test_where_even_a_hundredfold_slow_down_would_not_show_none_is_told() -> None:
    """Three launches that scatter tenfold, among 300 cases."""
    wild = Pair("wild", (0.1, 1.0, 10.0), (0.1, 1.0, 10.0))
    tested, steady, *_ = screen([wild, *[Pair(n, STEADY, STEADY) for n in range(299)]])
    assert tested.smallest is None
    assert tested.p is not None
    assert steady.smallest is not None
    assert 0.02 < steady.smallest < 0.15


def test_the_smallest_slow_down_has_to_pass_both_looks() -> None:
    """One case among one: the second look's level is the harder, the first's counts."""
    pair = Pair("it", STEADY, STEADY)
    (both,), (second,) = screen([pair]), confirm([pair])
    (first,) = screen([pair], Limits(alpha=0.999999))
    (surer,) = screen([pair], Limits(power=0.95))
    told = [each.smallest or 0.0 for each in (first, second, both, surer)]
    assert 0 < told[0] < told[1] < told[2] < told[3]


def test_ten_thousand_cases_are_screened_each_by_itself() -> None:
    """10 launches a side, as a nightly run over everything would have."""
    chance = random.Random(2)
    pairs = [
        Pair(key, noisy(chance, launches=10), noisy(chance, launches=10))
        for key in range(10_000)
    ]
    tested = screen(pairs)
    assert len({each.p for each in tested}) == 10_000


def test_importing_it_brings_in_neither_numpy_nor_scipy() -> None:
    """Every view is imported by every report; only the guard needs them."""
    script = (
        "import sys, reports.guard.testing\n"
        "print({'numpy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"

"""The guard over made-up cases: what it promises, and that the simulation is of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from reports.guard import simulate, simulation, testing
from reports.guard.simulation import Design, Floats, Outcome, Shape, Truth
from reports.guard.simulation_tables import binomial_interval
from reports.guard.testing import Limits, Pair, confirm, screen

DESIGN = Design(runs=1000, seed=2)
LIMIT = DESIGN.limits.slowdown
NOISES = [(0.03, tails) for tails in simulation.TAILS] + [(0.1, "normal")]


@pytest.mark.parametrize(("spread", "tails"), NOISES)
def test_a_run_without_a_slower_case_fails_in_at_most_one_of_a_hundred(
    spread: float, tails: str
) -> None:
    """1,000 runs of 300 cases, unchanged and all slower by exactly what is tolerated.

    The upper end of the 95 % interval of either rate is below 1 %.
    """
    truths = (Truth(), Truth(rest=LIMIT), Truth(that_day=0.05))
    for outcome in simulation.simulate(DESIGN, spread, tails, truths):
        assert outcome.runs == 1000
        assert outcome.failed == outcome.false_alarms
        assert binomial_interval(outcome.false_alarms, outcome.runs)[1] < 0.01


def test_beside_many_slow_cases_no_more_false_alarms_are_raised() -> None:
    """Half are slower by 20 %, so that many of those at the limit are suspects.

    There the rate is as high as it gets, 1 % by design: 3,000 runs do not exceed it.
    """
    design = replace(DESIGN, runs=3000)
    (outcome,) = simulation.simulate(
        design, 0.03, "normal", (Truth(150, 0.2, rest=LIMIT),)
    )
    assert outcome.second_looks == outcome.failed == 3000
    assert outcome.suspects / outcome.runs > 160
    assert binomial_interval(outcome.false_alarms, outcome.runs)[0] < 0.01
    assert outcome.false_alarms / outcome.runs < 0.015


def test_a_slow_down_of_10_percent_is_found_at_3_percent_noise() -> None:
    """1,000 runs, 10 launches a side: the lower end of the interval is above 85 %."""
    lone, some = simulation.simulate(
        DESIGN, 0.03, "normal", (Truth(1, 0.1), Truth(30, 0.1))
    )
    found = round(lone.share_found * lone.runs)
    assert binomial_interval(found, lone.runs)[0] > 0.85
    assert some.share_found > lone.share_found
    assert some.failed == some.runs


def test_the_screen_alone_would_raise_the_alarms_that_the_second_look_prevents() -> (
    None
):
    """All cases slower by exactly the limit: a fifth of the runs has a suspect."""
    (outcome,) = simulation.simulate(DESIGN, 0.03, "normal", (Truth(rest=LIMIT),))
    assert 0.1 < outcome.second_looks / outcome.runs < 0.2
    assert outcome.false_alarms < outcome.second_looks / 20


def test_a_machine_that_was_slower_that_day_makes_suspects_and_no_alarm() -> None:
    (outcome,) = simulation.simulate(
        replace(DESIGN, runs=100), 0.01, "normal", (Truth(that_day=0.05),)
    )
    assert outcome.suspects > 0.99 * 100 * 300
    assert outcome.failed == 0


def test_the_simulation_is_of_the_functions_that_judge_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same launches, as seconds, through screen and confirm: the same outcome."""
    drawn: list[Floats] = []

    def recorded(chance: np.random.Generator, spread: float, shape: Shape) -> Floats:
        drawn.append(spread * chance.standard_normal(shape))
        return drawn[-1]

    monkeypatch.setitem(simulation.TAILS, "normal", recorded)
    limits = Limits(q=0.3, alpha=0.1)
    design = Design(cases=12, launches=4, fresh=5, runs=60, seed=9, limits=limits)
    truth = Truth(4, 0.12, rest=LIMIT, that_day=0.01)
    (outcome,) = simulation.simulate(design, 0.05, "normal", (truth,))
    base, head, fresh_base, fresh_head = [np.exp(each) for each in drawn]
    factors = np.where(np.arange(12) < 4, 1.12, 1 + LIMIT)[:, np.newaxis]
    expected = Outcome()
    for run in range(60):
        screened = screen(_pairs(base[run], head[run] * factors * 1.01), limits)
        pairs = _pairs(fresh_base[run], fresh_head[run] * factors)
        suspects = [each.pair.key for each in screened if each.verdict == "suspect"]
        confirmed = confirm([pairs[int(str(key))] for key in suspects], limits)
        expected += _outcome(confirmed, slow=4)
    assert replace(outcome, share_found=0) == replace(expected, share_found=0)
    assert outcome.share_found == pytest.approx(expected.share_found)
    assert outcome.false_alarms > 0
    assert 0 < outcome.share_found < 1


def _pairs(base: Floats, head: Floats) -> list[Pair]:
    sides = zip(base.tolist(), head.tolist(), strict=True)
    return [
        Pair(key, tuple(before), tuple(after))
        for key, (before, after) in enumerate(sides)
    ]


def _outcome(confirmed: tuple[testing.Tested, ...], slow: int) -> Outcome:
    """Of one run, whose first ``slow`` cases are slow."""
    slower = [int(str(e.pair.key)) for e in confirmed if e.verdict == "slower"]
    return Outcome(
        runs=1,
        second_looks=int(len(confirmed) > 0),
        suspects=len(confirmed),
        false_alarms=int(any(key >= slow for key in slower)),
        failed=int(len(slower) > 0),
        share_found=sum(key < slow for key in slower) / slow,
    )


def test_a_seed_gives_the_same_outcome_whatever_else_is_asked() -> None:
    """In any company of truths; another seed, another spread gives another."""
    design = Design(cases=20, runs=130, seed=3)
    truth = Truth(10, 0.08, rest=LIMIT)
    (alone,) = simulation.simulate(design, 0.03, "t3", (truth,))
    *_, among = simulation.simulate(design, 0.03, "t3", (Truth(), Truth(1, 0.2), truth))
    (other,) = simulation.simulate(replace(design, seed=4), 0.03, "t3", (truth,))
    assert alone == among
    assert alone != other
    assert alone.runs == 130


@pytest.mark.parametrize("tails", simulation.TAILS)
def test_noise_is_as_wide_as_it_says(tails: str) -> None:
    """Standard deviation 3 %, and the struck launches come on top of it."""
    chance = np.random.default_rng(1)
    scatter = simulation.TAILS[tails](chance, 0.03, (500_000,))
    struck = 0.05 * 0.95 * np.log(1.2) ** 2 if tails == "struck" else 0.0
    # the fourth moment of t with 3 degrees does not exist: its variance settles slowly
    assert np.std(scatter) == pytest.approx(np.sqrt(0.03**2 + struck), rel=0.1)


@pytest.mark.parametrize(("count", "runs"), [(0, 400), (3, 400), (400, 400)])
def test_the_interval_of_a_rate_is_the_exact_one(count: int, runs: int) -> None:
    interval = scipy_stats.binomtest(count, runs).proportion_ci(0.95, "exact")
    assert binomial_interval(count, runs) == pytest.approx(
        (interval.low, interval.high)
    )


SMALL = ("--runs", "30", "--cases", "20", "--noise", "3%,10%", "--seed", "5")


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert simulate.main([*SMALL, *options]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["plain", "github", "json"])
def test_the_command_prints_its_tables_the_same_each_time(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    once = printed(capsys, "--format", form)
    assert once == printed(capsys, "--format", form)
    for title in ("False alarms: 20 cases", "Power: 20 cases", "Launches: 20 cases"):
        assert title in once


def test_rows_do_not_change_with_the_other_noises_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    both = json.loads(printed(capsys, "--table", "power", "--format", "json"))
    options = ("--table", "power", "--format", "json", "--noise", "10%")
    one = json.loads(printed(capsys, *options))
    assert len(one[0]["rows"]) == 9
    assert one[0]["rows"] == both[0]["rows"][9:]


def test_a_tolerated_slow_down_is_not_said_to_be_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lax = printed(capsys, "--table", "power", "--slowdown", "10%")
    assert "by 5 % and 10 %: tolerated, so each one found is an alarm" in lax
    assert "tolerated" not in printed(capsys, "--table", "power")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--runs", "0"), "'0' is no whole number from 1 on"),
        (("--launches", "2"), "'2' is no whole number from 3 on"),
        (("--q", "120%"), "'120%' is not below 100 %"),
        (("--noise", "3%,lots"), "'lots' is no slow-down"),
        (("--slowdown", "0.05"), "write 5%"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        simulate.main(options)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err

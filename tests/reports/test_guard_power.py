"""The smallest slow-down that a case could have shown: its formula, and by trying."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import nctdtr, stdtrit

from reports.guard import power, simulation
from reports.guard.launches_table import table
from reports.guard.simulation import Design, Truth
from reports.guard.testing import DEFAULTS, Limits, Pair, screen
from reports.guard.welch import Differences


def smallest(
    degrees: float, levels: Sequence[float], wanted: float = 0.8, error: float = 0.01
) -> float:
    several = np.array([float(degrees)])
    changes = Differences(np.zeros(1), np.array([error]), several, several)
    return float(power.smallest_slowdowns(changes, np.array([0.02]), levels, wanted)[0])


def pairs_of(scatter: npt.NDArray[np.float64]) -> list[Pair]:
    """Cases that take a second, give or take; scatter of logs, case × side × launch."""
    sides = np.exp(scatter).tolist()
    return [Pair("it", tuple(base), tuple(head)) for base, head in sides]


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95])
@pytest.mark.parametrize(
    "levels", [(0.2 / 300, 0.01), (0.01,), (0.1, 0.01), (0.01, 0.01)]
)
@pytest.mark.parametrize(("degrees", "within"), [(18, 0.002), (8, 0.007), (4, 0.02)])
def test_all_tests_are_passed_at_the_power_asked_for(
    degrees: int, within: float, levels: tuple[float, ...], wanted: float
) -> None:
    """By the exact noncentral t distribution, a test of its own for each level."""
    found = smallest(degrees, levels, wanted)
    distance = (math.log1p(found) - math.log1p(0.02)) / 0.01
    quantiles = [-stdtrit(degrees, level) for level in levels]
    passed = math.prod([1 - nctdtr(degrees, distance, each) for each in quantiles])
    assert passed == pytest.approx(wanted, abs=within)


def test_it_is_larger_for_more_noise_more_cases_and_fewer_launches() -> None:
    usual = smallest(18, (1e-3, 0.01))
    assert smallest(18, (1e-3, 0.01), error=0.02) > usual
    assert smallest(18, (1e-4, 0.01)) > usual
    assert smallest(4, (1e-3, 0.01)) > usual
    assert smallest(18, (1e-3,)) < usual
    assert math.isnan(smallest(2, (1e-5,), error=0.5))


@pytest.mark.parametrize("launches", [3, 5, 10])
def test_what_a_typical_case_is_told_is_found_in_80_of_100_runs(launches: int) -> None:
    """Seed 4; the median over 1,500 cases of 300 a run; then 2,000 runs; 3 % noise."""
    scatter = np.random.default_rng(4).normal(0, 0.03, (5, 300, 2, launches))
    told = [each.smallest for run in scatter for each in screen(pairs_of(run))]
    typical = float(np.median([each for each in told if each is not None]))
    design = Design(runs=2000, seed=4, launches=launches, fresh=launches)
    (outcome,) = simulation.simulate(design, 0.03, "normal", (Truth(1, typical),))
    assert outcome.share_found == pytest.approx(0.8, abs=0.03)


def test_the_table_of_launches_tells_what_a_case_of_that_noise_is_told() -> None:
    """3 % noise, 10 launches, 300 cases; in the table and of such a case itself."""
    logs = np.linspace(-1, 1, 10)
    sample = tuple(np.exp(0.03 * logs / logs.std(ddof=1)).tolist())
    told = screen([Pair(each, sample, sample) for each in range(300)])[0].smallest
    columns = {
        each.heading: each.cells for each in table(300, DEFAULTS, [0.03]).columns()
    }
    place = columns["launches"].index(10)
    assert columns["smallest"][place] == pytest.approx(told)


@pytest.mark.parametrize(("launches", "slowdown"), [(10, 0.02), (10, 0.05), (5, 0.05)])
def test_the_table_tells_how_many_unchanged_cases_are_said_to_be_the_same(
    launches: int, slowdown: float
) -> None:
    """Against the verdicts on 3,000 unchanged cases, seed 6; 3 % noise."""
    limits = Limits(slowdown=slowdown)
    columns = {
        each.heading: each.cells for each in table(300, limits, [0.03]).columns()
    }
    told = columns["said_same"][columns["launches"].index(launches)]
    scatter = np.random.default_rng(6).normal(0, 0.03, (3000, 2, launches))
    tested = screen(pairs_of(scatter), limits)
    share = sum(each.verdict == "same" for each in tested) / len(tested)
    assert share == pytest.approx(told, abs=0.03)

"""Amdahl's law fitted: known answers, other ways to reckon, coverage by simulation."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats as scipy_stats

from reports import amdahl, stats
from reports.amdahl import Fit

CORES = (1, 2, 4, 8, 16)
# of no law exactly: 3 % and less off one with a tenth serial
NEARLY = (4.0, 2.22, 1.28, 0.87, 0.62)


def law(one_core: float, serial: float, cores: Sequence[int]) -> tuple[float, ...]:
    return tuple([one_core * (serial + (1 - serial) / n) for n in cores])


def fitted(
    cores: Sequence[int], times: Sequence[float], scatter: float = 0.001
) -> Fit | None:
    """The fit to ``times`` of three launches each, which differ by ``scatter``."""
    launches = [(t, t * (1 + scatter), t / (1 + scatter)) for t in times]
    return amdahl.fit(cores, [stats.epoch_time(each) for each in launches])


def found(cores: Sequence[int], times: Sequence[float], scatter: float = 0.001) -> Fit:
    fit = fitted(cores, times, scatter)
    assert fit is not None
    return fit


@pytest.mark.parametrize("serial", [0.0, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("cores", [CORES, (2, 3, 12), (1, 2, 4, 128)])
def test_times_by_the_law_give_its_serial_fraction_back(
    serial: float, cores: tuple[int, ...]
) -> None:
    """And one core's time, misses of nothing, and an interval without width."""
    fit = found(cores, law(4.0, serial, cores))
    assert fit.estimate == pytest.approx(serial, abs=1e-12)
    assert fit.one_core == pytest.approx(4.0)
    assert fit.misses == pytest.approx([0.0] * len(cores), abs=1e-12)
    assert not fit.is_poor
    if len(cores) > 3:
        assert fit.interval == pytest.approx((serial, serial), abs=1e-9)


def test_estimate_is_that_of_least_squares_on_relative_errors() -> None:
    """Against numpy's, of 1 = t(1) s / t + t(1) (1 - s) / (n t)."""
    times = np.array(NEARLY)
    ones = np.ones(len(times))
    design = np.column_stack([1 / times, 1 / (times * np.array(CORES))])
    (serial, parallel), *_ = np.linalg.lstsq(design, ones, rcond=None)
    fit = found(CORES, NEARLY)
    assert fit.one_core == pytest.approx(serial + parallel)
    assert fit.estimate == pytest.approx(serial / (serial + parallel))


def test_interval_ends_where_the_errors_are_significantly_larger() -> None:
    """With s held at either end, the best t(1) leaves t² / degrees times more error."""
    fit = found(CORES, NEARLY)
    assert fit.interval is not None
    least = math.fsum(miss**2 for miss in fit.misses)
    for end in fit.interval:
        shape = np.array(law(1.0, end, CORES)) / np.array(NEARLY)
        errors = 1 - shape * shape.sum() / (shape**2).sum()
        more = (errors**2).sum() / least - 1
        assert more == pytest.approx(scipy_stats.t.ppf(0.975, 3) ** 2 / 3)


@pytest.mark.parametrize("off", [0.0, 0.03])
@pytest.mark.parametrize(
    ("launches", "cores"), [(1, CORES), (3, CORES), (5, (1, 2, 4, 8))]
)
def test_interval_covers_the_serial_fraction_95_times_in_100(
    off: float, launches: int, cores: tuple[int, ...]
) -> None:
    """2,000 fits, seed 7, s = 0.08; 3 % between launches.

    Where the law itself is ``off`` by 3 % on each number of cores, launches of one
    share that, and more of them do not make the interval any narrower.
    """
    chance = random.Random(7)
    covered = 0
    for _ in range(2000):
        times = []
        for seconds in law(4.0, 0.08, cores):
            here = seconds * math.exp(chance.gauss(0, off))
            sample = [here * math.exp(chance.gauss(0, 0.03)) for _ in range(launches)]
            times.append(stats.epoch_time(tuple(sample)))
        fit = amdahl.fit(cores, times)
        assert fit is not None
        assert fit.interval is not None
        covered += fit.interval[0] <= 0.08 <= fit.interval[1]
    assert 0.93 < covered / 2000 < 0.97


def test_three_numbers_of_cores_give_no_interval() -> None:
    """One degree of freedom says nothing about an error."""
    fit = found((1, 2, 4), (4.0, 2.2, 1.3))
    assert fit.interval is None
    assert fit.serial_interval is None
    assert fit.limit_interval is None
    assert fit.limit == pytest.approx(1 / fit.serial)


def test_faster_than_in_proportion_is_clipped_to_no_serial_part() -> None:
    """Which sets no limit, but for what the upper end of the interval does."""
    fit = found(CORES, (4.0, 1.97, 0.97, 0.49, 0.24))
    assert -0.02 < fit.estimate < 0
    assert fit.is_clipped
    assert fit.serial == 0
    assert fit.limit is None
    assert fit.serial_interval is not None
    low, high = fit.serial_interval
    assert low == 0
    assert fit.limit_interval == (1 / high, None)


def test_slower_with_more_cores_is_clipped_to_all_serial() -> None:
    """Which limits the speed-up to none at all."""
    fit = found((1, 2, 4), (1.0, 1.05, 1.08))
    assert fit.estimate > 1
    assert (fit.serial, fit.limit, fit.is_clipped) == (1.0, 1.0, True)


def test_interval_wholly_outside_leaves_none() -> None:
    """Clipped it would have no width, and look exact."""
    fit = found(CORES, law(4.0, -0.02, CORES))
    assert fit.interval == pytest.approx((-0.02, -0.02))
    assert fit.serial_interval is None
    assert fit.limit_interval is None


def test_no_law_without_a_time_on_one_core() -> None:
    """A line through times that rise so steeply meets one core below 0."""
    assert fitted((8, 16, 32), (1.0, 2.0, 2.5)) is None


def test_worst_miss_is_relative_to_the_time_measured() -> None:
    fit = found(CORES, (4.0, 2.2, 1.3, 0.85, 0.9))
    assert fit.cores[fit.worst] == 16
    assert fit.misses[fit.worst] == pytest.approx(1 - fit.seconds(16) / 0.9)
    assert fit.misses[fit.worst] > 0.1


def test_no_serial_part_but_for_rounding_is_no_limit_and_not_clipped() -> None:
    """A limit of 1e16 would be of the arithmetic."""
    fit = found(CORES, law(3.3, 0.0, CORES))
    assert (fit.serial, fit.limit, fit.is_clipped) == (0.0, None, False)


@pytest.mark.parametrize(("scatter", "poor"), [(0.001, True), (0.3, False)])
def test_fit_is_poor_where_launches_do_not_explain_the_miss(
    scatter: float, poor: bool
) -> None:
    """The last time is a third above what the others say."""
    times = (*law(4.0, 0.1, CORES[:-1]), 0.83)
    assert found(CORES, times, scatter).is_poor is poor


def test_small_miss_is_not_poor_however_exact_the_times() -> None:
    """No machine keeps to the law exactly."""
    fit = found(CORES, NEARLY, scatter=1e-6)
    assert max(map(abs, fit.misses)) > 0.01
    assert not fit.is_poor


def test_without_an_interval_the_tolerance_decides() -> None:
    """Nobody knows whether single launches explain a miss of more than a tenth."""
    times = [stats.epoch_time((each,)) for each in (4.0, 2.2, 1.3, 0.85, 0.9)]
    fit = amdahl.fit(CORES, times)
    assert fit is not None
    assert fit.is_poor


def test_any_times_that_a_file_may_hold_are_fitted_without_an_error() -> None:
    """2,000 draws, seed 3: the shortest beside the longest, cores one apart."""
    chance = random.Random(3)
    most = 10**9
    for _ in range(2000):
        count = chance.choice([3, 4, 6])
        first = chance.choice([1, 7, most - count])
        cores = range(first, first + count)
        times = [10 ** chance.uniform(-9, 9) for _ in cores]
        fit = amdahl.fit(cores, [stats.epoch_time((each,)) for each in times])
        if fit is not None:
            assert 0 <= fit.serial <= 1
            assert not math.isnan(fit.misses[fit.worst])

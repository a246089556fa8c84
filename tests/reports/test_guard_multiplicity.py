"""Benjamini–Hochberg and Holm, against worked examples and scipy."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from reports.guard.multiplicity import benjamini_hochberg, holm

#: The example of Benjamini and Hochberg 1995, section 3.2: fifteen hypotheses, of which
#: at 5 % their procedure rejects four and Holm's three.
PUBLISHED = np.array(
    [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
)


def test_the_published_example_rejects_four_by_one_and_three_by_the_other() -> None:
    assert benjamini_hochberg(PUBLISHED, 0.05).tolist() == [True] * 4 + [False] * 11
    assert holm(PUBLISHED, 0.05).tolist() == [True] * 3 + [False] * 12


def test_flags_are_in_the_order_of_the_cases() -> None:
    """Holm at 5 % over four: 0.005 passes at 0.0125, 0.01 at 0.0167, 0.03 not."""
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(p, 0.05).tolist() == [True, False, False, True]
    assert benjamini_hochberg(p[::-1], 0.02).tolist() == [True, False, False, True]


@pytest.mark.parametrize("q", [0.01, 0.05, 0.2, 0.5])
def test_benjamini_hochberg_agrees_with_scipy(q: float) -> None:
    """200 rows of 40 p-values, a quarter of them small; seed 3."""
    chance = np.random.default_rng(3)
    p = chance.random((200, 40))
    p[:, ::4] **= 4
    adjusted = scipy_stats.false_discovery_control(p, axis=1)
    found = benjamini_hochberg(p, q)
    assert found.any()
    assert (found == (adjusted <= q)).all()


def test_a_small_p_falls_for_the_larger_ones_beside_it_only_by_one_of_the_two() -> None:
    """0.04 twice: Benjamini and Hochberg ask the larger for 0.05, Holm for 0.025."""
    p = np.array([0.04, 0.04])
    assert benjamini_hochberg(p, 0.05).all()
    assert not holm(p, 0.05).any()


def test_holm_stops_at_the_first_that_does_not_fall() -> None:
    """The third would pass at its own 0.05, but the second has not."""
    assert holm(np.array([0.01, 0.03, 0.045]), 0.05).tolist() == [True, False, False]


@pytest.mark.parametrize("procedure", [benjamini_hochberg, holm])
def test_what_is_no_hypothesis_neither_falls_nor_counts(procedure: object) -> None:
    """0.03 falls at 5 % alone; beside a second hypothesis that is true it would not."""
    assert callable(procedure)
    flags = procedure(np.array([[np.nan, 0.03], [1.0, 0.03], [np.nan, np.nan]]), 0.05)
    assert flags.tolist() == [[False, True], [False, False], [False, False]]


@pytest.mark.parametrize("procedure", [benjamini_hochberg, holm])
def test_rows_are_judged_on_their_own(procedure: object) -> None:
    assert callable(procedure)
    p = np.random.default_rng(5).random((50, 8)) ** 3
    rows = [procedure(row, 0.1).tolist() for row in p]
    assert procedure(p, 0.1).tolist() == rows
    assert procedure(p[:0], 0.1).shape == (0, 8)

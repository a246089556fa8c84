"""Numbers with the digits they deserve."""

import pytest

from reports import digits


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.81249, "0.812"), (9.996, "10.0"), (12.34, "12.3"), (1330.4, "1330")],
)
def test_a_number_alone_has_three_digits_and_all_its_integer_ones(
    value: float, text: str
) -> None:
    assert digits.number(value) == text


@pytest.mark.parametrize(
    ("half", "text"),
    [
        (0.354, "2.40 ± 0.35"),
        (0.356, "2.4 ± 0.4"),
        (0.0123, "2.401 ± 0.012"),
        (0.098, "2.40 ± 0.10"),
        (1e-9, "2.4012 ± 0.0000"),
        (0, "2.40 ± 0.00"),
    ],
)
def test_decimals_follow_the_half_width(half: float, text: str) -> None:
    """Two digits of a half-width that starts low, one of one that starts high."""
    value = 2.4012
    assert digits.with_half_width(value, value - half, value + half) == text


def test_interval_and_value_have_the_same_decimals() -> None:
    assert digits.with_interval(16.23, 14.9, 17.5) == "16.2 (14.9–17.5)"
    assert digits.with_extremes(2.4, 2.312, 2.5) == "2.40 (2.31–2.50)"


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (2.01, 0.364, 11.2, "2.0 (0.36–11)"),  # ± 5 would take it below 0
        (2.0, 1.7, 2.6, "2.0 (1.7–2.6)"),
        (2.0, 1.8, 2.3, "2.00 ± 0.25"),
    ],
)
def test_wide_interval_is_written_with_its_ends(
    value: float, low: float, high: float, text: str
) -> None:
    assert digits.with_half_width(value, low, high) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.96, 2.5, "2.00 (0.96–2.50)"),
        (0.996, 2.5, "2.000 (0.996–2.500)"),
        (0.51, 9.1, "2.0 (0.51–9.1)"),
        (0.996, 4.1, "2.0 (0.996–4.1)"),
        (0.3, 1.004, "2.0 (0.30–1.004)"),
        (1.0, 4.1, "2.0 (1.0–4.1)"),
    ],
)
def test_no_end_of_a_ratio_is_rounded_to_another_claim(
    low: float, high: float, text: str
) -> None:
    """Neither to one digit, nor onto 1, where nothing differs."""
    assert digits.with_interval(2.0, low, high) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.1565, 0.0036, 42.6991, "0.16 (0.0036–43)"),
        (1.1829, 0.0043, 51.5419, "1.2 (0.0043–52)"),
        (720, 90, 1330, "720 (90–1330)"),
        (1.7, 1, 3.0001, "1.7 (1.0–3.0)"),
        (1.71, 1, 3, "1.7 (1.0–3.0)"),
        (0.0152, 0.0101, 0.0298, "0.015 (0.010–0.030)"),
        (1.3, 0.0, 4.0, "1.3 (0.0–4.0)"),
    ],
)
def test_ends_more_than_3_times_apart_have_digits_of_their_own(
    value: float, low: float, high: float, text: str
) -> None:
    """Decimals that the low end needs are far too many for the high one."""
    assert digits.with_interval(value, low, high) == text

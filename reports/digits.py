"""Numbers as text with the digits they deserve, never in scientific notation."""

_WIDE = 1.5  # high / low
_APART = 3  # high / low: no decimals fit both ends
_MOST = 5  # decimals


def decimals(value: float, significant: int) -> int:
    """Decimals that show ``value`` (above 0) to ``significant`` digits; 0 or more."""
    exponent = int(f"{value:.{significant - 1}e}".partition("e")[2])
    return max(0, significant - 1 - exponent)


def number(value: float, significant: int = 3) -> str:
    """``value`` (above 0) alone: 0.812, 12.3, 1330."""
    return f"{value:.{decimals(value, significant)}f}"


def is_wide(low: float, high: float) -> bool:
    """Whether the ends of an interval say more than half its width."""
    return high > _WIDE * low


def with_half_width(value: float, low: float, high: float) -> str:
    """``2.40 ± 0.12``: as many decimals as the half-width deserves.

    A wide interval is written with its ends, since it is not even around the value.
    """
    if is_wide(low, high):
        return with_interval(value, low, high)
    places = _places(value, low, high)
    return f"{value:.{places}f} ± {(high - low) / 2:.{places}f}"


def with_interval(value: float, low: float, high: float) -> str:
    """``1.52 (1.40–1.66)``: as many decimals as the half-width deserves.

    More where an end would lose its first digits, or be rounded to 1, which for a ratio
    is another thing to say. Where the high end is more than 3 times the low one each
    number has two digits of its own: ``0.16 (0.0036–43)``.
    """
    if 0 < _APART * low < high:
        ends = [f"{end:.{_not_1(end, decimals(end, 2))}f}" for end in (low, high)]
        return f"{number(value, 2)} ({'–'.join(ends)})"
    places = max(_places(value, low, high), decimals(low, 2) if low > 0 else 0)
    places = max(_not_1(end, places) for end in (low, high))
    return _ranged(value, low, high, places)


def with_extremes(value: float, low: float, high: float) -> str:
    """``2.40 (2.31–2.52)``: three digits, since extremes tell little of the error."""
    return _ranged(value, low, high, decimals(value, 3))


def _not_1(end: float, places: int) -> int:
    """``places``, or as many more as show that ``end`` is not 1, up to 5."""
    while places < _MOST and float(f"{end:.{places}f}") == 1 != end:
        places += 1
    return places


def _ranged(value: float, low: float, high: float, places: int) -> str:
    return f"{value:.{places}f} ({low:.{places}f}–{high:.{places}f})"


def _places(value: float, low: float, high: float) -> int:
    """Decimals by the half-width: two digits of 0.10 to 0.35, one of 0.36 to 0.94.

    Source: the rounding rule of the Particle Data Group, introduction, section 5.3.
    """
    half = (high - low) / 2
    if half <= 0:  # launches identical to the last digit
        return decimals(value, 3)
    mantissa, _, exponent = f"{half:.2e}".partition("e")
    places = (1 if float(mantissa) < 3.55 else 0) - int(exponent)
    # no timing is worth more than five digits
    return max(0, min(places, decimals(value, 5)))

"""Cells: levels, changes and when they were, as text for people."""

from collections.abc import Sequence
from datetime import datetime

from reports import digits
from reports.trend.changes import Level, Step

#: Stands where there is no such figure.
NONE = "—"
#: Beyond it the two ends of a change are written, which are not even around it.
_WIDE = 1.5  # high / low of the ratio


def level(of: Level) -> str:
    """A level's time."""
    if of.low is None or of.high is None:
        return digits.number(of.seconds)
    return digits.with_half_width(of.seconds, of.low, of.high)


def step(of: Step | None) -> str:
    """``+10.2 ± 1.1``, in %, with its sign; ``+10.2*`` where it has no interval."""
    if of is None:
        return NONE
    if of.low is None or of.high is None:
        return f"{of.percent:+.1f}*"
    half = (of.high - of.low) / 2
    places = _places(half)
    value = f"{of.percent:+.{places}f}"
    if digits.is_wide(1 + of.low / 100, 1 + of.high / 100):
        return f"{value} ({of.low:+.{places}f} to {of.high:+.{places}f})"
    return f"{value} ± {half:.{places}f}"


def percent(of: Step) -> str:
    """``+10.2 %``, as far as its interval bears it out."""
    if of.low is None or of.high is None:
        return f"{of.percent:+.1f} %"
    return f"{of.percent:+.{_places((of.high - of.low) / 2)}f} %"


def day(when: datetime) -> str:
    """The date, in UTC."""
    return when.date().isoformat()


def minute(when: datetime) -> str:
    """The date and time, in UTC."""
    return f"{day(when)} {when:%H:%M}"


def period(whens: Sequence[datetime]) -> str:
    """From the first to the last of ``whens``, one or more."""
    start, end = minute(min(whens)), minute(max(whens))
    return f"{start} UTC" if start == end else f"{start} to {end} UTC"


def _places(half: float) -> int:
    """Decimals by half the width of an interval in %; no change is told to 0.01 %."""
    return 0 if half >= 9.5 else 1 if half >= 0.095 else 2

"""Cells that several tables have: a time and a speed-up, as sure as they are."""

from reports import digits, legend
from reports.comparison import Compared
from reports.stats import EpochTime, Speedup

#: Where a median is not in the interval beside it; `legend` explains it.
OUTSIDE = "≠"


def ratio(speedup: Speedup) -> str:
    """With its interval, or ``*`` where launches are too few for one."""
    value, low, high = speedup.ratio, speedup.low, speedup.high
    if low is None or high is None:
        return f"{digits.number(value)}*"
    outside = OUTSIDE if speedup.is_outside else ""
    return f"{digits.with_interval(value, low, high)}{outside}"


def time(of: EpochTime) -> str:
    """Seconds, as sure as launches are alike; ``*`` tells two's extremes from that."""
    if of.launches == 1:
        return digits.number(of.seconds)
    if not of.has_interval:
        return f"{digits.with_extremes(of.seconds, of.low, of.high)}*"
    if of.is_outside:
        return f"{digits.with_interval(of.seconds, of.low, of.high)}{OUTSIDE}"
    return digits.with_half_width(of.seconds, of.low, of.high)


def epoch(row: Compared) -> str:
    """The time, or what came of the case instead; with ‡ if it is less sure."""
    if row.time is None:
        return str(row.case.outcome)
    return f"{time(row.time)}{'‡' if legend.stopped_short(row) else ''}"


def speedup(row: Compared) -> str:
    """Over the row's baseline, marked where that is not quite of its kind."""
    if row.time is None or row.speedup is None:
        return "—"
    if row.is_baseline:
        return "1 (baseline)"
    marks = f"{'†' if row.precisions_differ else ''}{'§' if row.codes_differ else ''}"
    return f"{ratio(row.speedup)}{marks}"

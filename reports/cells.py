"""Cells that several tables have: a time and a speed-up, as sure as they are."""

from reports import digits, legend
from reports.comparison import Compared
from reports.stats import Speedup

#: Where a median is not in the interval beside it; `legend` explains it.
OUTSIDE = "≠"


def ratio(speedup: Speedup) -> str:
    """With its interval, or ``*`` where launches are too few for one."""
    value, low, high = speedup.ratio, speedup.low, speedup.high
    if low is None or high is None:
        return f"{digits.number(value)}*"
    outside = OUTSIDE if speedup.is_outside else ""
    return f"{digits.with_interval(value, low, high)}{outside}"


def epoch(row: Compared) -> str:
    """The time, or what came of the case instead; with ‡ if it is less sure.

    ``*`` tells the extremes of two launches from an interval.
    """
    if row.time is None:
        return str(row.case.outcome)
    seconds, low, high = row.time.seconds, row.time.low, row.time.high
    mark = "‡" if legend.stopped_short(row) else ""
    if row.time.launches == 1:
        return f"{digits.number(seconds)}{mark}"
    if not row.time.has_interval:
        return f"{digits.with_extremes(seconds, low, high)}*{mark}"
    if row.time.is_outside:
        return f"{digits.with_interval(seconds, low, high)}{OUTSIDE}{mark}"
    return f"{digits.with_half_width(seconds, low, high)}{mark}"


def speedup(row: Compared) -> str:
    """Over the row's baseline, marked where that is not quite of its kind."""
    if row.time is None or row.speedup is None:
        return "—"
    if row.is_baseline:
        return "1 (baseline)"
    marks = f"{'†' if row.precisions_differ else ''}{'§' if row.codes_differ else ''}"
    return f"{ratio(row.speedup)}{marks}"

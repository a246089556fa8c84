"""Cells that several tables have: a time and a speed-up, as sure as they are."""

from reports import digits, legend
from reports.comparison import Compared
from reports.stats import Speedup


def ratio(speedup: Speedup) -> str:
    """With its interval, or ``*`` where launches are too few for one."""
    if speedup.low is None or speedup.high is None:
        return f"{digits.number(speedup.ratio)}*"
    return digits.with_interval(speedup.ratio, speedup.low, speedup.high)


def epoch(row: Compared) -> str:
    """The time, or what came of the case instead; with ‡ if it is less sure."""
    if row.time is None:
        return str(row.case.outcome)
    seconds, low, high = row.time.seconds, row.time.low, row.time.high
    mark = "‡" if legend.stopped_short(row) else ""
    if row.time.launches == 1:
        return f"{digits.number(seconds)}{mark}"
    interval = row.time.has_interval
    write = digits.with_half_width if interval else digits.with_extremes
    return f"{write(seconds, low, high)}{mark}"


def speedup(row: Compared) -> str:
    """Over the row's baseline, marked where that is not quite of its kind."""
    if row.time is None or row.speedup is None:
        return "—"
    if row.is_baseline:
        return "1 (baseline)"
    marks = f"{'†' if row.precisions_differ else ''}{'§' if row.codes_differ else ''}"
    return f"{ratio(row.speedup)}{marks}"

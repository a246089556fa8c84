"""Dates: where an axis of time has its ticks, and what is written there."""

from datetime import UTC, datetime

_DAY = 86400
_STEPS = (
    *(60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY),
)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000, 30000)


def ticks(start: datetime, end: datetime, most: int) -> list[tuple[datetime, str]]:
    """At most so many times from ``start`` to ``end`` (UTC) with their names.

    They are whole minutes, hours, days, weeks or months; there may be none.
    """
    seconds = (end - start).total_seconds()
    for step in _STEPS:
        if seconds / step < most:
            return _evenly(start, end, step)
    for step in _MONTHS:
        if seconds / (step * 30 * _DAY) < most:
            return _monthly(start, end, step)
    return []


def _evenly(start: datetime, end: datetime, step: int) -> list[tuple[datetime, str]]:
    first = -(-int(start.timestamp()) // step)
    last = int(end.timestamp()) // step
    times = [datetime.fromtimestamp(n * step, UTC) for n in range(first, last + 1)]
    return [
        (time, f"{time:%m-%d}" if step >= _DAY else f"{time:%H:%M}")
        for time in times
        if start <= time <= end
    ]


def _monthly(start: datetime, end: datetime, step: int) -> list[tuple[datetime, str]]:
    first, last = (each.year * 12 + each.month - 1 for each in (start, end))
    months = range(first - first % step, last + 1, step)
    times = [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in months if n >= 12]
    return [
        (time, f"{time.year:04}" if step >= 12 else f"{time.year:04}-{time:%m}")
        for time in times
        if start <= time <= end
    ]

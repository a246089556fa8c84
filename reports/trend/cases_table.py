"""The table of all histories: from when to when, and how a case stands to its start."""

from collections.abc import Callable, Sequence
from datetime import datetime

from reports import legend, marks, stats
from reports.cells import time
from reports.stats import EpochTime
from reports.tables import Column, Table
from reports.trend import axes, cells, partitions
from reports.trend.changes import Trend
from reports.trend.points import Point

NAME = "cases"

_MEANING = (
    "a point: the launches with one commit on one day (UTC), at the time of its first "
    "file",
    "change: how much longer an epoch takes at the last point than at the first",
)
_TIMES = "first, last ±: half of the 95 % interval over the launches of that point"
_CHANGE = (
    "change ±: half of the 95 % interval, by how the points of a level scatter or, "
    "where that is more, their launches"
)
_ALONE = "alone, with no word on its error: too few points and launches"
_UNTESTED = f"change points —: fewer than {partitions.FEWEST} points, too few for any"
_LAST = "the last point alone lies far off: a change only if the next one does as well"


def table(trends: Sequence[Trend], read: str, below: Sequence[str]) -> Table:
    """A row for each of ``trends``; ``read`` says what was read.

    The lines ``below`` follow those that say what cells mean.
    """
    histories = [trend.history for trend in trends]
    names = axes.machines(histories)
    rows = [history.points[-1].case for history in histories]
    notes = [_notes(trend) for trend in trends]
    marked = marks.of(notes)
    whens = [point.when for history in histories for point in history.points]
    return Table(
        name=NAME,
        shown=(*axes.shown(rows, names), *_shown(trends, marked)),
        data=(*axes.data(rows, names), *_data(trends, notes)),
        above=(read, f"saved {cells.period(whens)}", *_MEANING),
        below=(*_legend(trends), *below, *marked.lines),
    )


def _notes(trend: Trend) -> list[str]:
    last = len(trend.history.points) - 1
    others = len([number for number in trend.outliers if number != last])
    points, lie = ("point", "lies") if others == 1 else ("points", "lie")
    single = f"{others} single {points} {lie} far off: no change"
    return [
        *([_LAST] if last in trend.outliers else []),
        *([single] if others else []),
    ]


def _legend(trends: Sequence[Trend]) -> list[str]:
    times = [end for trend in trends for end in _ends(trend)]
    steps = [trend.since_start for trend in trends if trend.since_start]
    few = any(len(trend.history.points) < partitions.FEWEST for trend in trends)
    return [
        *([_TIMES] if any(each.has_interval for each in times) else []),
        *legend.outside(times),
        *([_CHANGE] if any(step.low is not None for step in steps) else []),
        *_few(times, any(step.low is None for step in steps)),
        *([_UNTESTED] if few else []),
    ]


def _few(times: Sequence[EpochTime], has_change: bool) -> list[str]:
    """What ``*`` is at a time, at a change, or at both."""
    has_time = any(each.launches == 2 for each in times)
    if has_time and has_change:
        return [f"* at a time, {legend.OF_TWO}", f"* at a change, {_ALONE}"]
    return [f"* {legend.OF_TWO}"] * has_time + [f"* the change {_ALONE}"] * has_change


def _ends(trend: Trend) -> list[EpochTime]:
    """The times of the first and of the last point."""
    points = trend.history.points
    return [stats.epoch_time(each.case.medians) for each in (points[0], points[-1])]


def _shown(trends: Sequence[Trend], marked: marks.Marked) -> tuple[Column, ...]:
    histories = [trend.history for trend in trends]
    write = axes.clock(histories)
    starts = [write(history.points[0].when) for history in histories]
    ends = [write(history.points[-1].when) for history in histories]
    points = [
        f"{_points(history.points)} {mark}".rstrip()
        for history, mark in zip(histories, marked.rows, strict=True)
    ]
    times = [[time(each) for each in _ends(trend)] for trend in trends]
    changes = [_changes(trend, write) for trend in trends]
    return (
        Column("from (UTC)", tuple(starts), "left", said=_are_one(starts)),
        Column("to (UTC)", tuple(ends), "left", said=_are_one(ends)),
        Column("points ×launches", tuple(points)),
        Column("first (s)", tuple([first for first, _ in times])),
        Column("last (s)", tuple([last for _, last in times])),
        Column("change (%)", tuple([cells.step(each.since_start) for each in trends])),
        Column("change points", tuple(changes)),
    )


def _are_one(texts: Sequence[str]) -> bool:
    return len(set(texts)) == 1


def _points(points: Sequence[Point]) -> str:
    """``12×3–5``: how many, and the fewest and the most launches of one."""
    launches = [len(point.case.launches) for point in points]
    few, many = min(launches), max(launches)
    return f"{len(points)}×{few}" if few == many else f"{len(points)}×{few}–{many}"


def _changes(trend: Trend, write: Callable[[datetime], str]) -> str:
    """``2, last 2026-11-03``."""
    if len(trend.history.points) < partitions.FEWEST:
        return cells.NONE
    if not trend.changes:
        return "0"
    return f"{len(trend.changes)}, last {write(trend.changes[-1].first.when)}"


def _data(
    trends: Sequence[Trend], notes: Sequence[Sequence[str]]
) -> tuple[Column, ...]:
    histories = [trend.history for trend in trends]
    steps = [trend.since_start for trend in trends]
    lasts = [trend.changes[-1].first if trend.changes else None for trend in trends]
    whens = [point.when.isoformat() if point else None for point in lasts]
    commits = [point.case.code.commit or None if point else None for point in lasts]
    counts = [
        len(trend.changes) if len(trend.history.points) >= partitions.FEWEST else None
        for trend in trends
    ]
    return (
        *_side("first", [history.points[0] for history in histories]),
        *_side("last", [history.points[-1] for history in histories]),
        Column("points", tuple([len(history.points) for history in histories])),
        Column("launches", tuple([history.launches for history in histories])),
        Column("change_percent", tuple([s.percent if s else None for s in steps])),
        Column("change_percent_low", tuple([s.low if s else None for s in steps])),
        Column("change_percent_high", tuple([s.high if s else None for s in steps])),
        Column("change_points", tuple(counts)),
        Column("last_change", tuple(whens), "left"),
        Column("last_change_commit", tuple(commits), "left"),
        Column("notes", tuple([" | ".join(each) for each in notes]), "left"),
    )


def _side(side: str, points: Sequence[Point]) -> tuple[Column, ...]:
    """The columns of the first or the last point."""
    times = [stats.epoch_time(point.case.medians) for point in points]
    commits = [point.case.code.commit or None for point in points]
    whens = [point.when.isoformat() for point in points]
    return (
        Column(side, tuple(whens), "left"),
        Column(f"{side}_commit", tuple(commits), "left"),
        Column(f"{side}_seconds", tuple([each.seconds for each in times])),
        Column(f"{side}_seconds_low", tuple([each.low for each in times])),
        Column(f"{side}_seconds_high", tuple([each.high for each in times])),
    )

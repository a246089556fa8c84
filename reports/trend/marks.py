"""Marks: a panel's points with their error bars, its levels and its changes."""

from collections.abc import Sequence

from reports.figures import style
from reports.figures.layout import clear
from reports.figures.sheet import Sheet
from reports.trend import cells
from reports.trend.changes import Change
from reports.trend.field import Field

_LABELS = 0.11  # of a panel's height, a row of them
_OVER = 8.0  # points that they may reach beyond its right edge
_SLOWER, _FASTER = "#d55e00", "#0072b2"  # Okabe and Ito 2008
_POINT = {"linestyle": "none", "marker": "o", "color": style.INK}


def points(sheet: Sheet, field: Field) -> None:
    """Markers with their error bars; open ones are outliers."""
    trend, times = field.panel.trend, field.panel.times
    xs = [field.across(point.when) for point in trend.history.points]
    bars = [
        ((x, field.up(time.low)), (x, field.up(time.high)))
        for x, time in zip(xs, times, strict=True)
        if time.launches > 1
    ]
    if bars:
        sheet.lines(bars, colors=style.INK, linewidths=0.5, alpha=0.6)
    caps = [
        (x, field.up(end))
        for x, time in zip(xs, times, strict=True)
        if time.has_interval
        for end in (time.low, time.high)
        if field.panel.low <= end <= field.panel.high
    ]
    if caps:
        look = {"markersize": 2.2, "markeredgewidth": 0.5, "color": style.INK}
        sheet.line(caps, linestyle="none", marker="_", alpha=0.6, **look)
    places = [(x, field.up(t.seconds)) for x, t in zip(xs, times, strict=True)]
    single = set(trend.outliers)
    usual = [place for n, place in enumerate(places) if n not in single]
    # of a hundred each is still seen
    size = min(2.4, max(1.2, 120 / len(places)))
    sheet.line(usual, markersize=size, **_POINT)
    if single:
        look = {"markerfacecolor": style.GROUND, "markeredgewidth": 0.7}
        sheet.line(
            [places[n] for n in trend.outliers], markersize=size, **_POINT, **look
        )


def levels(sheet: Sheet, field: Field) -> None:
    """A line across for each level, where there are changes to tell levels apart."""
    if not field.panel.trend.changes:
        return
    pairs = [
        (
            (field.across(level.points[0].when), field.up(level.seconds)),
            (field.across(level.points[-1].when), field.up(level.seconds)),
        )
        for level in field.panel.trend.levels
    ]
    sheet.lines(pairs, colors=style.INK, linewidths=0.8)


def changes(sheet: Sheet, field: Field) -> None:
    """A dashed line for each change, with commit and size as far as there is room."""
    box, found = field.box, field.panel.trend.changes
    rows: tuple[list[Change], list[Change]] = ([], [])
    for place, change in enumerate(found):
        x = _between(field, change)
        dashes = {"linewidth": 0.8, "linestyle": (0, (3, 2))}
        sheet.line([(x, box.bottom), (x, box.top)], color=_colour(change), **dashes)
        rows[place % 2].append(change)
    for row, members in enumerate(rows):
        y = box.top - box.height * _LABELS * (row + 1) + 1
        _labels(sheet, field, members, y)


def _labels(sheet: Sheet, field: Field, changes: Sequence[Change], y: float) -> None:
    """In one row, each beside its line; those that would touch another are left out."""
    box, size = field.box, style.NOTE
    texts = [f"{e.first.commit} {cells.percent(e.step)}" for e in changes]
    widths = [style.extent(text, size) + 3 for text in texts]
    centres = []
    for change, width in zip(changes, widths, strict=True):
        line = _between(field, change)
        fits = line + width <= box.right + _OVER
        centres.append(line + width / 2 if fits else line - width / 2)
    kept = clear(centres, widths)
    # another change's line stops at the label rather than crossing it
    under = {"facecolor": sheet.figure.get_facecolor(), "linewidth": 0, "pad": 0.4}
    for text, change, x, is_kept in zip(texts, changes, centres, kept, strict=True):
        if is_kept:
            look = {"ha": "center", "fontsize": size, "color": _colour(change)}
            sheet.write(text, x, y, bbox=under, **look)


def _between(field: Field, change: Change) -> float:
    """The middle between the last point before and the first after."""
    return (field.across(change.last.when) + field.across(change.first.when)) / 2


def _colour(change: Change) -> str:
    return _SLOWER if change.step.percent > 0 else _FASTER

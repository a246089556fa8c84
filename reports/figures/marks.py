"""Marks: a panel's data as lines with markers or as bars, with error bars."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from matplotlib.patches import Rectangle

from reports.figures import style
from reports.figures.drawing import Panel, Point
from reports.figures.field import Field
from reports.figures.markup import POINT, POINTS
from reports.figures.sheet import Sheet
from reports.figures.style import Look
from reports.figures.whiskers import EDGE, MARKER, whisker

_CAP = 3.2
_WHISKER = 0.8  # width of an error bar's line
_FEW = (0, (2.5, 2.0))  # dashes
_GROUP = 0.8  # of the room between batch sizes, what bars take


def lines(
    sheet: Sheet, field: Field, panel: Panel, looks: Mapping[str, Look], first: int
) -> None:
    """A line, error bars and markers for each series; ``first`` numbers the points."""
    for series in panel.series:
        look = looks[series.key]
        xs = [field.across(point.x) for point in series.points]
        places = [(x, field.up(p.y)) for x, p in zip(xs, series.points, strict=True)]
        sheet.line(places, **line(look))
        _error_bars(sheet, field, xs, series.points, look.colour, is_bar=False)
        runs = groupby(zip(series.points, places, strict=True), lambda p: p[0].has_few)
        for has_few, run in runs:
            alike = [place for _, place in run]
            sheet.line(alike, **marker(look, has_few), gid=f"{POINTS}{first}")
            first += len(alike)


def bars(
    sheet: Sheet, field: Field, panel: Panel, looks: Mapping[str, Look], first: int
) -> None:
    """A bar for each point beside those of other series, numbered from ``first`` on."""
    places = {int(name): place for place, name in enumerate(field.x.names)}
    pace = field.across(1.0) - field.across(0.0)
    slot = pace * _GROUP / len(looks)
    for series in panel.series:
        look = looks[series.key]
        shift = slot * list(looks).index(series.key) - pace * _GROUP / 2
        lefts = [field.across(places[point.x]) + shift for point in series.points]
        for left, point in zip(lefts, series.points, strict=True):
            height = field.up(point.y) - field.box.bottom
            corner = (left, field.box.bottom)
            box = Rectangle(corner, slot * 0.92, height, gid=f"{POINT}{first}")
            box.update(bar(look, point.has_few))
            sheet.add(box)
            first += 1
        centres = [left + slot * 0.46 for left in lefts]
        _error_bars(sheet, field, centres, series.points, style.INK, is_bar=True)


def line(look: Look) -> dict[str, Any]:
    """The properties of a line."""
    dashes = (0, look.dashes) if look.dashes else "-"
    return {"color": look.colour, "linewidth": 1.1, "linestyle": dashes}


def marker(look: Look, has_few: bool = False) -> dict[str, Any]:
    """The properties of a line that is markers alone: hollow of few launches."""
    return {
        "linestyle": "none",
        "marker": look.marker,
        "markersize": MARKER,
        "markerfacecolor": style.GROUND if has_few else look.colour,
        "markeredgecolor": look.colour,
        "markeredgewidth": EDGE,
    }


def bar(look: Look, has_few: bool = False) -> dict[str, Any]:
    """The properties of a bar: not filled, and its outline dashed, of few launches.

    The hatch stays, by which pools differ in grey print.
    """
    return {
        "facecolor": style.GROUND if look.is_open or has_few else look.colour,
        "edgecolor": look.colour,
        "hatch": look.hatch,
        "linewidth": 0.7,
        "linestyle": _FEW if has_few else "-",
    }


def _error_bars(
    sheet: Sheet,
    field: Field,
    xs: Sequence[float],
    points: Sequence[Point],
    colour: str,
    *,
    is_bar: bool,
) -> None:
    """Those that are to be seen, with caps on the ends of intervals."""
    found = [
        (x, one)
        for x, point in zip(xs, points, strict=True)
        if (one := whisker(field, point, is_bar=is_bar)) is not None
    ]
    if not found:
        return
    sheet.lines(
        [((x, one.low), (x, one.high)) for x, one in found],
        colors=colour,
        linewidths=_WHISKER,
    )
    caps = [(x, end) for x, one in found for end in one.caps]
    look = {"markersize": _CAP, "markeredgewidth": _WHISKER, "color": colour}
    if caps:
        sheet.line(caps, linestyle="none", marker="_", **look)

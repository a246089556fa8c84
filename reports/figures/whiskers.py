"""Whiskers: which error bars show beside their marks, and what they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import stats
from reports.figures.drawing import Drawing, Point
from reports.figures.field import Field

MARKER = 3.6  # points, as high as wide
EDGE = 0.9  # …of the line around it
_HALF = (MARKER + EDGE) / 2
_NONE = "no bar"


@dataclass(frozen=True)
class Whisker:
    """The error bar of a point: from ``low`` to ``high`` on the drawing, in points.

    ``caps`` are the ends that have one: those of intervals that are on the picture.
    """

    low: float
    high: float
    caps: tuple[float, ...]


def whisker(field: Field, point: Point, *, is_bar: bool) -> Whisker | None:
    """That of ``point``; None where it has none, or its marker hides all of it.

    A point that ``is_bar`` hides nothing.
    """
    if point.low is None or point.high is None:
        return None
    y, hidden = field.up(point.y), 0.0 if is_bar else _HALF
    ends = [(end, field.up(end)) for end in (point.low, point.high)]
    if not is_bar and all(abs(place - y) <= hidden for _, place in ends):
        return None
    caps = [
        place
        for end, place in ends
        if point.is_interval
        and field.y.low <= end <= field.y.high
        and (is_bar or abs(place - y) > hidden)
    ]
    return Whisker(ends[0][1], ends[1][1], tuple(caps))


def meaning(drawing: Drawing, fields: Sequence[Field]) -> str:
    """What the error bars of ``drawing`` are, why not all have one, and which have few.

    ``fields`` are its panels'. Nothing is said of what does not show.
    """
    first, *rest = _meanings(drawing, fields)
    if first.startswith(_NONE):
        first = f"No error bar{first.removeprefix(_NONE)}"
    else:
        first = f"Error bars: {first}"
    return "; ".join([first, *rest])


def _meanings(drawing: Drawing, fields: Sequence[Field]) -> Iterator[str]:
    intervals, extremes, caps, alone, hidden = [False] * 5
    for panel, field in zip(drawing.panels, fields, strict=True):
        for point in [point for series in panel.series for point in series.points]:
            found = whisker(field, point, is_bar=drawing.has_bars)
            alone |= point.low is None
            hidden |= found is None and point.low is not None
            intervals |= found is not None and point.is_interval
            extremes |= found is not None and point.is_range
            caps |= found is not None and bool(found.caps)
    if intervals:
        yield f"95 % interval{' (caps)' if caps else ''}"
    if extremes:
        yield "extremes (no caps)"
    reasons = [("one launch", alone), ("shorter than its mark", hidden)]
    if why := [reason for reason, holds in reasons if holds]:
        yield f"{_NONE}: {', or '.join(why)}"
    if any(point.has_few for point in drawing.points):
        # as short as it can be: a line of a column has little room
        mark = "dashed" if drawing.has_bars else "hollow"
        yield f"{mark}: under {stats.LAUNCHES_FOR_INTERVAL} launches"

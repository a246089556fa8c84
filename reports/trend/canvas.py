"""Canvas: a picture of small multiples as a matplotlib figure, placed in points."""

from typing import Any

from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.layout import Box, clear
from reports.figures.sheet import Sheet
from reports.trend import dates, marks
from reports.trend.field import Field
from reports.trend.panels import Panel, Picture

_HEADING = "Seconds of an epoch, by the time of measuring"
_SMALL_PRINT = (
    "Error bars: 95 % interval over launches (caps), extremes of two (no caps).",
    "Dashed: change points, with the new level's first commit, and how much longer",
    "an epoch takes from then on. Open: a single point that lies far off.",
)

_TOP, _BOTTOM, _LEFT, _GAP = 34.0, 48.0, 34.0, 10.0
_WIDE, _TALL, _TITLE = 128.0, 62.0, 15.0
_ALONE = 2.0  # times as wide and tall as one of many
_EDGE = 4.0
_TICK = 2.5


def figure(picture: Picture) -> Figure:
    """All of ``picture``, on white."""
    count = len(picture.panels)
    columns = min(count, 3)
    rows = -(-count // columns)
    scale = _ALONE if count == 1 else 1.0
    wide, tall = _WIDE * scale, _TALL * scale
    width = (_LEFT + wide) * columns + _GAP
    height = _TOP + (_TITLE + tall) * rows + _BOTTOM
    sheet = Sheet(width, height, "white")
    for place, panel in enumerate(picture.panels):
        column, row = place % columns, place // columns
        box = Box(
            _LEFT + (_LEFT + wide) * column,
            height - _TOP - (_TITLE + tall) * (row + 1),
            wide,
            tall,
        )
        field = Field(panel, box, picture.start, picture.end)
        _frame(sheet, field, is_lowest=place + columns >= count)
        marks.points(sheet, field)
        marks.levels(sheet, field)
        marks.changes(sheet, field)
    _around(sheet, picture)
    return sheet.figure


def _frame(sheet: Sheet, field: Field, *, is_lowest: bool) -> None:
    """Axes with their numbers; dates under the lowest panels alone."""
    box = field.box
    seconds = _ticks(field.panel)
    sheet.lines(
        [((box.left, field.up(y)), (box.right, field.up(y))) for y in seconds],
        colors=style.INK,
        alpha=0.15,
        linewidths=0.5,
    )
    days = dates.ticks(field.start, field.end, 5)
    places = [field.across(when) for when, _ in days]
    sheet.lines(
        [
            ((box.left, box.bottom), (box.right, box.bottom)),
            ((box.left, box.bottom), (box.left, box.top)),
            *[((x, box.bottom), (x, box.bottom - _TICK)) for x in places],
        ],
        colors=style.INK,
        linewidths=0.6,
    )
    for y in seconds:
        look = {"ha": "right", "va": "center_baseline", "fontsize": style.TICK}
        sheet.write(f"{y:g}", box.left - _TICK, field.up(y), **look)
    widths = [style.extent(name, style.TICK) + 3 for _, name in days]
    if is_lowest:
        kept = clear(places, widths)
        for x, (_, name), is_kept in zip(places, days, kept, strict=True):
            if is_kept:
                y = box.bottom - _TICK - 2
                sheet.write(name, x, y, ha="center", va="top", fontsize=style.TICK)
    title = style.cut(field.panel.title, style.TICK, box.width + _LEFT / 2)
    sheet.write(title, box.left, box.top + 4, fontsize=style.TICK, fontweight="bold")


def _ticks(panel: Panel) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(panel.low, panel.high)
    return [float(each) for each in found if panel.low <= each <= panel.high]


def _around(sheet: Sheet, picture: Picture) -> None:
    """What belongs to all panels."""
    top, room = sheet.height, sheet.width - 2 * _EDGE
    heading = style.cut(_HEADING, style.HEADING, room)
    look: dict[str, Any] = {"fontsize": style.HEADING, "fontweight": "bold"}
    sheet.write(heading, _EDGE, top - 11, **look)
    for row, line in enumerate((picture.setting, picture.period)):
        text = style.cut(line, style.NOTE, room)
        y = top - 20 - 8 * row
        sheet.write(text, _EDGE, y, fontsize=style.NOTE, alpha=0.8)
    for row, line in enumerate(reversed(_SMALL_PRINT)):
        text = style.cut(line, style.NOTE, room)
        sheet.write(text, _EDGE, _EDGE + 8 * row, fontsize=style.NOTE, alpha=0.8)

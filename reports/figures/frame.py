"""Frame: the axes of a panel, with ticks and numbers where they are wanted alone."""

from collections.abc import Sequence

from reports.figures import style
from reports.figures.field import Field
from reports.figures.layout import BEHIND_TICK, TICK, clear, spread
from reports.figures.sheet import Place, Sheet

_BETWEEN = 3.0  # points between the numbers of neighbouring ticks
_FARTHEST = 8.0  # …that a number is moved from its tick
_NEAR = 0.5  # …that nobody sees
_ASIDE = 7.5  # …that a number may be right of its panel
_LEAD = 3.5  # …down from a tick to a number that was moved


def draw(sheet: Sheet, field: Field, is_left: bool, is_lowest: bool) -> None:
    """Grid and axes of a panel; numbers only where no panel has them already."""
    box = field.box
    rows = [field.up(tick) for tick in field.y.ticks]
    columns = [field.across(tick) for tick in field.x.ticks]
    grid = [((box.left, y), (box.right, y)) for y in rows]
    sheet.lines(grid, colors=style.INK, alpha=0.15, linewidths=0.5)
    axes: list[tuple[Place, Place]] = [
        ((box.left, box.bottom), (box.right, box.bottom)),
        ((box.left, box.bottom), (box.left, box.top)),
        *[((x, box.bottom), (x, box.bottom - TICK)) for x in columns],
        *[((box.left, y), (box.left - TICK, y)) for y in rows],
    ]
    sheet.lines(axes, colors=style.INK, linewidths=0.6)
    if is_left:
        for y, label in zip(rows, field.y.labels, strict=True):
            x = box.left - TICK - BEHIND_TICK
            _number(sheet, label, x, y, "right", "center_baseline")
    if is_lowest:
        _numbers_across(sheet, field, columns)


def _numbers_across(sheet: Sheet, field: Field, columns: Sequence[float]) -> None:
    """A number below each of ``columns``, moved aside and led to where it must be.

    Some are left out where they would have to be moved far.
    """
    labels, bottom = field.x.labels, field.box.bottom - TICK
    widths = [style.extent(label, style.TICK) + _BETWEEN for label in labels]
    places = spread(columns, max(widths), field.box.right + _ASIDE - max(widths) / 2)
    moves = [abs(place - x) for place, x in zip(places, columns, strict=True)]
    kept = [True] * len(labels)
    if max(moves) > _FARTHEST:
        places, kept = list(columns), clear(columns, widths)
    leads = [
        ((x, bottom), (place, bottom - _LEAD))
        for x, place in zip(columns, places, strict=True)
    ]
    is_led = max(moves) > _NEAR and all(kept)
    if is_led:
        sheet.lines(leads, colors=style.INK, linewidths=0.4)
    top = bottom - (_LEAD + 1 if is_led else BEHIND_TICK)
    for place, label, is_kept in zip(places, labels, kept, strict=True):
        if is_kept:
            _number(sheet, label, place, top, "center", "top")


def _number(sheet: Sheet, text: str, x: float, y: float, across: str, up: str) -> None:
    sheet.write(text, x, y, ha=across, va=up, fontsize=style.TICK)

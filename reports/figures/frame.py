"""Frame: the axes of a panel, with ticks and numbers where they are wanted alone."""

from reports.figures import style
from reports.figures.field import Field
from reports.figures.layout import clear
from reports.figures.sheet import Sheet

_TICK = 2.5  # points
_BETWEEN = 3.0  # …between the numbers of neighbouring ticks


def draw(sheet: Sheet, field: Field, is_left: bool, is_lowest: bool) -> None:
    """Grid and axes of a panel; numbers only where no panel has them already."""
    box = field.box
    rows = [field.up(tick) for tick in field.y.ticks]
    columns = [field.across(tick) for tick in field.x.ticks]
    grid = [((box.left, y), (box.right, y)) for y in rows]
    sheet.lines(grid, colors=style.INK, alpha=0.15, linewidths=0.5)
    axes = [
        ((box.left, box.bottom), (box.right, box.bottom)),
        ((box.left, box.bottom), (box.left, box.top)),
        *[((x, box.bottom), (x, box.bottom - _TICK)) for x in columns],
        *[((box.left, y), (box.left - _TICK, y)) for y in rows],
    ]
    sheet.lines(axes, colors=style.INK, linewidths=0.6)
    if is_left:
        for y, label in zip(rows, field.y.labels, strict=True):
            _number(sheet, label, box.left - _TICK - 2, y, "right", "center_baseline")
    if is_lowest:
        labels = field.x.labels
        widths = [style.extent(label, style.TICK) + _BETWEEN for label in labels]
        kept = clear(columns, widths)
        for x, label, is_kept in zip(columns, labels, kept, strict=True):
            if is_kept:
                _number(sheet, label, x, box.bottom - _TICK - 2, "center", "top")


def _number(sheet: Sheet, text: str, x: float, y: float, across: str, up: str) -> None:
    sheet.write(text, x, y, ha=across, va=up, fontsize=style.TICK)

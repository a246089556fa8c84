"""Lettering: all that is written on a drawing beside the numbers of its axes."""

from collections.abc import Mapping

from matplotlib.patches import Rectangle

from reports import digits, paper
from reports.figures import marks, style
from reports.figures.drawing import Drawing, Panel
from reports.figures.field import Field
from reports.figures.layout import NAME, NOTE, SAMPLE, Layout, spread
from reports.figures.sheet import Sheet
from reports.figures.style import Look

_EDGE = 4.0  # points between the drawing's edge and what is written
_ASIDE = 7.0  # …and between a panel and what is written beside it


def panel(
    sheet: Sheet,
    field: Field,
    panel: Panel,
    looks: Mapping[str, Look],
    *,
    names_lines: bool,
) -> None:
    """What belongs to one panel: its title, the paper's value, its lines' names."""
    box = field.box
    if panel.title:
        sheet.write(panel.title, box.left, box.top + 4, fontweight="bold")
    if panel.reference:
        _reference(sheet, field, panel, panel.reference)
    if names_lines:
        _names(sheet, field, panel, looks)


def legend(
    sheet: Sheet, plan: Layout, drawing: Drawing, looks: Mapping[str, Look]
) -> None:
    """A key to the series; none where lines are named."""
    if drawing.names_lines:
        return
    names = drawing.series_names
    for (key, name), (x, y) in zip(names.items(), plan.legend, strict=True):
        look = looks[key]
        if drawing.has_bars:
            sample = Rectangle((x, y), SAMPLE - 5, 6)
            sample.update(marks.bar(look))
            sheet.add(sample)
        else:
            ends = [(x, y + 2.5), (x + SAMPLE - 5, y + 2.5)]
            sheet.line(ends, **marks.line(look))
            sheet.line([(x + SAMPLE / 2 - 2.5, y + 2.5)], **marks.marker(look))
        sheet.write(name, x + SAMPLE, y, fontsize=style.TICK)


def around(sheet: Sheet, plan: Layout, drawing: Drawing, error_bars: str) -> None:
    """What belongs to all panels: heading, names of the axes, the small print.

    ``error_bars`` says what those are.
    """
    top, room = sheet.height, sheet.width - 2 * _EDGE
    large, small = style.HEADING, style.NOTE
    heading = style.cut(drawing.heading, large, room)
    sheet.write(heading, _EDGE, top - 10, fontsize=large, fontweight="bold")
    below = _lines(error_bars, room, plan.notes)
    feet = [(line, _EDGE + NOTE * n) for n, line in enumerate(reversed(below))]
    for text, y in ((drawing.setting, top - 19), *feet):
        shown = style.cut(text, small, room)
        sheet.write(shown, _EDGE, y, fontsize=small, alpha=0.8)
    boxes = plan.boxes
    middle = (boxes[0].left + max(box.right for box in boxes)) / 2
    centre = (boxes[0].top + min(box.bottom for box in boxes)) / 2
    x, y_name = _names_of_axes(drawing)
    sheet.write(x, middle, 13 + NOTE * (plan.notes - 1), ha="center")
    sheet.write(y_name, _EDGE + 5, centre, ha="center", va="center", rotation=90)


def _names_of_axes(drawing: Drawing) -> tuple[str, str]:
    if drawing.is_speedup:
        return "batch size (images)", "speed-up (CPU / GPU time)"
    return "image size (px)", "training time (s per epoch)"


def _lines(text: str, room: float, most: int) -> list[str]:
    """``text`` on one line, on two where it is too long and so many may be."""

    def fits(line: str) -> bool:
        return style.cut(line, style.NOTE, room) == line

    if most == 1 or fits(text):
        return [text]
    parts = text.split("; ")
    lines = [f"{'; '.join(parts[:n])};" for n in range(1, len(parts))]
    longest = max([n for n, line in enumerate(lines) if fits(line)], default=0)
    return [lines[longest], "; ".join(parts[longest + 1 :])]


def _names(sheet: Sheet, field: Field, panel: Panel, looks: Mapping[str, Look]) -> None:
    """The batch sizes of lines, beside their ends as far as they fit there."""
    box = field.box
    ends = sorted(
        [(field.up(each.points[-1].y), int(each.key)) for each in panel.series]
    )
    wanted = [y for y, _ in ends]
    places = spread(wanted, NAME, box.top - 4)
    left = box.right + _ASIDE
    for (y, batch), place in zip(ends, places, strict=True):
        sheet.line(
            [(box.right + 1, y), (left, place)],
            color=looks[str(batch)].colour,
            linewidth=0.5,
        )
        name = str(batch)
        sheet.write(name, left + 2, place, va="center_baseline", fontsize=style.TICK)
    head = max([*places, box.top - 4]) + style.TICK + 2
    sheet.write("batch", left + 2, head, fontsize=style.NOTE)


def _reference(sheet: Sheet, field: Field, panel: Panel, value: float) -> None:
    """The paper's highest as a line with its name, and the highest of the like here."""
    box, y = field.box, field.up(value)
    found = [
        p.y for each in panel.series if each.key == paper.POOL for p in each.points
    ]
    text = f"highest {digits.number(max(found))}"
    sheet.write(text, box.right, box.top + 4, ha="right", fontsize=style.NOTE)
    dashes = {"linewidth": 0.8, "linestyle": (0, (3, 2))}
    sheet.line([(box.left, y), (box.right + 2, y)], color=style.INK, **dashes)
    sheet.write(
        f"paper\n{value:.2f}",
        box.right + 3.5,
        y,
        va="center",
        fontsize=style.NOTE,
        linespacing=1.0,
    )

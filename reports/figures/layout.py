"""Layout: where panels, legend and lines of text lie, in points (1/72 inch)."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures import scales, style
from reports.figures.drawing import Drawing

_COLUMN, _PAGE = 252.0, 516.0  # 3.5 inches, a column of two, and the width of both
_TOP, _LEFT, _RIGHT, _BOTTOM = 26.0, 35.0, 8.0, 36.0  # the least on the left
_Y_NAME = 17.0  # what the name of the y axis takes there, to the numbers beside it
_LEGEND = 12.0  # a row of it
_TITLE = 11.0  # of a panel
_REFERENCE = 27.0  # room for the paper's value beside a panel
_NAMES = 34.0  # …and for the names of lines
_GAP = 10.0
_TALL = 68.0  # a panel of several
_ALONE = 190.0  # a drawing of one panel
_MOST_IN_COLUMN = 8
NAME = style.TICK + 1.2  # the least that names of lines are apart
NOTE = style.NOTE + 1.2  # a line of the small print
TICK = 2.5  # the length of a tick
BEHIND_TICK = 2.0  # …and from its end to its number
SAMPLE = 22.0  # of a line or bar in the legend, with the space behind it


@dataclass(frozen=True)
class Box:
    """A rectangle: its lower left corner from that of the drawing, and its size."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.bottom + self.height


@dataclass(frozen=True)
class Layout:
    """A drawing's size, its panels' boxes row by row, and the legend's places.

    ``legend`` has the lower left corner of each of its entries, the look of which and
    the name are those of ``drawing.series_names``. ``notes`` are the lines that there
    is room for at the foot.
    """

    width: float
    height: float
    columns: int
    boxes: tuple[Box, ...]
    legend: tuple[tuple[float, float], ...]
    notes: int = 1

    def is_left(self, panel: int) -> bool:
        """Whether no other panel is left of it, so that its y axis has numbers."""
        return panel % self.columns == 0

    def is_lowest(self, panel: int) -> bool:
        """Whether no other panel is below it, so that its x axis has numbers."""
        return panel + self.columns >= len(self.boxes)


def layout(drawing: Drawing) -> Layout:
    """Lay out ``drawing``: one panel, or a grid of them that fills a column or page."""
    count = len(drawing.panels)
    columns = 1 if count == 1 else 2 if count <= _MOST_IN_COLUMN else 4
    rows = -(-count // columns)
    width = _PAGE if columns == 4 else _COLUMN
    left, right = _numbers(drawing), _beside(drawing)
    gap = max(right, _GAP)
    inside = (width - left - right - gap * (columns - 1)) / columns
    title = _TITLE if drawing.panels[0].title else 4.0
    entries = _legend(drawing, width - left)
    lines = len({row for _, row in entries})
    above = _TOP + _LEGEND * lines + (3 if lines else 0) + title
    notes = _notes(drawing, width)
    bottom = _BOTTOM + NOTE * (notes - 1)
    alone = _ALONE + _LEGEND * max(0, lines - 1) - above - _BOTTOM
    if drawing.names_lines:
        alone = max(alone, NAME * len(drawing.series_names))
    tall = alone if count == 1 else _TALL
    step = tall + title + 5
    height = above + tall + step * (rows - 1) + bottom
    boxes = [
        Box(
            left + (inside + gap) * (place % columns),
            height - above - tall - step * (place // columns),
            inside,
            tall,
        )
        for place in range(count)
    ]
    legend = [(left + at, height - _TOP - _LEGEND * (row + 1)) for at, row in entries]
    return Layout(width, height, columns, tuple(boxes), tuple(legend), notes)


def _notes(drawing: Drawing, width: float) -> int:
    """Lines for what error bars are, which may take two in a column.

    It has room for one kind with a gap, or for few launches without a bar.
    """
    points = drawing.points
    may_be_long = any(point.is_range for point in points) or (
        len({point.is_interval for point in points}) > 1
    )
    return 2 if width == _COLUMN and may_be_long else 1


def _numbers(drawing: Drawing) -> float:
    """The room left of all panels: for the y axis's name and its widest number."""
    widths = [style.extent(text, style.TICK) for text in scales.up(drawing).labels]
    return max(_LEFT, _Y_NAME + max(widths, default=0.0) + TICK + BEHIND_TICK)


def _beside(drawing: Drawing) -> float:
    """The room right of each panel."""
    if any(panel.reference for panel in drawing.panels):
        return _REFERENCE
    return _NAMES if drawing.names_lines else _RIGHT


def _legend(drawing: Drawing, room: float) -> list[tuple[float, int]]:
    """How far each entry is from the first, and the row that it is in."""
    if drawing.names_lines:
        return []
    names = list(drawing.series_names.values())
    wide = SAMPLE + style.extent(max(names, key=len), style.TICK) + 12
    most = max(1, int(room // wide))
    return [(wide * (place % most), place // most) for place in range(len(names))]


def spread(wanted: Sequence[float], apart: float, top: float) -> list[float]:
    """Places as close as can be to those ``wanted`` (ascending), so far ``apart``.

    None is above ``top``. Places that would be too close are moved as one block, whose
    mean stays: isotonic regression by pooling adjacent violators.
    """
    blocks: list[tuple[float, int]] = []  # mean without the distances, and how many
    for number, each in enumerate(wanted):
        mean, count = each - number * apart, 1
        while blocks and blocks[-1][0] >= mean:
            before, more = blocks.pop()
            mean, count = (mean * count + before * more) / (count + more), count + more
        blocks.append((mean, count))
    highest = top - (len(wanted) - 1) * apart
    flat = [min(mean, highest) for mean, count in blocks for _ in range(count)]
    return [each + number * apart for number, each in enumerate(flat)]


def clear(centres: Sequence[float], widths: Sequence[float]) -> list[bool]:
    """Which labels can be written in a row (ascending) so that none touches another.

    The last one always; of the others each that is clear of those kept.
    """
    halves = [width / 2 for width in widths]
    spans = [(c - half, c + half) for c, half in zip(centres, halves, strict=True)]
    kept, edge = [], float("-inf")
    for start, end in spans[:-1]:
        fits = start >= edge and end <= spans[-1][0]
        edge = end if fits else edge
        kept.append(fits)
    return [*kept, True][: len(spans)]

"""Canvas: a drawing as a matplotlib figure, everything placed by the layout."""

from matplotlib.figure import Figure

from reports.figures import frame, lettering, marks, scales, style, whiskers
from reports.figures.drawing import Drawing
from reports.figures.field import Field
from reports.figures.layout import layout
from reports.figures.sheet import Sheet


def figure(drawing: Drawing, ground: str) -> Figure:
    """All of ``drawing`` on the background ``ground``."""
    plan = layout(drawing)
    sheet = Sheet(plan.width, plan.height, ground)
    looks = style.looks(list(drawing.series_names), drawing.ordered)
    x, y = scales.across(drawing), scales.up(drawing)
    draw = marks.bars if drawing.has_bars else marks.lines
    fields = [Field(box, x, y) for box in plan.boxes]
    first = 0
    for place, (panel, field) in enumerate(zip(drawing.panels, fields, strict=True)):
        frame.draw(sheet, field, plan.is_left(place), plan.is_lowest(place))
        draw(sheet, field, panel, looks, first)
        lettering.panel(sheet, field, panel, looks, names_lines=drawing.names_lines)
        first += sum(len(series.points) for series in panel.series)
    lettering.legend(sheet, plan, drawing, looks)
    lettering.around(sheet, plan, drawing, whiskers.meaning(drawing, fields))
    return sheet.figure

"""Figures: the paper's figures 3 to 6 from saved cases, as data, SVG and PNG."""

from reports.figures.drawing import STYLES, Drawing, Panel, Point, Selection, Series
from reports.figures.render import FORMATS, files, svg
from reports.figures.select import select
from reports.figures.style import DARK

__all__ = [
    "DARK",
    "FORMATS",
    "STYLES",
    "Drawing",
    "Panel",
    "Point",
    "Selection",
    "Series",
    "files",
    "select",
    "svg",
]

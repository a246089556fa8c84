"""Drawn: the figures as inline SVG, each with what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports import figures
from reports.figures import Drawing
from reports.saved import Saved

# A page of more is nobody's to look through, and takes too long to make.
_MOST = 24
_NONE = "they are of a GPU, and no GPU case in these files has a time"


@dataclass(frozen=True)
class Drawn:
    """A figure of the page; ``svg`` is markup, the rest text."""

    name: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Figures:
    """The figures, and lines on those left out or that there are no data for."""

    drawn: tuple[Drawn, ...]
    gaps: tuple[str, ...]


def drawn(saved: Saved) -> Figures:
    """Draw what ``saved`` has data for, at most 24.

    Of speed-ups it is those beside the paper's where there are any.

    Raises
    ------
    InputError
        where Matplotlib is not installed and there is something to draw.
    """
    selection = figures.select(saved)
    shown = _near_the_paper(selection.drawings)[:_MOST]
    gaps = selection.gaps
    if not selection.drawings and not gaps:
        gaps = (_NONE,)
    if more := len(selection.drawings) - len(shown):
        those = "1 more figure is" if more == 1 else f"{more} more figures are"
        gaps = (*gaps, f"{those} drawn by `python -m reports figures`")
    return Figures(tuple([_drawn(each) for each in shown]), gaps)


def dark_colours() -> dict[str, str]:
    """CSS properties of the figures' colours, and their values on a dark page."""
    return dict(figures.DARK)


def _near_the_paper(drawings: Sequence[Drawing]) -> Sequence[Drawing]:
    """Without speed-ups at sizes that the paper has none of; all where it has none."""
    near = [
        each
        for each in drawings
        if not each.is_speedup or any(panel.reference for panel in each.panels)
    ]
    return near if any(each.is_speedup for each in near) else drawings


def _drawn(drawing: Drawing) -> Drawn:
    # its own prefix keeps the ids of several figures apart
    svg = figures.svg(drawing, prefix=drawing.name)
    return Drawn(drawing.name, drawing.title, drawing.caption, svg)

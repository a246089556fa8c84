"""Sheet: a matplotlib figure on which artists are placed in points.

There are no Axes: panels that share their scales need little of what those do, and
with them a drawing of five panels took 110 ms rather than 30.
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from reports.figures import style

Place = tuple[float, float]


class Sheet:
    """Draws on ``figure``; all places are points from its lower left corner."""

    def __init__(self, width: float, height: float, ground: str) -> None:
        self.figure = Figure(figsize=(width / 72, height / 72), facecolor=ground)
        self.figure.patch.set_visible(ground != "none")
        self.width, self.height = width, height
        self._points = Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans

    def add(self, artist: Artist) -> None:
        """Add ``artist``, whose data are places."""
        artist.set_transform(self._points)
        self.figure.add_artist(artist)

    def line(self, places: Sequence[Place], **look: Any) -> None:
        """A line, or markers, through all ``places``."""
        self.add(Line2D([x for x, _ in places], [y for _, y in places], **look))

    def lines(self, pairs: Sequence[tuple[Place, Place]], **look: Any) -> None:
        """A straight line between the places of each pair."""
        self.add(LineCollection(pairs, **look))

    def write(self, text: str, x: float, y: float, **look: Any) -> None:
        """A line of text, its baseline at a place unless ``look`` says otherwise."""
        self.add(Text(x, y, text, **{"fontsize": style.LABEL, **look}))

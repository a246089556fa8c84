"""Field: where the values of one panel lie on the drawing."""

from dataclasses import dataclass

from reports.figures.layout import Box
from reports.figures.scales import Scale


@dataclass(frozen=True)
class Field:
    """A panel's ``box`` with its two scales."""

    box: Box
    x: Scale
    y: Scale

    def across(self, value: float) -> float:
        """The place of ``value`` on the x axis, in points from the drawing's left."""
        return self.box.left + self.x.place(value) * self.box.width

    def up(self, value: float) -> float:
        """The place of ``value`` on the y axis, in points from the drawing's bottom."""
        return self.box.bottom + self.y.place(value) * self.box.height

"""Field: where the times and seconds of one panel lie on the figure."""

import math
from dataclasses import dataclass
from datetime import datetime

from reports.figures.layout import Box
from reports.trend.panels import Panel


@dataclass(frozen=True)
class Field:
    """A panel in its ``box``, with the times that all panels go from and to."""

    panel: Panel
    box: Box
    start: datetime
    end: datetime

    def across(self, when: datetime) -> float:
        """The place of a time, in points from the left."""
        whole = (self.end - self.start).total_seconds()
        share = (when - self.start).total_seconds() / whole if whole else 0.5
        return self.box.left + (0.03 + 0.94 * share) * self.box.width

    def up(self, seconds: float) -> float:
        """The place of so many seconds on a logarithmic scale, never beyond the box."""
        low, high = self.panel.low, self.panel.high
        within = min(max(seconds, low), high)
        share = math.log(within / low) / math.log(high / low)
        return self.box.bottom + share * self.box.height

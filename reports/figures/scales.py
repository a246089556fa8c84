"""Scales: the limits and ticks of an axis, and where a value lies on it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.figures.drawing import Drawing, Point

#: Error bars go on beyond the picture where they are longer than this factor.
_REACH = 3.0
_LEAST_PLAIN, _MOST_PLAIN = 0.99e-9, 1e12  # between them a dozen characters do
_FAR = 1e300  # beyond it, limits would not be finite


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, with numbers at its ``ticks``."""

    is_log: bool
    low: float
    high: float
    ticks: tuple[float, ...]
    names: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The ticks as text, by their names if they have any."""
        return self.names or tuple([_written(tick) for tick in self.ticks])

    def place(self, value: float) -> float:
        """Where ``value`` lies between the ends, 0 to 1; at an end if beyond it."""
        value = self.within(value)
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def within(self, value: float) -> float:
        """``value``, or the end that it is beyond."""
        return min(max(value, self.low), self.high)


def across(drawing: Drawing) -> Scale:
    """The x axis, with a tick at each size of images or batches that was measured.

    Bars stand at 0, 1, 2, …, one place for each batch size.
    """
    found = sorted({point.x for point in drawing.points})
    low, high = found[0], found[-1]
    ticks = tuple(map(float, found))
    if drawing.has_bars:
        places = tuple(map(float, range(len(found))))
        return Scale(False, -0.6, len(found) - 0.4, places, tuple(map(str, found)))
    if drawing.style == "paper":
        room = (high - low) * 0.04 or 1.0
        return Scale(False, low - room, high + room, ticks)
    room = (high / low) ** 0.05 if high > low else 1.5
    return Scale(True, low / room, high * room, ticks)


def up(drawing: Drawing) -> Scale:
    """The y axis, the same in all panels and in drawings beside this one.

    The paper's own values are on it, in its style also 0.
    """
    low, high = _extent(drawing.beside or drawing.points)
    marks = [panel.reference for panel in drawing.panels if panel.reference]
    low, high = min([low, *marks]), max([high, *marks])
    return _linear(high) if drawing.style == "paper" else _logarithmic(low, high)


def _extent(points: Sequence[Point]) -> tuple[float, float]:
    """The ends of all error bars, but for what is far beyond all values."""
    values = [point.y for point in points]
    lows = [point.low for point in points if point.low is not None]
    highs = [point.high for point in points if point.high is not None]
    low = max(min([*values, *lows]), min(values) / _REACH, 1 / _FAR)
    return low, min(max([*values, *highs]), max(values) * _REACH, _FAR)


def _linear(high: float) -> Scale:
    """From 0 on, as the paper has it."""
    from matplotlib.ticker import MaxNLocator

    top = high * 1.06
    found = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, top)
    return Scale(False, 0.0, top, _between(found, 0, top))


def _logarithmic(low: float, high: float) -> Scale:
    from matplotlib.ticker import LogLocator, MaxNLocator

    room = max((high / low) ** 0.06, 1.05)
    low, high = low / room, high * room
    decades = math.log10(high / low)
    found: Iterable[float]
    if decades < 0.6:
        found = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    else:
        subs = (1.0, 2.0, 5.0) if decades < 2.2 else (1.0,)
        found = LogLocator(subs=subs, numticks=9).tick_values(low, high)
    return Scale(True, low, high, _between(found, low, high))


def _between(ticks: Iterable[float], low: float, high: float) -> tuple[float, ...]:
    edge = 1e-9
    return tuple(
        [float(t) for t in ticks if low * (1 - edge) <= t <= high * (1 + edge)]
    )


def _written(tick: float) -> str:
    """As short as it is exact, but for what computing added far behind the point.

    As ``1e300`` where there would be no room for its digits.
    """
    if tick and not _LEAST_PLAIN <= tick < _MOST_PLAIN:
        return f"{tick:.3g}".replace("+", "")
    return f"{tick:.12f}".rstrip("0").rstrip(".")

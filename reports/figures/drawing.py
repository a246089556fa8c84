"""Drawing: what a figure shows, free of any library that draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports import paper, stats

STYLES = ("default", "paper")
_TIME = ("Training time of an epoch on the GPU", "image size")
_REFERENCE = (
    "Line across: the paper's highest against so many cores "
    f"({paper.ENGINE} on a {paper.GPU}, cnmem = {paper.POOL}, against "
    f"{paper.CPU_ENGINE} on a {paper.CPU}); above each panel the highest here"
)


@dataclass(frozen=True)
class Point:
    """One marker or bar: a time in seconds by image size in px, or a speed-up by batch.

    ``low`` and ``high`` are its error bar, None where it has none: the 95 % interval
    if it ``is_interval``, else the extremes. ``launches`` are the fewest that a side of
    it rests on. ``label`` says all of it in a line.
    """

    x: int
    y: float
    low: float | None
    high: float | None
    is_interval: bool
    launches: int
    label: str

    @property
    def has_few(self) -> bool:
        """Whether it rests on too few launches for an interval, which its mark tells.

        Without an error bar it would look surer than those that have one.
        """
        return self.launches < stats.LAUNCHES_FOR_INTERVAL

    @property
    def is_range(self) -> bool:
        """Whether the error bar is from the lowest to the highest, of too few."""
        return self.low is not None and not self.is_interval


@dataclass(frozen=True)
class Series:
    """The points of one line, or of bars of one kind, in ascending ``x``.

    ``key`` is the pool or the batch size that it is of and that its look follows from.
    """

    name: str
    key: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """One pair of axes; ``reference`` is the paper's value, drawn as a line across."""

    title: str
    series: tuple[Series, ...]
    reference: float | None = None


@dataclass(frozen=True)
class Drawing:
    """One picture of one or several panels that share their axes.

    ``name`` is safe in file names and ids; all else is plain text. ``heading`` and
    ``setting`` stand in the picture, ``conditions`` end the caption. There is a panel
    for each ``panels_of``. Speed-ups (``is_speedup``) are bars in the paper's style,
    all else is lines. ``ordered`` says that the series are steps of one quantity, batch
    sizes, rather than kinds. ``beside`` are the points of drawings that share the y
    axis, its own among them.
    """

    name: str
    title: str
    conditions: str
    heading: str
    setting: str
    panels: tuple[Panel, ...]
    panels_of: str = ""
    is_speedup: bool = False
    ordered: bool = False
    style: str = "default"
    beside: tuple[Point, ...] = ()

    @property
    def points(self) -> tuple[Point, ...]:
        """All points in the order in which they are numbered."""
        return tuple(
            [
                point
                for panel in self.panels
                for series in panel.series
                for point in series.points
            ]
        )

    @property
    def series_names(self) -> dict[str, str]:
        """The name of each series by its key, in the order of the legend."""
        found = [each for panel in self.panels for each in panel.series]
        return {each.key: each.name for each in found}

    @property
    def names_lines(self) -> bool:
        """Whether lines are named where they end, in place of a legend."""
        return self.ordered and self.style != "paper"

    @property
    def has_bars(self) -> bool:
        """Whether points are bars rather than markers on lines."""
        return self.is_speedup and self.style == "paper"

    @property
    def caption(self) -> str:
        """Sentences on what is drawn, how sure that is, and under which conditions."""
        quantity, by = ("Speed-up", "batch size") if self.is_speedup else _TIME
        said = [f"{quantity} against {by}, {self._each}"]
        if len(self.panels) > 1:
            said[0] += f", a panel for each {self.panels_of}"
        said += _certainty(self.points, self.is_speedup, self.has_bars)
        if any(panel.reference for panel in self.panels):
            said.append(_REFERENCE)
        return " ".join([*(f"{each}." for each in said), self.conditions])

    @property
    def _each(self) -> str:
        mark = "bar" if self.has_bars else "line"
        return f"a {mark} for each {'batch size' if self.ordered else 'memory pool'}"


@dataclass(frozen=True)
class Selection:
    """All drawings of some files, and a line on each that there are no data for."""

    drawings: tuple[Drawing, ...]
    gaps: tuple[str, ...]


def _certainty(points: Sequence[Point], is_speedup: bool, has_bars: bool) -> list[str]:
    """What the values and their error bars are, as far as there are such bars."""
    if is_speedup:
        said = ["Speed-up = seconds of an epoch on the CPU / seconds on the GPU"]
        interval, extremes = "Welch, on logarithms", "ratio of any two launches"
        alone = "one launch on a side"
    else:
        said = ["Time = median over launches of each launch's median epoch"]
        interval, extremes = "Student's t, on logarithms", "of two launches"
        alone = "one launch"
    if any(point.is_interval for point in points):
        said.append(f"Error bars with caps: 95 % interval over launches ({interval})")
    if any(point.is_range for point in points):
        said.append(f"Error bars without caps: lowest and highest {extremes}")
    why = []
    if any(point.low is None for point in points):
        why.append(f"{alone}, and no word on the error")
    if not has_bars and any(point.low is not None for point in points):
        why.append("a bar that is shorter than its mark")
    if why:
        said.append(f"No error bar: {'; or '.join(why)}")
    if any(point.has_few for point in points):
        mark = "Dashed outline, not filled" if has_bars else "Hollow mark"
        few = f"fewer than {stats.LAUNCHES_FOR_INTERVAL} launches"
        said.append(f"{mark}: {few}{' on a side' if is_speedup else ''}")
    return said

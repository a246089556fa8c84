"""Panels: which cases a figure shows, what they are called, and on which scales."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reports import stats
from reports.combination import AXES, Value, values, varying
from reports.stats import EpochTime
from reports.trend import axes, cells
from reports.trend.changes import Trend

#: Panels that fit a page.
MOST = 24
_WORDS = {
    "size": "{} px",
    "batch": "batch {}",
    "cnmem": "cnmem {}",
    "images": "{} images",
    "gpu_memory": "{} MB",
}
# Of all panels the seconds span this factor or more, so that noise is not blown up, …
_NARROW = 1.15
# … and the same in each, so that a step is as high as it is large; up to this one.
_WIDE = 2.0
_HEADROOM = 1.3  # of the span, for what is written at change points
_REACH = 3.0  # of a panel's middle; error bars go on beyond it


@dataclass(frozen=True)
class Panel:
    """One case: a time for each point, on an axis from ``low`` to ``high`` seconds."""

    title: str
    trend: Trend
    times: tuple[EpochTime, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Picture:
    """All panels on an axis of time from ``start`` to ``end``.

    ``setting`` is what is the same in them, ``period`` when the first and the last
    point were saved. ``left_out`` are cases that there was no panel for.
    """

    setting: str
    period: str
    panels: tuple[Panel, ...]
    start: datetime
    end: datetime
    left_out: int


def picture(trends: Sequence[Trend]) -> Picture:
    """Panels of ``trends``, which are one or more, in their order.

    Of more than `MOST` those that changed most are picked.
    """
    picked = sorted(range(len(trends)), key=lambda n: (-_most(trends[n]), n))[:MOST]
    shown = [trends[number] for number in sorted(picked)]
    setting, titles = _names(shown, trends)
    times = [
        tuple([stats.epoch_time(p.case.medians) for p in trend.history.points])
        for trend in shown
    ]
    ends = [_ends(each) for each in times]
    spans = [high / low for low, high in ends]
    common = max([_NARROW, *(span for span in spans if span <= _WIDE)])
    panels = []
    for title, trend, each, (low, high) in zip(titles, shown, times, ends, strict=True):
        room = math.sqrt(max(common, high / low) / (high / low))
        top = (high * room / (low / room)) ** (_HEADROOM - 1)
        panels.append(Panel(title, trend, each, low / room, high * room * top))
    whens = [point.when for trend in shown for point in trend.history.points]
    return Picture(
        setting,
        cells.period(whens),
        tuple(panels),
        *_spread(min(whens), max(whens)),
        left_out=len(trends) - len(shown),
    )


def _most(trend: Trend) -> float:
    """How far its largest change goes, as a factor either way; 0 without any."""
    ratios = [1 + change.step.percent / 100 for change in trend.changes]
    return max([abs(math.log(ratio)) for ratio in ratios], default=0.0)


def _ends(times: Sequence[EpochTime]) -> tuple[float, float]:
    """What the points and most of their error bars lie between."""
    values = [time.seconds for time in times]
    low, high = min(values), max(values)
    reach = max(_NARROW, high / low) ** 0.5
    return (
        max(min([time.low for time in times]), low / reach),
        min(max([time.high for time in times]), high * reach),
    )


def _spread(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Half a day more on either side where all is of one moment."""
    if start < end:
        return start, end
    half = timedelta(hours=12)
    try:
        return start - half, end + half
    except OverflowError:  # on the first or the last day that there is
        return start, end


def _names(shown: Sequence[Trend], every: Sequence[Trend]) -> tuple[str, list[str]]:
    """What is the same in all that are ``shown``, and of each what is not."""
    combinations = [trend.history.combination for trend in shown]
    machines = axes.machines([trend.history for trend in every])
    facts = [
        [_said(axis, value) for value in values(axis, combinations)]
        for axis in (*AXES, *varying(combinations))
    ]
    facts.append([machines[trend.history.machine] for trend in shown])
    same = [said[0] for said in facts if len(set(said)) == 1 and said[0]]
    differ = [said for said in facts if len(set(said)) > 1]
    titles = [", ".join(filter(None, each)) for each in zip(*differ, strict=True)]
    return ", ".join(same), titles or [""] * len(shown)


def _said(axis: str, value: Value) -> str:
    if value is None:
        return ""
    if axis == "cores":
        return "1 core" if value == 1 else f"{value} cores"
    return _WORDS.get(axis, "{}").format(value)

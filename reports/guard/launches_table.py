"""The table of what so many launches can show, by the formula of a case's own power."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from reports import stats
from reports.guard import power
from reports.guard.percent import text
from reports.guard.testing import Limits
from reports.guard.welch import Differences, Moments, differences
from reports.tables import Column, Table

NAME = "launches"
_LAUNCHES = (3, 5, 10, 20, 40)


def table(cases: int, limits: Limits, spreads: Sequence[float]) -> Table:
    """A row for each of ``spreads`` and numbers of launches a side."""
    rows = [(spread, launches) for spread in spreads for launches in _LAUNCHES]
    spread, launches = np.array(rows).T
    side = Moments(np.zeros(len(rows)), spread**2 / launches, launches)
    changes = differences(side, side)
    smallest = power.smallest_slowdowns(
        changes,
        np.full(len(rows), limits.slowdown),
        (limits.q / cases, limits.alpha),
        limits.power,
    ).tolist()
    same = _share_same(changes, limits).tolist()
    counts = Column("launches a side", tuple([count for _, count in rows]))
    return Table(
        name=NAME,
        shown=(
            Column("launch noise", tuple([text(each) for each, _ in rows])),
            counts,
            Column("smallest slow-down (%)", tuple(map(_percent, smallest))),
            Column("said same (%)", tuple([f"{100 * each:.0f}" for each in same])),
        ),
        data=(
            Column("launch_noise", tuple([each for each, _ in rows])),
            Column("launches", counts.cells),
            Column("smallest", tuple([None if math.isnan(e) else e for e in smallest])),
            Column("said_same", tuple(same)),
        ),
        above=(
            f"Launches: {cases} cases, δ {text(limits.slowdown)}, q {text(limits.q)}, "
            f"α {text(limits.alpha)}",
        ),
        below=(
            f"smallest slow-down: of a lone case, at {text(limits.power)} power, with "
            "as many launches afresh",
            "said same: share of unchanged cases; the rest are inconclusive",
            "launch noise: standard deviation of log launch medians; normal",
        ),
    )


def _share_same(changes: Differences, limits: Limits) -> power.Floats:
    """Cases without a change whose data exclude the slow-down."""
    quantile = np.asarray(stdtrit(changes.usual_degrees, stats.CONFIDENCE), np.float64)
    distance = np.log1p(limits.slowdown) / changes.error
    return power.chance(changes.degrees, quantile, distance)


def _percent(share: float) -> str:
    return "—" if math.isnan(share) else f"{100 * share:.1f}"

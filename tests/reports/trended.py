"""Histories to order, for trends: points with levels and noise, reproducible."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from reports.combination import Combination
from reports.origins import Code, Machine
from reports.pool import Pooled
from reports.records import Launch
from reports.trend.points import History, Point

START = datetime(2026, 9, 1, 2, tzinfo=UTC)
CASE = Combination("jax", "cpu", 64, 20, None, 1, 300)
LAB = Machine("lab", "Linux x86_64", "Xeon", "16")


def commit(number: int) -> str:
    """Of a day: 40 digits of which the first are its number."""
    return f"{number:07}{'c':>033}".replace(" ", "0")


def day(number: int) -> datetime:
    """When the point of so many days after the first was saved."""
    return START + timedelta(days=number)


def history(points: Sequence[Sequence[float]]) -> History:
    """A point a day, with a commit of its own; each is its launch medians, seconds."""
    return History(
        tuple(
            Point(
                day(number),
                Pooled(
                    CASE,
                    LAB,
                    Code(commit(number), False),
                    (f"day{number}",),
                    tuple(Launch(rounds=1, median=seconds) for seconds in medians),
                    repeats=0,
                ),
            )
            for number, medians in enumerate(points)
        )
    )


def noisy(
    chance: random.Random,
    levels: Sequence[float],
    *,
    launches: int = 10,
    noise: float = 0.03,
    session: float = 0.0,
) -> History:
    """One second times e to the level of each point, with normal noise.

    ``noise`` is that of launches, ``session`` what all launches of a point share.
    """
    points = []
    for level in levels:
        middle = level + chance.gauss(0, session)
        points.append(
            [math.exp(middle + chance.gauss(0, noise)) for _ in range(launches)]
        )
    return history(points)

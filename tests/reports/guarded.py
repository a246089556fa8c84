"""Files to order, for the guard: launches with a ratio and a scatter, reproducible."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Sides = tuple[str, str]

_LATER = "2026-11-22T08:00:00+00:00"


def launches(
    seconds: float, *, seed: int, count: int = 10, scatter: float = 0.01
) -> list[Sequence[float]]:
    """``count`` launches of three rounds around ``seconds``."""
    chance = random.Random(seed)
    found: list[Sequence[float]] = []
    for _ in range(count):
        middle = seconds * math.exp(chance.gauss(0, scatter))
        found.append([middle * math.exp(chance.gauss(0, 0.002)) for _ in range(3)])
    return found


def head_file(save: Save, *cases: dict[str, Any], **more: Any) -> str:
    """A file of the commit after."""
    return save("head.json", *cases, **{"commit": "beef", "when": _LATER, **more})


def one_case(
    save: Save,
    case: Make,
    ratio: float,
    *,
    count: int = 10,
    scatter: float = 0.01,
    **more: Any,
) -> Sides:
    """One case, in head ``ratio`` times as long."""
    before, after = (
        launches(seconds, seed=seed, count=count, scatter=scatter)
        for seed, seconds in ((1, 1.0), (2, ratio))
    )
    base = save("base.json", case(*before))
    head = head_file(save, case(*after), **more)
    return base, head


def fresh_options(
    save: Save, case: Make, ratio: float, *, count: int = 10, **more: Any
) -> list[str]:
    """Options for fresh launches, in head ``ratio`` times as long."""
    times = [launches(x, seed=seed, count=count) for seed, x in ((5, 1.0), (6, ratio))]
    fresh = [
        save("fresh-base.json", case(*times[0]), when="2026-11-23T00:00:00Z"),
        save(
            "fresh-head.json",
            case(*times[1]),
            **{"commit": "beef", "when": "2026-11-23T01:00:00Z", **more},
        ),
    ]
    return ["--confirm-base", fresh[0], "--confirm-head", fresh[1]]

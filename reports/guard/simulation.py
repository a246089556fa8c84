"""Many runs of the guard over made-up cases whose truth is known (pure functions).

A run is the screen of all cases and the second look at its suspects, by the very
functions that judge saved files. Only logarithms matter: a slow-down is added to one.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from reports.guard.multiplicity import Flags, benjamini_hochberg, holm
from reports.guard.testing import Limits
from reports.guard.welch import Differences, Moments, differences

Floats = npt.NDArray[np.float64]
Shape = tuple[int, ...]

_AT_ONCE = 100  # runs whose launches are held in memory together


def _normal(chance: np.random.Generator, spread: float, shape: Shape) -> Floats:
    return spread * chance.standard_normal(shape)


def _heavy(chance: np.random.Generator, spread: float, shape: Shape) -> Floats:
    return spread / math.sqrt(3) * chance.standard_t(3, shape)


def _disturbed(chance: np.random.Generator, spread: float, shape: Shape) -> Floats:
    struck = chance.random(shape) < 0.05
    return _normal(chance, spread, shape) + math.log(1.2) * struck


#: How launches of one case scatter around its log time, by name; ``spread`` is 0.03
#: for 3 %, the standard deviation apart from what strikes single launches.
TAILS: dict[str, Callable[[np.random.Generator, float, Shape], Floats]] = {
    "normal": _normal,
    "t3": _heavy,
    "struck": _disturbed,
}


@dataclass(frozen=True)
class Design:
    """How many cases, launches a side in the files and afresh, and runs."""

    cases: int = 300
    launches: int = 10
    fresh: int = 10
    runs: int = 2000
    seed: int = 1
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Truth:
    """What is the matter: ``slow`` cases are slower ``by`` that, the ``rest`` by this.

    ``that_day`` slows the head's launches in the files alone, as a machine does that is
    hot or busy on the day.
    """

    slow: int = 0
    by: float = 0.0
    rest: float = 0.0
    that_day: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What came of ``runs`` runs; all but ``share_found`` count runs or cases.

    ``second_looks`` are runs with any suspect, of which there were ``suspects`` in all.
    ``false_alarms`` are runs in which a case was called slower that is slower by no
    more than the limit, ``failed`` those in which any case was. ``share_found`` is of
    the slow cases of all runs; 0 where there are none.
    """

    runs: int = 0
    second_looks: int = 0
    suspects: int = 0
    false_alarms: int = 0
    failed: int = 0
    share_found: float = 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        """Both together."""
        runs = self.runs + other.runs
        found = self.share_found * self.runs + other.share_found * other.runs
        return Outcome(
            runs,
            self.second_looks + other.second_looks,
            self.suspects + other.suspects,
            self.false_alarms + other.false_alarms,
            self.failed + other.failed,
            found / runs,
        )


def simulate(
    design: Design, spread: float, tails: str, truths: tuple[Truth, ...]
) -> tuple[Outcome, ...]:
    """What comes of each of ``truths`` where launches scatter by ``spread``.

    All truths meet the same scatter, which depends on the seed, ``spread`` and
    ``tails`` (one of `TAILS`) alone.
    """
    kind = list(TAILS).index(tails)
    chance = np.random.default_rng([design.seed, kind, round(spread * 1e6)])
    totals = [Outcome()] * len(truths)
    for drawn in _draws(design, chance, spread, tails):
        outcomes = [_judge(drawn, design.limits, truth) for truth in truths]
        totals = [total + each for total, each in zip(totals, outcomes, strict=True)]
    return tuple(totals)


class _Drawn:
    """The scatter of some runs, a row each; the files' p-values are kept by effect."""

    def __init__(self, saved: Differences, fresh: Differences) -> None:
        self.saved, self.fresh = saved, fresh
        self._p: dict[float, Floats] = {}

    def p(self, effect: float) -> Floats:
        """In the files, if all cases' log ratio were ``effect`` above the limit's."""
        if effect not in self._p:
            self._p[effect] = self.saved.p_above(-effect)
        return self._p[effect]


def _draws(
    design: Design, chance: np.random.Generator, spread: float, tails: str
) -> Iterator[_Drawn]:
    def draw(runs: int, launches: int) -> Differences:
        shape = (runs, design.cases, launches)
        sides = [_moments(TAILS[tails](chance, spread, shape)) for _ in range(2)]
        return differences(*sides)

    for start in range(0, design.runs, _AT_ONCE):
        runs = min(_AT_ONCE, design.runs - start)
        yield _Drawn(draw(runs, design.launches), draw(runs, design.fresh))


def _moments(logs: Floats) -> Moments:
    launches = logs.shape[-1]
    square = np.var(logs, axis=-1, ddof=1) / launches
    return Moments(np.mean(logs, axis=-1), square, np.full(square.shape, launches))


def _judge(drawn: _Drawn, limits: Limits, truth: Truth) -> Outcome:
    """The two stages, of all runs at once."""
    limit = np.log1p(limits.slowdown)
    is_slow = np.arange(drawn.saved.mean.shape[1]) < truth.slow
    effects = [float(np.log1p(each) - limit) for each in (truth.by, truth.rest)]
    day = float(np.log1p(truth.that_day))
    p = np.where(is_slow, *[drawn.p(effect + day) for effect in effects])
    suspects = benjamini_hochberg(p, limits.q)
    slower = holm(
        _fresh_p(drawn.fresh, np.where(is_slow, *effects), suspects), limits.alpha
    )
    truly = np.where(is_slow, truth.by, truth.rest) > limits.slowdown
    return Outcome(
        runs=len(suspects),
        second_looks=int(suspects.any(axis=1).sum()),
        suspects=int(suspects.sum()),
        false_alarms=int((slower & ~truly).any(axis=1).sum()),
        failed=int(slower.any(axis=1).sum()),
        share_found=float(slower[:, is_slow].mean()) if truth.slow else 0.0,
    )


def _fresh_p(fresh: Differences, effects: Floats, suspects: Flags) -> Floats:
    """P-values of the ``suspects`` by their fresh launches; NaN for all others."""
    p = np.full(suspects.shape, np.nan)
    chosen = Differences(
        (fresh.mean + effects)[suspects],
        fresh.error[suspects],
        fresh.degrees[suspects],
        fresh.usual_degrees[suspects],
    )
    p[suspects] = chosen.p_above(0.0)
    return p

"""Which cases got slower: a screen of all, then a second look at those it suspects."""

import math
from collections.abc import Callable, Hashable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from reports import stats

if TYPE_CHECKING:
    from reports.guard.multiplicity import Flags, Floats
    from reports.guard.welch import Moments


class Limits(Struct, frozen=True):
    """How much is slower, and how sure to be; all are shares (0.02 is 2 %).

    A case is slower if it takes more than 1 + ``slowdown`` times as long. Of the
    suspects of a screen, ``q`` are none on average at most: they cost fresh launches.
    ``alpha`` bounds the runs in which any case is called slower that is not.
    ``faster`` is what ``q`` is, for faster cases, which nobody looks at again.
    ``power`` is that at which the smallest slow-down is told.

    The defaults were chosen by `reports.guard.simulate`; docs/guard.md has the figures.
    """

    slowdown: float = 0.02
    q: float = 0.2
    alpha: float = 0.01
    faster: float = 0.05
    power: float = 0.8


DEFAULTS = Limits()


class Pair(Struct, frozen=True):
    """Launch medians of a case before and after, seconds, one or more, above 0.

    ``slowdown`` is the case's own in place of that of all.
    """

    key: Hashable
    base: stats.Sample
    head: stats.Sample
    slowdown: float | None = None

    @property
    def can_be_tested(self) -> bool:
        """Whether both sides have launches enough for an interval."""
        return min(len(self.base), len(self.head)) >= stats.LAUNCHES_FOR_INTERVAL


class Verdict(StrEnum):
    """What is known of a case.

    ``SLOWER`` comes of fresh launches only. ``FASTER`` is by more than the slow-down
    that is tolerated. ``SAME`` means that the data exclude, at 95 % one-sided, a
    slow-down beyond that, and do not show the case to be faster.
    """

    SLOWER = "slower"
    SUSPECT = "suspect"
    FASTER = "faster"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"


class Tested(Struct, frozen=True):
    """What came of ``pair``, held against ``slowdown``.

    ``ratio`` is head over base, of geometric means as the test is, with its two-sided
    95 % interval. ``p`` is one-sided,
    of 'slower by more than ``slowdown``'; None where there are too few launches to
    test, as is all that follows from it. ``smallest`` is the slow-down that the case
    would have shown at the limits' power; None also where a hundredfold one would not.
    """

    pair: Pair
    slowdown: float
    ratio: float
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict
    smallest: float | None


class _Stage(Struct, frozen=True):
    """How one stage decides over all its cases' p-values, and by what levels.

    ``lone_levels`` are those of all tests, of this stage and later, that one slow case
    among so many cases has to pass.
    """

    verdict: Verdict
    slower: "Callable[[Floats], Flags]"
    faster: "Callable[[Floats], Flags]"
    lone_levels: Callable[[int], tuple[float, ...]]

    def judged(self, is_slower: bool, is_faster: bool, is_same: bool) -> Verdict:
        """The verdict on a case, by what was shown of it."""
        if is_slower:
            return self.verdict
        if is_faster:
            return Verdict.FASTER
        return Verdict.SAME if is_same else Verdict.INCONCLUSIVE


def screen(pairs: Sequence[Pair], limits: Limits = DEFAULTS) -> tuple[Tested, ...]:
    """Stage one, over all ``pairs`` in their order: who may be slower.

    `Verdict.SUSPECT` is by Benjamini and Hochberg over all cases that can be tested.
    The smallest slow-down is for both stages, the second with as many launches again.
    """
    from reports.guard.multiplicity import benjamini_hochberg

    stage = _Stage(
        Verdict.SUSPECT,
        slower=lambda p: benjamini_hochberg(p, limits.q),
        faster=lambda p: benjamini_hochberg(p, limits.faster),
        lone_levels=lambda cases: (limits.q / cases, limits.alpha),
    )
    return _judge(pairs, limits, stage)


def confirm(pairs: Sequence[Pair], limits: Limits = DEFAULTS) -> tuple[Tested, ...]:
    """Stage two, over fresh launches of all suspects: who is slower.

    No launch that the screen has seen may be among ``pairs``: it was picked for being
    slow. `Verdict.SLOWER` and `Verdict.FASTER` are by Holm over all ``pairs`` that can
    be tested. The smallest slow-down is this stage's alone.
    """
    from reports.guard.multiplicity import holm

    stage = _Stage(
        Verdict.SLOWER,
        slower=lambda p: holm(p, limits.alpha),
        faster=lambda p: holm(p, limits.alpha),
        lone_levels=lambda cases: (limits.alpha / cases,),
    )
    return _judge(pairs, limits, stage)


def _judge(pairs: Sequence[Pair], limits: Limits, stage: _Stage) -> tuple[Tested, ...]:
    testable = [pair for pair in pairs if pair.can_be_tested]
    results = iter(_tests(testable, limits, stage) if testable else ())
    return tuple(
        [
            _tested(pair, limits, *next(results))
            if pair.can_be_tested
            else _tested(pair, limits, None, Verdict.INCONCLUSIVE, None)
            for pair in pairs
        ]
    )


def _tested(
    pair: Pair,
    limits: Limits,
    p: float | None,
    verdict: Verdict,
    smallest: float | None,
) -> Tested:
    change = stats.speedup(pair.head, pair.base)  # what it takes over what it took
    return Tested(
        pair,
        _slowdown(pair, limits),
        math.exp(stats.log_mean(pair.head) - stats.log_mean(pair.base)),
        change.low,
        change.high,
        p,
        verdict,
        smallest,
    )


def _tests(
    pairs: Sequence[Pair], limits: Limits, stage: _Stage
) -> list[tuple[float, Verdict, float | None]]:
    """P-value, verdict and smallest slow-down of each of ``pairs``, one or more."""
    import numpy as np

    from reports.guard import power, welch

    changes = welch.differences(
        _moments([pair.base for pair in pairs]), _moments([pair.head for pair in pairs])
    )
    slowdowns = np.array([_slowdown(pair, limits) for pair in pairs])
    shifts = np.log1p(slowdowns)
    p = changes.p_above(shifts)
    smallest = power.smallest_slowdowns(
        changes, slowdowns, stage.lone_levels(len(pairs)), limits.power
    )
    verdicts = map(
        stage.judged,
        stage.slower(p).tolist(),
        stage.faster(changes.p_below(-shifts)).tolist(),
        (changes.p_below(shifts) <= 1 - stats.CONFIDENCE).tolist(),
    )
    least = [None if math.isnan(each) else each for each in smallest.tolist()]
    return list(zip(p.tolist(), verdicts, least, strict=True))


def _slowdown(pair: Pair, limits: Limits) -> float:
    return limits.slowdown if pair.slowdown is None else pair.slowdown


def _moments(samples: Sequence[stats.Sample]) -> "Moments":
    import numpy as np

    from reports.guard.welch import Moments

    mean, square = np.array([stats.log_moments(sample) for sample in samples]).T
    return Moments(mean, square, np.array([float(len(each)) for each in samples]))

"""When a case has been measured enough, and what of it counts (pure functions)."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from benchmarks.pace import Pace
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement, Stopped

#: Two launches have a variance, but a t quantile of 12.7 says nothing about them.
LEAST_LAUNCHES = 3
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effort:
    """How much to measure of a case.

    Attributes
    ----------
    launches
        fresh processes; None for as many as ``precision`` needs, from 3 on.
    rounds
        undisturbed timed epochs in each of them.
    timeout
        seconds that a worker may take for one answer: opening a job, or one epoch.
    most_rounds
        up to how many rounds are added in a launch while they scatter.
    precision
        half-width of the 95 % interval of the log-median over launches at which a case
        is done (0.05: about ± 5 %).
    cap_seconds
        wall time of a case's launches after which no more than 3 are made.
    repeats
        rounds of a launch that are repeated at most since something disturbed them.
    patience
        seconds that a launch may wait for other sessions; None: as long as it takes.
    pace
        where it is given, ``rounds`` are only the first, from which a launch finds out
        how many it should have (`paced`).
    """

    launches: int | None
    rounds: int
    timeout: float = 600.0
    most_rounds: int = 0
    precision: float = 0.05
    cap_seconds: float = 600.0
    repeats: int = 0
    patience: float | None = None
    pace: Pace | None = None


def half_width(logs: Sequence[float]) -> float | None:
    """Half the 95 % interval (Student's t) of the mean of ``logs``; None below 3."""
    if len(logs) < LEAST_LAUNCHES:
        return None
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    return _t_quantile(len(logs) - 1) * error


def rounds_wanted(effort: Effort, seconds: Sequence[float]) -> int:
    """How many rounds a launch should have, given the ``seconds`` of those it has.

    One more than it has while their mean is less sure than the case's is to be: the
    launch's median cannot be surer.
    """
    if len(seconds) < effort.rounds:
        return effort.rounds
    width = half_width([math.log(each) for each in seconds])
    if width is None or width <= effort.precision:
        return len(seconds)
    return min(len(seconds) + 1, max(effort.most_rounds, len(seconds)))


def paced(effort: Effort, pace: Pace, outside: float, epoch: float) -> Effort:
    """``effort`` with the rounds that a launch has by its ``pace``, and no pace.

    ``outside`` are the launch's seconds without rounds, ``epoch`` those of a round.
    Where the budget is short, none are added because rounds scatter.
    """
    rounds = pace.rounds(outside, epoch)
    return replace(
        effort,
        rounds=rounds,
        most_rounds=max(rounds, effort.most_rounds) if pace.odds >= 1 else rounds,
        repeats=rounds if pace.repeats is None else pace.repeats,
        pace=None,
    )


def stopped(
    effort: Effort, launches: Sequence[Launch], seconds: float
) -> Stopped | None:
    """Why ``launches``, which took ``seconds`` of wall time, are enough; None if not.

    Launches without an undisturbed round give no precision, but take time. Looking
    after each launch whether it is enough costs some of the 95 %: at 4 to 8 % from
    launch to launch and a precision of 5 %, intervals at which cases stop hold the true
    time in 94 to 90 % of simulated cases.
    """
    width = _width(launches)
    if effort.launches is not None:
        enough = len(launches) >= effort.launches
        return Stopped("fixed", width) if enough else None
    if width is not None and width <= effort.precision:
        return Stopped("precision", width, effort.precision)
    if len(launches) >= LEAST_LAUNCHES and seconds >= effort.cap_seconds:
        return Stopped("time-cap", width, effort.precision)
    return None


def cut_short(effort: Effort, launches: Sequence[Launch], why: str) -> Stopped:
    """As `stopped`, for a case that was not enough yet: interrupted, or its budget."""
    width = _width(launches)
    asked = effort.precision if effort.launches is None else None
    return Stopped(why, width, asked)


def settle(job: Job, launches: Sequence[Launch], stopped: Stopped) -> Measurement:
    """All ``launches`` as a measurement: which rounds count, and what to beware of.

    Where too few launches had a round that nothing disturbed, the fastest round of each
    other launch counts as well: whatever disturbs makes slower, so that this is the
    best estimate that a machine which is never quiet can give. A warning says so.
    """
    never = [launch for launch in launches if not launch.counted]
    if not never or len(launches) - len(never) >= LEAST_LAUNCHES:
        return Measurement(job, tuple(launches), stopped)
    settled = tuple(
        launch if launch.counted else _best_estimate(launch) for launch in launches
    )
    which = f"{len(never)} of {len(launches)} launches"
    if len(launches) == 1:
        which = "its one launch"
    warning = f"never quiet in {which}, whose fastest round stands in"
    return Measurement(
        job, settled, replace(stopped, half_width=_width(settled)), (warning,)
    )


def _width(launches: Sequence[Launch]) -> float | None:
    """`half_width` of the log-medians of the launches with a round that counts."""
    counted = [launch for launch in launches if launch.counted]
    return half_width([math.log(launch.median_seconds) for launch in counted])


def _best_estimate(launch: Launch) -> Launch:
    fastest = min(launch.rounds, key=lambda round_: round_.seconds)
    return replace(
        launch,
        rounds=tuple(
            replace(round_, counts=round_ is fastest) for round_ in launch.rounds
        ),
    )


@lru_cache(maxsize=64)
def _t_quantile(degrees: int) -> float:
    # scipy.special takes half a second to import, and only intervals need it
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))

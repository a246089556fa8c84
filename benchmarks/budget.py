"""A budget of wall time: which launches still fit into it, and with how many rounds."""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.costs import Cost, Costs
from benchmarks.pace import Pace
from benchmarks.settling import LEAST_LAUNCHES, Effort, paced
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch

#: Seconds of rounds for each second outside them, the most that fits is taken: from
#: half of a launch down to what costs next to nothing.
_ODDS = (*(number / 20 for number in range(20, 1, -1)), 0.05)
#: Seconds that a worker may take for one answer, whatever is left: engines compile.
_LEAST_TIMEOUT = 60.0
_LONGEST = 7 * 24 * 3600.0  # seconds
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Due:
    """A case that needs more launches than the ``launches`` it has."""

    job: Job
    launches: int


@dataclass(frozen=True)
class Policy:
    """How much is measured where there is budget enough.

    ``pace`` chooses the rounds of a launch; None where their number is given, by
    ``effort``.
    """

    effort: Effort
    pace: Pace | None = None

    @property
    def least_launches(self) -> int:
        """Launches of every case that come before anything else."""
        return min(LEAST_LAUNCHES, self.effort.launches or LEAST_LAUNCHES)

    def rounds(self, cost: Cost, odds: float) -> int:
        """Rounds of a launch of that cost."""
        if self.pace is None:
            return self.effort.rounds
        return replace(self.pace, odds=odds).rounds(cost.outside, cost.epoch)

    def missing(self, due: Due) -> int:
        """How many of its least launches a case lacks."""
        return max(0, self.least_launches - due.launches)


@dataclass(frozen=True)
class Allotment:
    """What the budget allots to the cases that are due, at one moment.

    ``left`` are seconds, ``even`` how many of them each launch would have if the least
    launches of all cases took equally long. ``odds`` are those of the pace by which
    these launches should fit.
    """

    policy: Policy
    costs: Costs
    left: float
    odds: float
    even: float

    def fits(self, due: Due) -> bool:
        """Whether one more launch should end within the budget.

        Of the very first launch of all nothing is known: it is made.
        """
        seconds = self.seconds(due)
        return self.left > 0 if seconds is None else seconds <= self.left

    def seconds(self, due: Due) -> float | None:
        """What one more launch should take; None where no launch tells."""
        cost = self.costs.of(due.job)
        if cost is None:
            return None
        return cost.seconds(self.policy.rounds(cost, self._odds_of(due)))

    def effort(self, due: Due) -> Effort:
        """How much to measure in the next launch of a case.

        Its earlier launches tell its rounds; in a first one, the launch finds them out
        by itself, within what its like should take or what each launch may take. A
        worker that hangs is given up once twice what is left has gone. Another session
        is waited for while the launch should still end in time.
        """
        effort, pace = self.policy.effort, self.policy.pace
        timeout = min(effort.timeout, max(_LEAST_TIMEOUT, 2 * self.left))
        patience = max(0.0, self.left - (self.seconds(due) or 0.0))
        effort = replace(effort, timeout=timeout, patience=patience)
        if pace is None:
            return effort
        pace = replace(pace, odds=self._odds_of(due))
        if own := self.costs.own(due.job):
            return paced(effort, pace, own.outside, own.epoch)
        expected, guess = self.seconds(due), self.costs.of(due.job)
        limit = min(self.left, max(self.even, expected or 0.0))
        first = 1 if guess is None else pace.fewest(guess.epoch)
        return replace(effort, rounds=first, pace=replace(pace, limit_seconds=limit))

    def _odds_of(self, due: Due) -> float:
        """A launch beyond the least is made in full or not at all."""
        return self.odds if self.policy.missing(due) else _ODDS[0]


def after_waiting(effort: Effort, seconds: float) -> Effort:
    """What `Allotment.effort` gave, for a launch that had to wait so long to begin."""
    if effort.patience is None:
        return effort
    pace = effort.pace
    if pace is not None:
        limit = max(0.0, pace.limit_seconds - seconds)
        pace = replace(pace, limit_seconds=limit)
    least = min(effort.timeout, _LEAST_TIMEOUT)
    timeout = max(least, effort.timeout - 2 * seconds)
    return replace(effort, timeout=timeout, pace=pace)


class Budget:
    """``seconds`` of wall time from when the first launch could begin."""

    def __init__(
        self,
        seconds: float,
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """It has not begun; ``clock`` tells seconds."""
        self.seconds = seconds
        self._policy = policy
        self._clock = clock
        self._costs = Costs()
        self._began: float | None = None
        self._ended: float | None = None

    def begin(self) -> None:
        """From now on it is used up; also if that had come to an end."""
        self._ended = None
        if self._began is None:
            self._began = self._clock()

    def end(self) -> None:
        """What comes from now on is not measuring."""
        self._ended = self._clock()

    @property
    def used(self) -> float:
        """Seconds from its beginning to its end, or so far."""
        if self._began is None:
            return 0.0
        return (self._clock() if self._ended is None else self._ended) - self._began

    @property
    def left(self) -> float:
        """Seconds, 0 where more than all is used."""
        return max(0.0, self.seconds - self.used)

    def learn(self, job: Job, launch: Launch, seconds: float) -> None:
        """A launch of ``job`` took ``seconds`` of wall time."""
        self._costs.learn(job, launch, seconds)

    def allot(self, dues: Sequence[Due]) -> Allotment:
        """What is left, shared among ``dues``, all cases that need launches."""
        left = self.left
        launches = sum(self._policy.missing(due) for due in dues)
        return Allotment(
            self._policy,
            self._costs,
            left,
            self._odds(dues, left),
            left / max(1, launches),
        )

    def _odds(self, dues: Sequence[Due], left: float) -> float:
        """The most at which the least launches of all should fit; else the least."""
        missing = [
            (cost, lacks)
            for due in dues
            if (lacks := self._policy.missing(due))
            and (cost := self._costs.of(due.job)) is not None
        ]
        for odds in _ODDS:
            needed = sum(
                lacks * cost.seconds(self._policy.rounds(cost, odds))
                for cost, lacks in missing
            )
            if needed <= left:
                return odds
        return _ODDS[-1]


def parse_seconds(text: str | None) -> float | None:
    """The seconds that ``600``, ``600s``, ``10m`` or ``2h`` say; None for none.

    Raises `InputError` for anything else.
    """
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip(), re.ASCII)
    seconds = float(found[1]) * _UNITS[found[2]] if found else math.nan
    if not 0 < seconds <= _LONGEST:
        raise InputError(
            f"--budget: {text!r} is no time above 0, up to a week; write seconds (600),"
            " minutes (10m) or hours (2h)"
        )
    return seconds

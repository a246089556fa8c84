"""Pace: how many rounds a launch gets for the time that it takes otherwise."""

import math
from dataclasses import dataclass

#: The most that a launch gets, however short its epochs are: a saved round takes some
#: 1.5 kB. An epoch of 0.03 s still fills half of a launch that takes 30 s otherwise.
MOST_ROUNDS = 1000
#: Seconds; of longer epochs one is enough.
LONG_EPOCH = 10.0
_SHORTEST = 1e-6  # seconds; no epoch is as short, and nothing is divided by less


@dataclass(frozen=True)
class Pace:
    """The rounds of a launch by its costs.

    Attributes
    ----------
    least
        rounds of a launch whose epochs are no longer than `LONG_EPOCH`.
    odds
        seconds of rounds for each second outside them: 1 makes them half of the launch.
        Below 1, which is where the budget is short, ``least`` shrinks alike.
    limit_seconds
        wall time of the launch by which its rounds are to end, but for the first.
    repeats
        disturbed rounds that are repeated at most; None for as many as there are.
    """

    least: int
    odds: float = 1.0
    limit_seconds: float = math.inf
    repeats: int | None = None

    def rounds(self, outside: float, epoch: float) -> int:
        """For ``outside`` seconds without rounds and ``epoch`` seconds a round."""
        epoch = max(epoch, _SHORTEST)
        wanted = max(self.fewest(epoch), math.ceil(self.odds * outside / epoch))
        fitting = max(0.0, self.limit_seconds - outside) / epoch
        return max(1, min(wanted, MOST_ROUNDS, math.floor(min(fitting, MOST_ROUNDS))))

    def fewest(self, epoch: float) -> int:
        """Rounds however soon the launch could have begun to train."""
        return 1 if epoch > LONG_EPOCH else max(1, int(self.odds * self.least))

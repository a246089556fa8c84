"""What launches cost: known of a case's own, guessed from those of other cases."""

import math
import statistics
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from histocnn.job import Job
from histocnn.measurement import Launch


@dataclass(frozen=True)
class Cost:
    """Seconds of a launch.

    ``outside`` is all but its rounds: starting, importing, compiling, the warm-up
    epoch, leaving. ``epoch`` is one round, ``besides`` what came on top: rounds that
    were disturbed, waiting for a quiet machine and for other sessions.
    """

    outside: float
    epoch: float
    besides: float = 0.0

    def seconds(self, rounds: int) -> float:
        """Wall time of a launch with so many rounds."""
        return self.outside + rounds * self.epoch + self.besides


def cost(launch: Launch, seconds: float) -> Cost:
    """What ``launch`` cost, ``seconds`` of wall time having gone by for it.

    The seconds are not below the launch's own: it may have waited for its turn.
    """
    rounds = [round_.seconds for round_ in launch.rounds]
    counted = [round_.seconds for round_ in launch.counted] or rounds
    outside = max(0.0, launch.wall_seconds - launch.waited_seconds - sum(rounds))
    besides = max(0.0, seconds - outside - sum(counted))
    return Cost(outside, statistics.median(counted), besides)


class _Known:
    """What the launches of one case cost: each, and typically."""

    typical: Cost

    def __init__(self, job: Job) -> None:
        self.job = job
        self._costs: list[Cost] = []

    def add(self, cost: Cost) -> None:
        """By medians, the lower of two: only the first launch finds caches cold."""
        self._costs.append(cost)
        self.typical = Cost(
            statistics.median_low([each.outside for each in self._costs]),
            statistics.median_low([each.epoch for each in self._costs]),
            statistics.median_low([each.besides for each in self._costs]),
        )


#: What cases have in common from which one is guessed, the likest first.
_KINSHIP: tuple[Callable[[Job], Hashable], ...] = (
    lambda job: (job.engine, job.device, job.loop),
    lambda job: (job.engine, job.device),
    lambda job: job.device,
    lambda job: None,
)


class Costs:
    """What launches so far cost, and what others should."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._known: dict[str, _Known] = {}
        self._guesses: dict[Hashable, Cost] = {}

    def learn(self, job: Job, launch: Launch, seconds: float) -> None:
        """A launch of ``job`` took ``seconds``, from its beginning to its record."""
        self._known.setdefault(job.id, _Known(job)).add(cost(launch, seconds))
        self._guesses.clear()

    def own(self, job: Job) -> Cost | None:
        """By the launches of ``job`` itself; None where there are none."""
        known = self._known.get(job.id)
        return None if known is None else known.typical

    def of(self, job: Job) -> Cost | None:
        """What a launch of ``job`` should cost; None where no launch has ended yet.

        Without one of its own: what launches of like cases take besides training, and
        the epoch of the case that is nearest in work, scaled by it.
        """
        if own := self.own(job):
            return own
        if not self._known:
            return None
        alike = (*_KINSHIP[0](job), work(job))  # type: ignore[misc]
        if alike not in self._guesses:
            self._guesses[alike] = _guess(job, self._kin(job))
        return self._guesses[alike]

    def _kin(self, job: Job) -> list[_Known]:
        everybody = self._known.values()
        for kind in _KINSHIP:
            if kin := [each for each in everybody if kind(each.job) == kind(job)]:
                return kin
        return []


def work(job: Job) -> float:
    """What an epoch computes, in pixels a core."""
    return job.images * job.size**2 / job.cores


def _guess(job: Job, kin: Sequence[_Known]) -> Cost:
    costs = [each.typical for each in kin]
    far = [abs(math.log(work(each.job) / work(job))) for each in kin]
    nearest = [
        one.epoch / work(each.job)
        for each, one, distance in zip(kin, costs, far, strict=True)
        if math.isclose(distance, min(far), abs_tol=1e-9)
    ]
    epoch = statistics.median(nearest) * work(job)
    start = statistics.median_low([max(0.0, one.outside - one.epoch) for one in costs])
    besides = statistics.median_low([one.besides for one in costs])
    return Cost(start + epoch, epoch, besides)  # the warm-up is an epoch, too

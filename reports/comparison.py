"""Every case beside its baseline: the numbers of the speed-up table, unformatted."""

from collections.abc import Iterable
from dataclasses import dataclass

from reports import stats
from reports.baseline import Baseline
from reports.combination import Combination
from reports.pool import Pooled


@dataclass(frozen=True)
class Compared:
    """One case, its epoch time, and its speed-up over ``baseline``.

    ``speedup`` is None where the baseline was not measured at the case's own origin;
    of several that it might have been, ``baseline`` is then the last.
    """

    case: Pooled
    time: stats.EpochTime
    baseline: Combination
    speedup: stats.Speedup | None

    @property
    def is_baseline(self) -> bool:
        """Whether the case is its own baseline."""
        return self.baseline == self.case.combination

    @property
    def precisions_differ(self) -> bool:
        """Whether part of the speed-up comes from other arithmetic."""
        differ = self.baseline.precision != self.case.combination.precision
        return self.speedup is not None and differ

    @property
    def images_per_second(self) -> float:
        """Throughput at the epoch time shown."""
        return self.case.combination.images / self.time.seconds


def compare(cases: Iterable[Pooled], baseline: Baseline) -> tuple[Compared, ...]:
    """Compare ``cases`` in their order, never across machines or commits."""
    cases = tuple(cases)
    medians = {
        (case.combination, case.origin): stats.launch_medians(
            [launch.seconds for launch in case.launches]
        )
        for case in cases
    }
    compared = []
    for case in cases:
        own = medians[case.combination, case.origin]
        candidates = baseline.candidates(case.combination)
        measured = (each for each in candidates if (each, case.origin) in medians)
        against = next(measured, candidates[-1])
        if against == case.combination:
            speedup: stats.Speedup | None = stats.Speedup(1.0, None, None)
        else:
            slow = medians.get((against, case.origin))
            speedup = None if slow is None else stats.speedup(slow, own)
        compared.append(Compared(case, stats.epoch_time(own), against, speedup))
    return tuple(compared)

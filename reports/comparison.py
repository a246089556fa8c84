"""Every case beside its baseline: the numbers of the speed-up table, unformatted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reports import stats
from reports.baseline import Baseline
from reports.combination import Combination
from reports.load import Origin
from reports.pool import Pooled
from reports.records import Outcome

_Place = tuple[Combination, Origin]


@dataclass(frozen=True)
class Compared:
    """One case, its epoch time, and its speed-up over ``baseline``.

    ``time`` is None where the case has an outcome instead. ``speedup`` is None then,
    and where the baseline was not measured at the case's own origin; of several that it
    might have been, ``baseline`` is then one that has an outcome, or the last.
    ``baseline_outcome`` is why the baseline has no time, None where nobody tried.
    """

    case: Pooled
    time: stats.EpochTime | None
    baseline: Combination
    speedup: stats.Speedup | None
    baseline_outcome: Outcome | None = None

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
    def images_per_second(self) -> float | None:
        """Throughput at the epoch time shown."""
        return self.case.combination.images / self.time.seconds if self.time else None


def compare(cases: Iterable[Pooled], baseline: Baseline) -> tuple[Compared, ...]:
    """Compare ``cases`` in their order, never across machines or commits."""
    cases = tuple(cases)
    medians = {
        (case.combination, case.origin): stats.launch_medians(
            [launch.seconds for launch in case.launches]
        )
        for case in cases
        if case.outcome is None
    }
    outcomes = {
        (case.combination, case.origin): case.outcome for case in cases if case.outcome
    }
    compared = []
    for case in cases:
        own = medians.get((case.combination, case.origin))
        against = _against(case, baseline, medians, outcomes)
        slow = medians.get((against, case.origin))
        if own is None or slow is None:
            speedup = None
        elif against == case.combination:
            speedup = stats.Speedup(1.0, None, None)
        else:
            speedup = stats.speedup(slow, own)
        time = None if own is None else stats.epoch_time(own)
        outcome = outcomes.get((against, case.origin))
        compared.append(Compared(case, time, against, speedup, outcome))
    return tuple(compared)


def _against(
    case: Pooled,
    baseline: Baseline,
    medians: Mapping[_Place, object],
    outcomes: Mapping[_Place, Outcome],
) -> Combination:
    """The first candidate that has a time; else one that was tried; else the last."""
    candidates = baseline.candidates(case.combination)
    places = [(each, case.origin) for each in candidates]
    measured = (place[0] for place in places if place in medians)
    tried = (p[0] for p in places if p in outcomes and outcomes[p].has_run)
    return next(measured, next(tried, candidates[-1]))

"""Every case beside its baseline: the numbers of the speed-up table, unformatted."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from reports import stats
from reports.baseline import Baseline
from reports.combination import Combination
from reports.origins import Machine
from reports.pool import Pooled
from reports.records import Outcome

_Place = tuple[Combination, Machine]


class Compared(Struct, frozen=True):
    """One case, its epoch time, and its speed-up over ``baseline``.

    ``time`` is None where the case has an outcome instead. ``speedup`` is None then,
    and where the baseline was not measured on the case's own machine; of several that
    it might have been, ``baseline`` is then one that has an outcome, or the last.
    ``baseline_outcome`` is why the baseline has no time, None where nobody tried;
    ``codes_differ`` is whether it was measured with another commit of the suite.
    """

    case: Pooled
    time: stats.EpochTime | None
    baseline: Combination
    speedup: stats.Speedup | None
    baseline_outcome: Outcome | None = None
    codes_differ: bool = False

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
    """Compare ``cases`` in their order, never across machines."""
    cases = tuple(cases)
    places = {(case.combination, case.machine): case for case in cases}
    return tuple([_compared(case, baseline, places) for case in cases])


def _compared(
    case: Pooled, baseline: Baseline, places: Mapping[_Place, Pooled]
) -> Compared:
    time = None if case.outcome else stats.epoch_time(case.medians)
    against, other = _against(case, baseline, places)
    speedup = None
    if other is case and time:
        speedup = stats.Speedup(1.0, None, None)
    elif other and time and not other.outcome:
        speedup = stats.speedup(other.medians, case.medians)
    return Compared(
        case,
        time,
        against,
        speedup,
        other.outcome if other else None,
        codes_differ=bool(speedup and other and not other.code.is_commit_of(case.code)),
    )


def _against(
    case: Pooled, baseline: Baseline, places: Mapping[_Place, Pooled]
) -> tuple[Combination, Pooled | None]:
    """The first candidate that has a time; else one that was tried; else the last."""
    candidates = baseline.candidates(case.combination)
    found = [
        (each, other)
        for each in candidates
        if (other := places.get((each, case.machine))) and comparable(case, other)
    ]
    measured = (each for each in found if each[1].outcome is None)
    tried = (each for each in found if each[1].outcome and each[1].outcome.has_run)
    last = candidates[-1]
    return next(measured, next(tried, (last, dict(found).get(last))))


def comparable(case: Pooled, other: Pooled) -> bool:
    """Whether nothing forbids it, as a breaking change of the same engine would."""
    engines = {case.combination.engine, other.combination.engine}
    versions = {case.code.engine, other.code.engine} - {""}
    return len(engines) > 1 or len(versions) < 2

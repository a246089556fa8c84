"""Whether a session's results hold all that was ever safe in its journals (pure)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from benchmarks.journal import Record
from benchmarks.outcomes import CaseOutcome
from benchmarks.settling import LEAST_LAUNCHES
from histocnn.measurement import Launch, Measurement


@dataclass(frozen=True)
class Results:
    """A saved file: cases with a time, and cases with an outcome instead."""

    timed: tuple[Measurement, ...] = ()
    outcomes: tuple[CaseOutcome, ...] = ()
    #: Rounds that the file's statistics were taken over, seconds, by case.
    replayed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Results":
        """The results in a saved ``document``; `ValueError` where it is none."""
        try:
            timed = [
                (case, msgspec.convert(case["extra_info"], Measurement))
                for case in document["benchmarks"]
            ]
            return cls(
                tuple(measured for _, measured in timed),
                tuple(
                    msgspec.convert(each, CaseOutcome) for each in document["outcomes"]
                ),
                {
                    measured.job.id: tuple(case["stats"]["data"])
                    for case, measured in timed
                },
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no results of the suite's ({error!r})") from None

    def cases(self) -> tuple[Measurement | CaseOutcome, ...]:
        """All cases that something came of."""
        return (*self.timed, *self.outcomes)

    def launches(self) -> dict[str, tuple[Launch, ...]]:
        """All launches that ended well, by case."""
        return {case.job.id: case.launches for case in self.cases()}

    def is_final(self) -> bool:
        """Whether another run would find nothing left to measure."""
        return all(case.outcome.is_permanent for case in self.outcomes)


def losses(
    cases: Sequence[str],
    launches: int | None,
    seen: Mapping[tuple[str, int], Record],
    results: Results,
) -> list[str]:
    """What is lost, doubled or changed of a session that has ended, a phrase each.

    Parameters
    ----------
    cases
        ids of the cases that were planned.
    launches
        of each case that has a time; None where precision decides, from 3 on.
    seen
        what journals have held of it at any time.
    """
    return [
        *_cases(cases, results),
        *(each for record in seen.values() for each in _kept(record, results)),
        *(each for case in results.timed for each in _number(case, launches)),
        *_doubled(results),
        *_replayed(results),
    ]


def _cases(cases: Sequence[str], results: Results) -> Iterator[str]:
    """Each planned case is there once, and no other."""
    found = Counter(case.job.id for case in results.cases())
    for case in dict.fromkeys([*cases, *found]):
        due = int(case in cases)
        if found[case] != due:
            yield f"{case}: {found[case]} times in the results, not {due}"


def _kept(record: Record, results: Results) -> Iterator[str]:
    """What a journal had is in the results, the same to the last bit."""
    name = f"{record.case}, launch {record.number + 1}"
    if record.outcome is not None:
        kinds = [
            case.outcome.kind for case in results.outcomes if case.job.id == record.case
        ]
        if record.outcome.kind not in kinds:
            yield f"{name}: its outcome, {record.outcome.kind}, is not in the results"
        return
    assert record.launch is not None
    there = results.launches().get(record.case, ())
    if record.number >= len(there):
        yield f"{name}: was in the journal, is not in the results"
        return
    was, is_ = _times(record.launch), _times(there[record.number])
    if was != is_:
        yield f"{name}: the journal had {was} s, the results have {is_} s"


def _number(case: Measurement, launches: int | None) -> Iterator[str]:
    """A case with a time has the launches that were asked for."""
    found = len(case.launches)
    if launches is None and found < LEAST_LAUNCHES:
        yield f"{case.job.id}: {found} launches, fewer than {LEAST_LAUNCHES}"
    if launches is not None and found != launches:
        yield f"{case.job.id}: {found} launches, not {launches}"


def _doubled(results: Results) -> Iterator[str]:
    """No launch counts twice: two that agree in all times, in nanoseconds, are one."""
    for case, launches in results.launches().items():
        for times, number in Counter(map(_times, launches)).items():
            if number > 1:
                yield f"{case}: a launch is there {number} times ({times} s)"


def _replayed(results: Results) -> Iterator[str]:
    """The file's statistics are over the rounds that count, exactly."""
    for case in results.timed:
        rounds = [each.seconds for launch in case.launches for each in launch.counted]
        data = list(results.replayed.get(case.job.id, ()))
        if data != rounds:
            yield f"{case.job.id}: statistics over {data} s, measured were {rounds} s"


def _times(launch: Launch) -> tuple[float, ...]:
    """All times of a launch, seconds: the warm-up's, then the rounds'."""
    return (launch.warm_up.seconds, *(round_.seconds for round_ in launch.rounds))

"""A campaign: all cases of a session, their launches interleaved, journalled, settled.

Launches run in blocks: each block has one launch of every case that still needs one, in
an order shuffled anew from a seed. A drift of the machine (heat, a neighbour) then
falls on all cases alike, and not on those that came last.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.journal import Journal, Record
from benchmarks.outcomes import CaseOutcome, MeasuringFailed, Outcome
from benchmarks.settling import Effort, interrupted, settle, stopped
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement, Stopped

Result = Measurement | CaseOutcome


class Observer(Protocol):
    """Who is told how a campaign goes on."""

    def launching(self, case: "Case", number: int) -> None:
        """Launch ``number`` of ``case`` begins."""

    def launched(self, case: "Case", record: Record) -> None:
        """It has ended, or was found in the journal, and is safe there."""

    def finished(self, case: "Case", result: Result) -> None:
        """No more launches of ``case``."""


@dataclass
class Case:
    """What there is of one case so far."""

    job: Job
    launches: list[Launch] = field(default_factory=list)
    seconds: float = 0.0  # wall time of its launches
    outcome: Outcome | None = None

    def add(self, record: Record) -> None:
        """Take in a launch, or what came of it instead."""
        self.seconds += record.seconds
        if record.launch is not None:
            self.launches.append(record.launch)
        else:
            self.outcome = record.outcome

    def stopped(self, effort: Effort) -> Stopped | None:
        """Why it has launches enough; None where it has not."""
        return stopped(effort, self.launches, self.seconds)

    def result(self, effort: Effort) -> Result | None:
        """What came of it, also where it was broken off; None for nothing at all."""
        if self.outcome is not None:
            return CaseOutcome(self.job, self.outcome.anonymous(), tuple(self.launches))
        if not self.launches:
            return None
        why = self.stopped(effort) or interrupted(effort, self.launches)
        return settle(self.job, self.launches, why)


class Campaign:
    """Measures ``jobs``; what is finished stays so, whatever happens."""

    def __init__(
        self,
        jobs: Sequence[Job],
        effort: Effort,
        measure: Callable[[Job, int], Launch],
        journal: Journal | None,
        observer: Observer,
        *,
        seed: int = 0,
        most_failures: int = 0,
    ) -> None:
        """Nothing runs yet.

        Parameters
        ----------
        measure
            makes one launch of a job, given its number; `MeasuringFailed` and
            `InputError` become the case's outcome.
        journal
            where each launch is kept; its records are not made again. None keeps none.
        seed
            of the order of launches.
        most_failures
            after so many cases without a time no launch is made any more; 0: never.
        """
        self._cases = {job.id: Case(job) for job in jobs}
        self._effort = effort
        self._measure = measure
        self._journal = journal
        self._observer = observer
        self._seed = seed
        self._most_failures = most_failures
        self._replayed = _replayable(journal.records if journal else ())
        self.made: list[Record] = []  # by this run, not found in the journal

    def run(self) -> None:
        """Measure until every case is done; safe to call again after an interrupt."""
        block = 0
        while pending := [case for case in self._cases.values() if self._wants(case)]:
            for case in _shuffled(pending, f"{self._seed}/{block}"):
                if self._failed_too_often():
                    return
                self._launch(case)
            block += 1

    def result(self, job: Job) -> Result | None:
        """What came of ``job`` so far; None where no launch of it has ended."""
        return self._cases[job.id].result(self._effort)

    def is_complete(self) -> bool:
        """Whether a run of the same plan would find nothing left to measure."""
        return all(
            case.outcome.is_permanent
            if case.outcome is not None
            else case.stopped(self._effort) is not None
            for case in self._cases.values()
        )

    def launches(self) -> Iterator[Launch]:
        """All launches that ended well, those found in the journal among them."""
        for case in self._cases.values():
            yield from case.launches

    def holds_more(self) -> bool:
        """Whether the journal has launches that this run had no need of."""
        return any(record.launch is not None for record in self._replayed.values())

    def _wants(self, case: Case) -> bool:
        return case.outcome is None and case.stopped(self._effort) is None

    def _failed_too_often(self) -> bool:
        failed = sum(case.outcome is not None for case in self._cases.values())
        return 0 < self._most_failures <= failed

    def _launch(self, case: Case) -> None:
        number = len(case.launches)
        record = self._replayed.pop((case.job.id, number), None)
        if record is None:
            self._observer.launching(case, number)
            record = self._record(case.job, number)
            if self._journal is not None:
                self._journal.append(record)
            self.made.append(record)
        case.add(record)
        self._observer.launched(case, record)
        if not self._wants(case) and (result := case.result(self._effort)) is not None:
            self._observer.finished(case, result)

    def _record(self, job: Job, number: int) -> Record:
        start = time.monotonic()
        launch: Launch | None = None
        outcome: Outcome | None = None
        try:
            launch = self._measure(job, number)
        except MeasuringFailed as failure:
            outcome = failure.outcome
        except InputError as error:
            outcome = Outcome("failed", str(error))
        # Without the wait for another session's launch, where it was one.
        taken = launch.wall_seconds if launch is not None else 0.0
        seconds = taken or time.monotonic() - start
        return Record(job.id, number, launch, outcome, seconds)


def _shuffled(cases: Sequence[Case], seed: str) -> list[Case]:
    return random.Random(seed).sample(cases, len(cases))


def _replayable(records: Sequence[Record]) -> dict[tuple[str, int], Record]:
    """The records by case and number, without outcomes that another try may change."""
    return {
        (record.case, record.number): record
        for record in records
        if record.outcome is None or record.outcome.is_permanent
    }

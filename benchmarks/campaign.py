"""A campaign: all cases of a session, their launches interleaved, journalled, settled.

Launches run in blocks: each block has one launch of every case that still needs one, in
an order shuffled anew from a seed. A drift of the machine (heat, a neighbour) then
falls on all cases alike, and not on those that came last. Under a budget, a launch
that should not end within it is left out.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from benchmarks.budget import Allotment, Budget, Due
from benchmarks.journal import Journal, Record
from benchmarks.outcomes import CaseOutcome, MeasuringFailed, Outcome
from benchmarks.settling import Effort, cut_short, settle, stopped
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
    is_due: bool = True  # needs another launch

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

    def due(self) -> Due:
        """As a budget sees it."""
        return Due(self.job, len(self.launches))

    def result(self, effort: Effort, cut: str = "interrupted") -> Result | None:
        """What came of it, also where it was ``cut`` short; None for nothing at all."""
        if self.outcome is not None:
            return CaseOutcome(self.job, self.outcome.anonymous(), tuple(self.launches))
        if not self.launches:
            return None
        why = self.stopped(effort) or cut_short(effort, self.launches, cut)
        return settle(self.job, self.launches, why)


class Campaign:
    """Measures ``jobs``; what is finished stays so, whatever happens."""

    def __init__(
        self,
        jobs: Sequence[Job],
        effort: Effort,
        measure: Callable[[Job, int, Effort], Launch],
        journal: Journal | None,
        observer: Observer,
        *,
        seed: int = 0,
        most_failures: int = 0,
        budget: Budget | None = None,
    ) -> None:
        """Nothing runs yet.

        Parameters
        ----------
        measure
            makes one launch of a job, given its number and how much to measure in it;
            `MeasuringFailed` and `InputError` become the case's outcome.
        journal
            where each launch is kept; its records are not made again. None keeps none.
        seed
            of the order of launches.
        most_failures
            after so many cases without a time no launch is made any more; 0: never.
        budget
            of wall time, which begins with `run`; None: as long as it takes.
        """
        self._cases = {job.id: Case(job) for job in jobs}
        self._effort = effort
        self._measure = measure
        self._journal = journal
        self._observer = observer
        self._seed = seed
        self._most_failures = most_failures
        self._budget = budget
        self._is_spent = False  # the budget has ended it
        self._replayed = _replayable(journal.records if journal else ())
        self.made: list[Record] = []  # by this run, not found in the journal

    def run(self) -> None:
        """Measure until every case is done; safe to call again after an interrupt."""
        if self._budget is None:
            self._run()
            return
        for record in self._replayed.values():
            if record.launch is not None and (case := self._cases.get(record.case)):
                self._budget.learn(case.job, record.launch, record.seconds)
        self._budget.begin()
        try:
            self._run()
        finally:
            self._budget.end()

    def result(self, job: Job) -> Result | None:
        """What came of ``job`` so far; None where no launch of it has ended."""
        cut = "budget" if self._is_spent else "interrupted"
        return self._cases[job.id].result(self._effort, cut)

    def not_begun(self) -> list[Job]:
        """Cases of which no launch was made, since none fitted into the budget."""
        if not self._is_spent:
            return []
        return [case.job for case in self._due() if not case.launches]

    def shortest_due(self) -> float | None:
        """Seconds that the shortest launch which did not fit should take.

        None where all did, or where no launch has ended that could tell.
        """
        if self._budget is None or not self._is_spent:
            return None
        allotment = self._allotment(self._budget)
        known = [allotment.seconds(case.due()) for case in self._due()]
        return min((each for each in known if each is not None), default=None)

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

    def _run(self) -> None:
        while block := self._block():
            seed = f"{self._seed}/{len(block[0].launches)}"
            for case in _shuffled(block, seed):
                if self._failed_too_often():
                    return
                # Where launches took longer than they should, it may not any more.
                if self._fitting([case]):
                    self._launch(case)
        self._is_spent = bool(self._due())
        for case in self._due():
            if (result := case.result(self._effort, "budget")) is not None:
                self._observer.finished(case, result)

    def _block(self) -> list[Case]:
        """Of the cases that need a launch, and may have one, those with the fewest."""
        fitting = self._fitting(self._due())
        fewest = min((len(case.launches) for case in fitting), default=0)
        return [case for case in fitting if len(case.launches) == fewest]

    def _fitting(self, cases: Sequence[Case]) -> list[Case]:
        """Those of ``cases`` whose next launch is in the journal, or in the budget."""
        if self._budget is None:
            return list(cases)
        allotment = self._allotment(self._budget)
        return [
            case
            for case in cases
            if (case.job.id, len(case.launches)) in self._replayed
            or allotment.fits(case.due())
        ]

    def _allotment(self, budget: Budget) -> Allotment:
        return budget.allot([case.due() for case in self._due()])

    def _due(self) -> list[Case]:
        return [case for case in self._cases.values() if case.is_due]

    def _failed_too_often(self) -> bool:
        failed = sum(case.outcome is not None for case in self._cases.values())
        return 0 < self._most_failures <= failed

    def _launch(self, case: Case) -> None:
        number = len(case.launches)
        record = self._replayed.pop((case.job.id, number), None)
        if record is None:
            self._observer.launching(case, number)
            record = self._record(case)
            if self._journal is not None:
                self._journal.append(record)
            self.made.append(record)
        case.add(record)
        # Once a launch: medians over all rounds so far take their time.
        case.is_due = case.outcome is None and case.stopped(self._effort) is None
        self._observer.launched(case, record)
        if not case.is_due and (result := case.result(self._effort)) is not None:
            self._observer.finished(case, result)

    def _record(self, case: Case) -> Record:
        job, number = case.job, len(case.launches)
        effort, used = self._effort, 0.0
        if self._budget is not None:
            effort = self._allotment(self._budget).effort(case.due())
            used = self._budget.used
        start = time.monotonic()
        launch: Launch | None = None
        outcome: Outcome | None = None
        try:
            launch = self._measure(job, number, effort)
        except MeasuringFailed as failure:
            outcome = failure.outcome
            if outcome.kind == "timed-out" and effort.timeout < self._effort.timeout:
                outcome = replace(
                    outcome,
                    message=f"the worker gave no answer for {effort.timeout:.0f} s and "
                    "was killed; give it a larger --budget if it only needs longer",
                )
        except InputError as error:
            outcome = Outcome("failed", str(error))
        if self._budget is not None and launch is not None:
            self._budget.learn(job, launch, self._budget.used - used)
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

"""The cases of a campaign: what there is of each, from the journal or measured now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.budget import Due
from benchmarks.journal import Journal, Record
from benchmarks.outcomes import CaseOutcome, Outcome
from benchmarks.settling import Effort, cut_short, settle, stopped
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement, Stopped

Result = Measurement | CaseOutcome


@dataclass
class Case:
    """What there is of one case so far."""

    job: Job
    launches: list[Launch] = field(default_factory=list)
    seconds: float = 0.0  # wall time of its launches
    outcome: Outcome | None = None
    failed_as: dict[str, str] = field(default_factory=dict)  # `Record.launched`
    is_due: bool = True  # needs another launch

    def add(self, record: Record) -> None:
        """Take in a launch, or what came of it instead."""
        self.seconds += record.seconds
        if record.launch is not None:
            self.launches.append(record.launch)
        else:
            self.outcome, self.failed_as = record.outcome, record.launched

    def stopped(self, effort: Effort) -> Stopped | None:
        """Why it has launches enough; None where it has not."""
        return stopped(effort, self.launches, self.seconds)

    def due(self) -> Due:
        """As a budget sees it."""
        return Due(self.job, len(self.launches))

    def result(self, effort: Effort, cut: str = "interrupted") -> Result | None:
        """What came of it, also where it was ``cut`` short; None for nothing at all."""
        if self.outcome is not None:
            outcome, launches = self.outcome.anonymous(), tuple(self.launches)
            return CaseOutcome(self.job, outcome, launches, self.failed_as)
        if not self.launches:
            return None
        why = self.stopped(effort) or cut_short(effort, self.launches, cut)
        return settle(self.job, self.launches, why)


class Observer(Protocol):
    """Who is told how a campaign goes on."""

    def launching(self, case: Case, number: int) -> None:
        """Launch ``number`` of ``case`` begins."""

    def given_up(self, case: Case) -> None:
        """It did not begin after all: another session left no time for it."""

    def launched(self, case: Case, record: Record) -> None:
        """It has ended, or was found in the journal, and is safe there."""

    def finished(self, case: Case, result: Result) -> None:
        """No more launches of ``case``."""


class Cases:
    """All cases of a session; a finished launch is kept whatever happens.

    Attributes
    ----------
    made
        the records of launches that this run made, not found in the journal.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        effort: Effort,
        journal: Journal | None,
        observer: Observer,
        most_failures: int = 0,
    ) -> None:
        """Nothing is measured yet.

        Parameters
        ----------
        effort
            how much each case is to be measured.
        journal
            where each launch is kept; its records are not made again. None keeps none.
        most_failures
            after so many cases without a time no launch is made any more; 0: never.
        """
        self._cases = {job.id: Case(job) for job in jobs}
        self._effort = effort
        self._journal = journal
        self._observer = observer
        self._most_failures = most_failures
        self._replayed = _replayable(journal.records if journal else ())
        self._cut = "interrupted"  # why cases that are due have no more launches
        self.made: list[Record] = []

    def result(self, job: Job) -> Result | None:
        """What came of ``job`` so far; None where no launch of it has ended."""
        return self._cases[job.id].result(self._effort, self._cut)

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

    def _due(self) -> list[Case]:
        return [case for case in self._cases.values() if case.is_due]

    def _failed_too_often(self) -> bool:
        if not self._most_failures:  # asked at each event; cases may be many
            return False
        failed = sum(case.outcome is not None for case in self._cases.values())
        return failed >= self._most_failures

    def _keep(self, case: Case, record: Record, *, is_new: bool) -> None:
        """Take ``record`` in, a new one into the journal first, and tell of it."""
        if is_new:
            if self._journal is not None:
                self._journal.append(record)
            self.made.append(record)
        case.add(record)
        # Once a launch: medians over all rounds so far take their time.
        case.is_due = case.outcome is None and case.stopped(self._effort) is None
        self._observer.launched(case, record)
        if not case.is_due and (result := case.result(self._effort)) is not None:
            self._observer.finished(case, result)


def _replayable(records: Sequence[Record]) -> dict[tuple[str, int], Record]:
    """The records by case and number, without outcomes that another try may change."""
    return {
        (record.case, record.number): record
        for record in records
        if record.outcome is None or record.outcome.is_permanent
    }

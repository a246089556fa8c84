"""A campaign: all cases of a session, their launches interleaved, journalled, settled.

Launches run in blocks: each block has one launch of every case that still needs one, in
an order shuffled anew from a seed. A drift of the machine (heat, a neighbour) then
falls on all cases alike, and not on those that came last. Under a budget, a launch
that should not end within it is left out.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.ballast import Busy
from benchmarks.budget import Allotment, Budget
from benchmarks.cases import Case, Cases, Observer
from benchmarks.journal import Journal, Record
from benchmarks.outcomes import MeasuringFailed, Outcome
from benchmarks.settling import Effort
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch


class Campaign(Cases):
    """Measures ``jobs`` here; what is finished stays so, whatever happens."""

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
        journal, observer, most_failures
            as those of `Cases`.
        seed
            of the order of launches.
        budget
            of wall time, which begins with `run`; None: as long as it takes.
        """
        super().__init__(jobs, effort, journal, observer, most_failures)
        self._measure = measure
        self._seed = seed
        self._budget = budget
        self._is_done = False  # it has run to its end

    def bring(self, job: Job) -> None:
        """Measure ``job``, and all others with it, since launches are interleaved."""
        if not self.is_settled(job):
            self.run()

    def is_settled(self, job: Job) -> bool:
        """Whether no more launches of ``job`` are made: with it, of all."""
        assert job.id in self._cases
        return self._is_done

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

    def _run(self) -> None:
        while block := self._block():
            seed = f"{self._seed}/{len(block[0].launches)}"
            for case in _shuffled(block, seed):
                if self._failed_too_often():
                    self._is_done = True
                    return
                # Where launches took longer than they should, it may not any more.
                if self._fitting([case]):
                    self._launch(case)
        for case in self._due():
            self._cut = "budget"
            if (result := self.result(case.job)) is not None:
                self._observer.finished(case, result)
        self._is_done = True

    @property
    def _is_spent(self) -> bool:
        """Whether the budget has ended it."""
        return self._cut == "budget"

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

    def _launch(self, case: Case) -> None:
        number = len(case.launches)
        record = self._replayed.pop((case.job.id, number), None)
        is_new = record is None
        if record is None:
            self._observer.launching(case, number)
            record = self._record(case)
        if record is None:
            self._observer.given_up(case)
        else:
            self._keep(case, record, is_new=is_new)

    def _record(self, case: Case) -> Record | None:
        """What came of one launch; None where others measured until it did not fit."""
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
        except Busy:
            return None
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

"""Campaigns: launches of all cases in turn, kept, taken up again, broken off."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.campaign import Campaign
from benchmarks.cases import Case, Result
from benchmarks.journal import Journal, Record
from benchmarks.outcomes import CaseOutcome, MeasuringFailed, Outcome
from benchmarks.settling import Effort
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement
from tests.launches import a_launch

JOBS = [Job("theano", "cpu", size, 10, None, 1) for size in (32, 64, 128, 180)]
EFFORT = Effort(None, 1, cap_seconds=0)  # three launches each, however they scatter
PLAN = "0" * 64


class Watching:
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.finished_ids: list[str] = []
        self.records: list[Record] = []

    def given_up(self, case: Case) -> None:
        raise AssertionError("no other session measures")

    def launching(self, case: Case, number: int) -> None:
        """Not remembered."""

    def launched(self, case: Case, record: Record) -> None:
        """Remember the record."""
        self.records.append(record)

    def finished(self, case: Case, result: Result) -> None:
        """Remember the case."""
        self.finished_ids.append(case.job.id)


class Bench:
    """Makes launches of 1 s, and remembers in which order."""

    def __init__(
        self,
        interrupted_after: int | None = None,
        fails: Callable[[Job, int], None] = lambda job, number: None,
    ) -> None:
        """``fails`` may raise in a launch's place; so many launches, then Ctrl-C."""
        self.made: list[tuple[str, int]] = []
        self._interrupted_after = interrupted_after
        self._fails = fails

    def __call__(self, job: Job, number: int, effort: Effort) -> Launch:
        """A launch."""
        if len(self.made) == self._interrupted_after:
            raise KeyboardInterrupt
        self._fails(job, number)
        self.made.append((job.id, number))
        return a_launch([1.0 + number / 10])


def campaign(bench: Bench, journal: Journal | None = None, seed: int = 0) -> Campaign:
    """One of `JOBS`."""
    return Campaign(JOBS, EFFORT, bench, journal, Watching(), seed=seed)


def test_launches_of_all_cases_are_interleaved() -> None:
    """Each block holds one launch of each case, in an order of its own."""
    bench = Bench()
    campaign(bench).run()
    blocks = [bench.made[start : start + 4] for start in (0, 4, 8)]
    assert len(bench.made) == 12
    for number, block in enumerate(blocks):
        assert {case for case, _ in block} == {job.id for job in JOBS}
        assert {launch for _, launch in block} == {number}
    orders = {tuple(case for case, _ in block) for block in blocks}
    assert len(orders) > 1


def test_the_order_is_the_seeds() -> None:
    """The same seed, the same order; another, another."""
    orders = []
    for seed in (0, 0, 1):
        bench = Bench()
        campaign(bench, seed=seed).run()
        orders.append(bench.made)
    assert orders[0] == orders[1] != orders[2]


def test_a_case_that_is_sure_gets_no_more_launches() -> None:
    """Only those that scatter go on, up to their cap."""
    sure, scattering = JOBS[:2]

    def measure(job: Job, number: int, effort: Effort) -> Launch:
        return a_launch([1.0 if job == sure else 1.0 + number % 2], wall_seconds=1.0)

    watching = Watching()
    effort = Effort(None, 1, precision=0.05, cap_seconds=0.0)
    Campaign([sure, scattering], effort, measure, None, watching).run()
    assert watching.finished_ids.count(sure.id) == 1
    counts = Counter(record.case for record in watching.records)
    assert counts[sure.id] == 3


def test_a_failure_is_the_cases_outcome_and_the_others_go_on() -> None:
    """Not asked again, its finished launches kept beside it."""

    def fails(job: Job, number: int) -> None:
        if job == JOBS[1] and number == 1:
            raise MeasuringFailed(Outcome("crashed", "it died", "SIGSEGV", "words"))
        if job == JOBS[2]:
            raise InputError("its environment has gone")

    bench = Bench(fails=fails)
    run = campaign(bench)
    run.run()
    crashed, broken = run.result(JOBS[1]), run.result(JOBS[2])
    assert isinstance(crashed, CaseOutcome)
    assert (crashed.outcome.kind, len(crashed.launches)) == ("crashed", 1)
    assert isinstance(broken, CaseOutcome)
    assert broken.outcome.kind == "failed"
    assert not broken.launches
    for job in (JOBS[0], JOBS[3]):
        result = run.result(job)
        assert isinstance(result, Measurement)
        assert len(result.launches) == 3
    assert not run.is_complete()


def test_what_is_finished_is_not_measured_again(tmp_path: Path) -> None:
    """Broken off after any launch and taken up: every launch once, results alike."""
    whole = campaign(Bench())
    whole.run()
    for stop in range(1, 12):
        folder = tmp_path / str(stop)
        first, second = Bench(stop), Bench()
        journal = Journal.create(folder, PLAN, {})
        with pytest.raises(KeyboardInterrupt):
            campaign(first, journal).run()
        journal.close()
        again = Journal.resume(folder, PLAN)
        assert again is not None
        resumed = campaign(second, again)
        resumed.run()
        again.close()
        done = first.made + second.made
        assert len(done) == len(set(done)) == 12
        assert [resumed.result(job) for job in JOBS] == [
            whole.result(job) for job in JOBS
        ]


def test_what_may_end_otherwise_is_tried_again(tmp_path: Path) -> None:
    """A crash is; being out of memory would only be so again."""
    kinds = {JOBS[0].id: "crashed", JOBS[1].id: "out-of-memory"}

    def fails(job: Job, number: int) -> None:
        if kind := kinds.get(job.id):
            raise MeasuringFailed(Outcome(kind, kind))  # type: ignore[arg-type]

    with_failures = Journal.create(tmp_path, PLAN, {})
    campaign(Bench(fails=fails), with_failures).run()
    with_failures.close()
    journal = Journal.resume(tmp_path, PLAN)
    assert journal is not None
    bench = Bench()
    resumed = campaign(bench, journal)
    resumed.run()
    journal.close()
    assert {case for case, _ in bench.made} == {JOBS[0].id}
    assert isinstance(resumed.result(JOBS[0]), Measurement)
    assert isinstance(resumed.result(JOBS[1]), CaseOutcome)
    assert resumed.is_complete()
    last = Journal.resume(tmp_path, PLAN)  # the good launches stand, not the crash
    assert last is not None
    assert all(
        record.launch is not None
        for record in last.records
        if record.case == JOBS[0].id
    )
    last.close()


def test_a_campaign_that_is_broken_off_has_what_was_finished() -> None:
    """Marked as that; a case without a launch has nothing."""
    run = campaign(Bench(interrupted_after=2))
    with pytest.raises(KeyboardInterrupt):
        run.run()
    results = [run.result(job) for job in JOBS]
    begun = [each for each in results if each is not None]
    assert len(begun) == 2
    for each in begun:
        assert isinstance(each, Measurement)
        assert each.stopped.why == "interrupted"
    assert not run.is_complete()


def test_no_launch_is_made_after_too_many_failures() -> None:
    """As `--maxfail` has it."""

    def fails(job: Job, number: int) -> None:
        raise MeasuringFailed(Outcome("crashed", "it died"))

    watching = Watching()
    run = Campaign(JOBS, EFFORT, Bench(fails=fails), None, watching, most_failures=2)
    run.run()
    assert len(watching.finished_ids) == 2

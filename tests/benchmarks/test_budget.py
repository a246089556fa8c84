"""Budgets: what fits into one, by what is known of launches so far."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from benchmarks.budget import (
    Allotment,
    Budget,
    Due,
    Policy,
    after_waiting,
    parse_seconds,
)
from benchmarks.campaign import Campaign
from benchmarks.cases import Case, Result
from benchmarks.costs import Cost, Costs, cost, work
from benchmarks.journal import Journal, Record
from benchmarks.outcomes import MeasuringFailed, Outcome
from benchmarks.pace import MOST_ROUNDS, Pace
from benchmarks.settling import Effort, paced, settle
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement
from tests.launches import a_launch, a_round

SMALL = Job("jax", "cpu", 32, 10, None, 1, loop="fused")
LARGE = replace(SMALL, size=64)
EFFORT = Effort(None, 2, most_rounds=6, cap_seconds=math.inf)
PACE = Pace(2)
PACED = Policy(EFFORT, PACE)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("600", 600), ("0.5", 0.5), ("90s", 90), ("10m", 600), ("1.5h", 5400)],
)
def test_a_budget_is_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds
    assert parse_seconds(None) is None


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "nan", "inf", "1e9", "٣", "5d", "200h"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"--budget: '{text}' is no time above 0"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("outside", "epoch", "rounds"),
    [
        (6.0, 0.05, 120),
        (12.0, 0.03, 400),
        (12.0, 0.01, MOST_ROUNDS),
        (8.0, 0.0, MOST_ROUNDS),
        (8.0, 9.0, 2),  # the least
        (8.0, 11.0, 1),  # of a long one, one is enough
        (60.0, 11.0, 6),
    ],
)
def test_rounds_take_as_long_as_the_rest_of_a_launch(
    outside: float, epoch: float, rounds: int
) -> None:
    """No fewer than the least, no more than the most."""
    assert PACE.rounds(outside, epoch) == rounds


def test_a_pace_below_one_to_one_has_fewer_down_to_one() -> None:
    """And none is begun that would end beyond the limit, but for the first."""
    assert Pace(2, odds=0.5).rounds(6.0, 0.05) == 60
    assert Pace(2, odds=0.5).rounds(8.0, 9.0) == 1
    assert Pace(2, limit_seconds=7.0).rounds(6.0, 0.05) == pytest.approx(20, abs=1)
    assert Pace(2, limit_seconds=5.0).rounds(6.0, 0.05) == 1


def test_a_paced_launch_repeats_as_many_rounds_as_it_has_or_is_told_to() -> None:
    """Rounds that scatter are added only where there is budget for all."""
    plenty = paced(EFFORT, PACE, 6.0, 0.05)
    assert (plenty.rounds, plenty.most_rounds, plenty.repeats) == (120, 120, 120)
    assert paced(EFFORT, Pace(2, repeats=5), 6.0, 0.05).repeats == 5
    few = paced(EFFORT, PACE, 3.0, 1.5)
    assert (few.rounds, few.most_rounds) == (2, 6)
    short = paced(EFFORT, Pace(2, odds=0.05), 3.0, 1.5)
    assert (short.rounds, short.most_rounds) == (1, 1)


def test_the_cost_of_a_launch_is_its_rounds_and_the_rest() -> None:
    """What it waited and rounds that were disturbed are told apart."""
    launch = replace(
        a_launch([1.0, 1.2, a_round(3.0, "a hog")], 20.0), waited_seconds=2.0
    )
    found = cost(launch, seconds=25.0)
    assert found.outside == pytest.approx(20.0 - 2.0 - 5.2)
    assert found.epoch == pytest.approx(1.1)
    assert found.besides == pytest.approx(25.0 - 12.8 - 2.2)
    assert found.seconds(2) == pytest.approx(25.0)


def test_a_case_without_a_launch_is_guessed_from_its_like() -> None:
    """Epochs by the work that they do, of the nearest; the start as it was."""
    costs = Costs()
    assert costs.of(SMALL) is None
    costs.learn(SMALL, a_launch([1.0, 1.0], 8.0), 8.0)
    assert costs.of(SMALL) == Cost(6.0, 1.0, 0.0)
    assert work(LARGE) == 4 * work(SMALL)
    guess = costs.of(LARGE)
    assert guess is not None
    assert (guess.epoch, guess.outside) == pytest.approx((4.0, 5.0 + 4.0))
    # Another engine's launches tell nothing once one of its own has ended.
    costs.learn(replace(SMALL, engine="torch"), a_launch([3.0], 50.0), 50.0)
    assert costs.of(LARGE) == guess
    other = costs.of(replace(LARGE, engine="torch"))
    assert other is not None
    assert other.epoch == pytest.approx(12.0)


def test_a_cold_cache_is_forgotten_with_the_second_launch() -> None:
    costs = Costs()
    for seconds in (90.0, 12.0):
        costs.learn(SMALL, a_launch([1.0, 1.0], seconds), seconds)
    own = costs.own(SMALL)
    assert own is not None
    assert own.outside == 10.0


def at(left: float, dues: Sequence[Due], policy: Policy = PACED) -> Allotment:
    """What is allotted with so many seconds left, launches of `SMALL` known."""
    budget = Budget(left, policy, clock=lambda: 0.0)
    budget.begin()
    budget.learn(SMALL, a_launch([0.05] * 2, 6.1), 6.1)  # 6 s, and its rounds
    return budget.allot(dues)


def test_short_of_budget_rounds_become_fewer_before_launches_do() -> None:
    """Two more launches of 6 s and their rounds: 24 s are enough for all of them."""
    due = Due(SMALL, 1)
    assert at(25.0, [due]).effort(due).rounds == 120
    assert 50 <= at(18.0, [due]).effort(due).rounds <= 60
    assert at(12.0, [due]).effort(due).rounds in (6, 7)  # next to nothing
    assert at(12.0, [due]).fits(due)
    assert not at(6.0, [due]).fits(due)


def test_beyond_the_least_launches_one_is_made_in_full_or_not_at_all() -> None:
    due = Due(SMALL, 3)
    assert at(12.1, [due]).effort(due).rounds == 120
    assert at(12.1, [due]).fits(due)
    assert not at(11.9, [due]).fits(due)


def test_rounds_that_were_asked_for_are_kept_to() -> None:
    """A launch costs what they cost."""
    fixed, due = Policy(Effort(5, 40)), Due(SMALL, 0)
    effort = at(8.1, [due], fixed).effort(due)
    assert replace(effort, patience=None) == replace(fixed.effort, timeout=60.0)
    assert at(8.1, [due], fixed).fits(due)
    assert not at(7.9, [due], fixed).fits(due)


def test_another_session_is_waited_for_while_the_launch_still_fits() -> None:
    """What is planned then has the less time; without a budget nothing changes."""
    fixed, due = Policy(Effort(5, 40)), Due(SMALL, 0)
    effort = at(50.0, [due], fixed).effort(due)
    assert effort.patience == pytest.approx(42.0)
    assert effort.timeout == 100.0
    assert after_waiting(effort, 15.0) == replace(effort, timeout=70.0)
    assert after_waiting(effort, 42.0) == replace(effort, timeout=60.0)
    assert after_waiting(fixed.effort, 42.0) == fixed.effort
    assert at(7.9, [due], fixed).effort(due).patience == 0
    first = replace(effort, pace=replace(PACE, limit_seconds=30.0))
    waited = after_waiting(first, 20.0).pace
    assert waited == replace(PACE, limit_seconds=10.0)


def test_the_first_launch_of_all_is_made_with_what_is_even() -> None:
    """Nothing is known: each launch of two cases may have a sixth of the budget."""
    budget = Budget(60.0, PACED, clock=lambda: 0.0)
    budget.begin()
    allotment = budget.allot([Due(SMALL, 0), Due(LARGE, 0)])
    assert allotment.fits(Due(SMALL, 0))
    effort = allotment.effort(Due(SMALL, 0))
    assert effort.rounds == 1
    assert effort.pace == Pace(2, 1.0, limit_seconds=10.0)


class Clock:
    """Tells the seconds that were let go by."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Remembering(Budget):
    """Remembers what it allotted last."""

    last: Allotment
    dues: Sequence[Due]

    def allot(self, dues: Sequence[Due]) -> Allotment:
        """As any."""
        self.last, self.dues = super().allot(dues), dues
        return self.last


class Deaf:
    """An observer of nothing but what was finished."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.results: dict[str, Result] = {}

    def given_up(self, case: Case) -> None:
        raise AssertionError("no other session measures")

    def launching(self, case: Case, number: int) -> None:
        """Not heeded."""

    def launched(self, case: Case, record: Record) -> None:
        """Not heeded."""

    def finished(self, case: Case, result: Result) -> None:
        """Once each."""
        assert case.job.id not in self.results
        self.results[case.job.id] = result


@dataclass
class World:
    """A made-up machine: what launches really cost, and a campaign on it.

    ``outside`` seconds a launch without its rounds, ``speed`` in pixels a second and
    core; the first launch of each engine takes ``cold`` seconds more; all scatter by
    ``spread``, relative.
    """

    seconds: float
    jobs: Sequence[Job]
    seed: int = 0
    outside: float = 6.0
    speed: float = 1e7
    cold: float = 0.0
    spread: float = 0.03
    policy: Policy = PACED
    fails: frozenset[str] = frozenset()
    made: list[tuple[str, int]] = field(default_factory=list)
    overrun: float = 0.0  # of the launch that ran over most: by how much it took longer

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self.random = random.Random(self.seed)
        self.clock, self.deaf = Clock(), Deaf()
        self.budget = Remembering(self.seconds, self.policy, self.clock)
        self.measured = 0.0
        self.campaign = Campaign(
            self.jobs,
            self.policy.effort,
            self.launch,
            None,
            self.deaf,
            seed=self.seed,
            budget=self.budget,
        )

    def run(self) -> "World":
        """Measure."""
        self.campaign.run()
        return self

    def launch(self, job: Job, number: int, effort: Effort) -> Launch:
        """A launch that was allowed to begin, as a worker would make it."""
        expected = self.check_order(job, number)
        self.clock.now += 0.01
        if job.id in self.fails:
            raise MeasuringFailed(Outcome("crashed", "it died"))
        outside = self.vary(self.outside) + work(job) / self.speed
        if all(engine != job.engine for engine in self.engines()):
            outside += self.cold
        factor = self.vary(1.0)
        rounds = [self.epoch(job, factor) for _ in range(effort.rounds)]
        if effort.pace is not None:
            effort = paced(effort, effort.pace, outside, min(rounds))
        more = range(effort.rounds - len(rounds))
        rounds += [self.epoch(job, factor) for _ in more]
        wall = outside + sum(rounds)
        self.clock.now += wall
        self.made.append((job.id, number))
        self.measured += sum(rounds)
        if expected is not None:
            self.overrun = max(self.overrun, wall - expected)
        return a_launch(rounds, wall)

    def check_order(self, job: Job, number: int) -> float | None:
        """All that should fit has as many launches; what is expected of this one."""
        now = self.budget.last
        assert now.fits(Due(job, number))
        for other in self.budget.dues:
            assert other.launches >= number or not now.fits(other)
        return now.seconds(Due(job, number))

    def engines(self) -> list[str]:
        """Of the launches so far."""
        return [case.split("-")[0] for case, _ in self.made]

    def epoch(self, job: Job, factor: float) -> float:
        """Seconds."""
        return factor * work(job) / self.speed * (1 + self.random.gauss(0, 0.002))

    def vary(self, value: float) -> float:
        """By the spread."""
        return value * math.exp(self.random.gauss(0, self.spread))


def grid(random_: random.Random) -> list[Job]:
    """Some cases on one to eight cores, from 4 to 40."""
    cases = [
        Job(engine, "cpu", size, batch, None, cores, loop=loop)
        for engine in ("jax", "torch")
        for size in (32, 64, 200)
        for batch in (10, 50)
        for cores in (1, 2, 8)
        for loop in ("fit", "fused")
    ]
    return random_.sample(cases, random_.randint(4, 40))


@pytest.mark.parametrize("seed", range(60))
def test_a_budget_is_not_overrun_by_more_than_one_launch_was_misjudged(
    seed: int,
) -> None:
    """Whatever launches cost; `World` checks that first launches come first."""
    random_ = random.Random(seed)
    world = World(
        10 ** random_.uniform(1, 3.5),
        grid(random_),
        seed,
        outside=random_.uniform(0.5, 20),
        speed=10 ** random_.uniform(5, 8.5),
        cold=random_.choice([0.0, 80.0]),
        spread=random_.choice([0.0, 0.05, 0.3]),
    )
    world.run()
    assert world.made
    if len(world.made) > 1:
        assert world.budget.used <= world.seconds + max(0.0, world.overrun) + 0.1
    begun = {case for case, _ in world.made}
    left_out = {job.id for job in world.campaign.not_begun()}
    assert begun | left_out == {job.id for job in world.jobs}
    assert not begun & left_out
    for job in world.jobs:
        result = world.campaign.result(job)
        assert (result is None) == (job.id in left_out)
        assert world.deaf.results.get(job.id) == result
        if isinstance(result, Measurement):
            assert result.stopped.why in ("precision", "budget")
            assert all(len(each.rounds) <= MOST_ROUNDS for each in result.launches)
    spent = any(each.stopped.why == "budget" for each in measurements(world))
    assert world.campaign.is_complete() == (not spent and not left_out)


def measurements(world: World) -> list[Measurement]:
    """What came of its cases that have a time."""
    results = [world.campaign.result(job) for job in world.jobs]
    return [each for each in results if isinstance(each, Measurement)]


@pytest.mark.parametrize("seed", range(10))
def test_a_budget_that_is_plenty_changes_nothing_but_the_rounds(seed: int) -> None:
    """Every case gets its precision, or its launches, and no launch more."""
    jobs = grid(random.Random(seed))
    for policy in (PACED, Policy(Effort(4, 2), PACE), Policy(Effort(2, 3))):
        world = World(1e9, jobs, seed, policy=policy).run()
        why = "precision" if policy.effort.launches is None else "fixed"
        done = measurements(world)
        assert len(done) == len(jobs)
        assert {each.stopped.why for each in done} == {why}
        assert not world.campaign.not_begun()
        for each in done:
            assert settle(each.job, each.launches, each.stopped) == each
            assert len(each.launches) in (policy.effort.launches or 3, *range(3, 20))


def test_short_epochs_are_measured_for_forty_percent_of_the_time() -> None:
    """At 200 px a fused epoch takes 0.03 s, and a launch 5 to 8 s to begin with."""
    jobs = [
        Job("jax", "cuda", 200, batch, cnmem, 16, loop="fused")
        for batch in (10, 20, 50)
        for cnmem in ("0", "1")
    ]
    for outside in (5.0, 6.5, 8.0):
        for seconds in (300.0, 900.0):
            speed = work(jobs[0]) / 0.03
            world = World(seconds, jobs, outside=outside, speed=speed).run()
            assert world.measured / world.budget.used >= 0.4


@pytest.mark.parametrize("seconds", [80.0, 110.0, 150.0, 300.0])
def test_three_launches_of_each_come_before_many_rounds(seconds: float) -> None:
    """Four cases of 6 s and more: 72 s are the least that twelve launches take."""
    jobs = [replace(SMALL, batch=batch) for batch in (10, 20, 50, 60)]
    world = World(seconds, jobs, spread=0.001).run()
    assert min(Counter(case for case, _ in world.made).values()) >= 3
    assert world.budget.used <= seconds + 1


def test_cases_that_fail_take_nothing_from_the_others() -> None:
    """They get no second launch, and are not among those not begun."""
    jobs = [replace(SMALL, batch=batch) for batch in (10, 20, 50, 60)]
    world = World(1e6, jobs, fails=frozenset({jobs[0].id})).run()
    assert not world.campaign.not_begun()
    assert len(measurements(world)) == 3


def test_a_first_launch_that_finds_caches_cold_ends_in_time() -> None:
    """It may take all of the budget; the others are then not begun."""
    world = World(60.0, [SMALL, LARGE], cold=80.0).run()
    assert len(world.made) == 1
    assert len(world.campaign.not_begun()) == 1
    assert len(measurements(world)[0].launches[0].rounds) == 1


def test_an_interrupt_is_no_end_of_the_budget() -> None:
    """Cases are interrupted then, and none was left out for want of time."""

    def fails(job: Job, number: int, effort: Effort) -> Launch:
        if number == 1:
            raise KeyboardInterrupt
        return a_launch([0.05] * effort.rounds, 1.0)

    budget = Budget(1e6, PACED)
    run = Campaign([SMALL, LARGE], EFFORT, fails, None, Deaf(), budget=budget)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert not run.not_begun()
    assert run.shortest_due() is None
    for job in (SMALL, LARGE):
        result = run.result(job)
        assert isinstance(result, Measurement)
        assert result.stopped.why == "interrupted"


def test_what_a_journal_tells_of_costs_is_known_at_once(tmp_path: Path) -> None:
    """Resumed with too little for any launch, none is begun, and it says for what."""
    kept = Journal.create(tmp_path, "0" * 64, {})
    kept.append(Record(SMALL.id, 0, a_launch([0.5] * 2, 7.0), None, 7.0))
    kept.close()
    journal = Journal.resume(tmp_path, "0" * 64)
    assert journal is not None
    made: list[Job] = []

    def measure(job: Job, number: int, effort: Effort) -> Launch:
        made.append(job)
        return a_launch([0.5], 1.0)

    budget, deaf = Budget(5.0, PACED), Deaf()
    run = Campaign([SMALL, LARGE], EFFORT, measure, journal, deaf, budget=budget)
    run.run()
    journal.close()
    assert not made
    assert [job.id for job in run.not_begun()] == [LARGE.id]
    assert list(deaf.results) == [SMALL.id]
    assert run.shortest_due() == pytest.approx(6.5)
    assert not run.is_complete()


@pytest.mark.parametrize(
    ("left", "asked", "timeout"),
    [
        (1000.0, 600.0, 600.0),
        (100.0, 600.0, 200.0),
        (7.0, 600.0, 60.0),
        (7.0, 5.0, 5.0),
    ],
)
def test_a_worker_that_hangs_takes_no_more_than_twice_what_is_left(
    left: float, asked: float, timeout: float
) -> None:
    """But a minute at least, and never longer than --timeout, however paced."""
    effort = replace(EFFORT, timeout=asked)
    for policy in (Policy(effort), Policy(effort, PACE)):
        for due in (Due(SMALL, 1), Due(LARGE, 0)):
            assert at(left, [due], policy).effort(due).timeout == timeout


def test_a_budget_that_is_begun_again_is_used_up_further() -> None:
    """As by what is measured after an interrupt."""
    now = [0.0]
    budget = Budget(10.0, PACED, lambda: now[0])
    budget.begin()
    now[0] = 5.0
    budget.end()
    now[0] = 6.0
    assert budget.left == 5.0
    budget.begin()
    assert budget.left == 4.0

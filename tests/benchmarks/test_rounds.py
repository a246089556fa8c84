"""The rounds of one launch: asked of its worker in as few commands as can be."""

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from benchmarks import measure
from benchmarks.measure import _Rounds
from benchmarks.pace import Pace
from benchmarks.sentinel import Sentinel
from benchmarks.settling import Effort
from benchmarks.workers import Worker
from histocnn.job import Job
from histocnn.measurement import Conditions, CoresSeen, Epoch
from histocnn.protocol import Trained

JOB = Job("jax", "cpu", 32, 10, None, 1, loop="fused")


class Machine:
    """A worker whose epochs take 0.1 s, a sentinel beside it, and their clock.

    ``disturbed`` are the rounds, from 0, in which others use the cores.
    """

    def __init__(self, disturbed: Sequence[int] = ()) -> None:
        """The launch began 4 s ago; the warm-up epoch takes 2 s."""
        self.now = 4.0
        self.commands: list[int] = []
        self.waits = 0
        self.spans: list[tuple[float, float]] = []
        self._disturbed = disturbed
        self._judged = 0

    def monotonic(self) -> float:
        """As `time` has it."""
        return self.now

    def train(
        self, number: int, ended: Callable[[Epoch], None]
    ) -> tuple[list[Epoch], Trained]:
        """As a worker."""
        done = []
        for place in range(number):
            warm_up = not self.commands and place == 0
            seconds = 2.0 if warm_up else 0.1
            self.now += seconds
            done.append(Epoch(seconds, 300 / seconds, seconds, 0.5, 0.5, 0))
            ended(done[-1])
        self.commands.append(number)
        return done, Trained(2.0, 0.1, 0.01, 1, CoresSeen((0,), 1, 1, ()), ())

    def mark(self) -> None:
        """As a sentinel."""

    bound = fence = mark

    def wait_until_quiet(self, patience: float) -> float:
        """It is at once."""
        self.waits += 1
        return 0.0

    def conditions(
        self, start: float, end: float, span: tuple[float, float]
    ) -> Conditions:
        """A core of others' work in the rounds that are disturbed."""
        self.spans.append(span)
        is_disturbed = self._judged in self._disturbed
        self._judged += 1
        return Conditions(foreign_cores=1.0 if is_disturbed else 0.0)


def trained(
    monkeypatch: pytest.MonkeyPatch, effort: Effort, disturbed: Sequence[int] = ()
) -> tuple[Machine, int]:
    """A launch by ``effort``, and how many of its rounds count."""
    machine = Machine(disturbed)
    monkeypatch.setattr(measure, "time", machine)
    process, sentinel = cast(Worker, machine), cast(Sentinel, machine)
    rounds = _Rounds(JOB, effort, process, sentinel, 0.0)
    rounds.train(lambda epoch, text: None)
    return machine, sum(each.counts for each in rounds.done)


def test_a_launch_without_a_pace_has_its_rounds_in_one_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, counted = trained(monkeypatch, Effort(1, 5))
    assert machine.commands == [6]
    assert counted == 5


def test_a_paced_launch_finds_out_with_its_first_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """6 s by the end of the warm-up: 60 rounds of 0.1 s, all others in one command."""
    machine, counted = trained(monkeypatch, Effort(1, 1, pace=Pace(2)))
    assert machine.commands == [2, counted - 1]
    assert 60 <= counted <= 61


def test_what_disturbs_the_first_round_does_not_make_it_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told apart from the rounds to come, and made up for after them."""
    effort = Effort(1, 1, pace=Pace(2))
    machine, counted = trained(monkeypatch, effort, disturbed=[0, 7])
    assert [machine.commands[0], *machine.commands[2:]] == [2, 2]
    assert machine.waits == 1
    assert 60 <= counted <= 61


def test_disturbed_rounds_of_a_paced_launch_are_repeated_so_often_as_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    effort = Effort(1, 1, pace=Pace(2, repeats=3))
    machine, counted = trained(monkeypatch, effort, disturbed=range(1000))
    assert counted == 0
    assert machine.commands[2:] == [3]


def test_a_launch_that_has_had_its_time_ends_with_its_first_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    effort = Effort(1, 1, pace=Pace(2, limit_seconds=5.0))
    machine, counted = trained(monkeypatch, effort)
    assert machine.commands == [2]
    assert counted == 1


def test_a_round_is_judged_by_all_that_was_trained_with_it_in_one_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """5 of 0.1 s behind the warm-up, and one for the first, which was disturbed."""
    machine, _ = trained(monkeypatch, Effort(1, 5, repeats=5), disturbed=[0])
    assert machine.commands == [6, 1]
    assert machine.spans[:5] == [pytest.approx((6.0, 6.5))] * 5
    assert machine.spans[5:] == [pytest.approx((6.5, 6.6))]

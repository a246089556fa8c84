"""A slow-down on purpose, from its variable to the rounds of a launch."""

import time

import pytest

from benchmarks import launchers
from benchmarks.measure import measure
from benchmarks.settling import Effort
from histocnn import slowed
from histocnn.data import DatasetSpec
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.loops import Clock
from histocnn.measurement import Launch
from histocnn.prepare import prepare

JOB = Job("tensorflow", "cpu", 32, 20, None, 1, 20)


class Idle:
    """A runtime that computes nothing; the clock asks it for no more."""

    def synchronise(self) -> None:
        """Nothing is under way."""

    def compilations(self) -> int:
        """None."""
        return 0


class Compiling(Idle):
    """One that compiles whenever it is looked at."""

    def __init__(self) -> None:
        """Nothing is compiled yet."""
        self._count = 0

    def compilations(self) -> int:
        """One more than before."""
        self._count += 1
        return self._count


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        (" ", 0.0),
        ("10%", 0.1),
        (" 2.5 % ", 0.025),
        ("*=20%", 0.2),
        ("tensorflow-cpu-32px-*=20%", 0.2),
        ("theano-*=20%", 0.0),
        ("TENSORFLOW-*=20%", 0.0),
        ("theano-*=10%, *-b20-*=20%, 30%", 0.2),
    ],
)
def test_the_first_entry_that_fits_counts(
    monkeypatch: pytest.MonkeyPatch, text: str, share: float
) -> None:
    monkeypatch.setenv(slowed.VARIABLE, text)
    assert slowed.share_of(JOB.id) == pytest.approx(share)


@pytest.mark.parametrize(
    "text", ["fast", "10", "0%", "-5%", "1001%", "theano-*", "*=", ",", "10%,x", "٣%"]
)
def test_anything_else_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Whichever job it would be for: a typing error is not to pass for no slow-down."""
    monkeypatch.setenv(slowed.VARIABLE, text)
    with pytest.raises(InputError, match=r"HISTOCNN_SLOWED: .* is no slow-down; write"):
        slowed.share_of(JOB.id)


def test_the_clock_is_stopped_later_by_that_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time is computed away, not slept: as slower code would."""
    monkeypatch.setenv(slowed.VARIABLE, "100%")
    clock = Clock(Idle(), JOB)  # type: ignore[arg-type]
    clock.start()
    time.sleep(0.2)
    epoch = clock.stop()(0.5, 0.5)
    assert epoch.seconds >= 0.4
    assert epoch.cpu_seconds > 0.05
    assert epoch.images_per_second == pytest.approx(20 / epoch.seconds)


def test_an_epoch_that_compiled_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No round is one, and compiling may take minutes."""
    monkeypatch.setenv(slowed.VARIABLE, "1000%")
    clock = Clock(Compiling(), JOB)  # type: ignore[arg-type]
    clock.start()
    time.sleep(0.1)
    assert clock.stop()(0.5, 0.5).seconds < 1.1


def test_a_real_launch_is_slower_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times as long; half as long again is seen on a machine however busy."""
    local = launchers.get("local")
    if reason := local.missing(JOB):
        pytest.skip(reason)
    arrays = prepare(DatasetSpec.parse("tissue").load(), JOB.size, JOB.images, seed=0)

    def launched() -> Launch:
        (launch,) = measure(JOB, Effort(1, 3, 600.0), local, arrays).launches
        return launch

    usual = launched()
    monkeypatch.setenv(slowed.VARIABLE, "tensorflow-cpu-32px-*=300%")
    slow = launched()
    assert usual.notes == ()
    assert slow.notes == ("slowed by 300 % on purpose",)
    fastest = [min(round_.seconds for round_ in each.rounds) for each in (usual, slow)]
    assert fastest[1] > 1.5 * fastest[0]

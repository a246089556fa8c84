"""A launch that did not train is told apart from one that did."""

from dataclasses import replace

import pytest

from histocnn.job import Job
from histocnn.measurement import CoresSeen, Launch, Measurement, Phases, Round


def epoch(seconds: float, loss: float | None) -> Round:
    """An epoch of ``seconds`` with ``loss``."""
    return Round(seconds, 300 / seconds, seconds, loss, 0.5, compilations=0)


LAUNCH = Launch(
    phases=Phases(1.0, 0.1, 0.2, 2.0, 3.0),
    warm_up=epoch(1.0, 0.7),
    rounds=(epoch(0.5, 0.6), epoch(0.3, 0.5), epoch(0.4, 0.4)),
    weights_moved=0.01,
    peak_rss_bytes=2**28,
    cores=CoresSeen((0,), 1, 1, ()),
    device_name="cpu",
    versions={},
    launched={},
)


def test_a_falling_loss_and_moved_weights_are_training() -> None:
    """Nothing to say against it."""
    assert LAUNCH.not_trained() is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rounds": (epoch(1, None),)}, "loss of epoch 1 is not a finite number"),
        ({"warm_up": epoch(1, None)}, "loss of epoch 0 is not a finite number"),
        ({"weights_moved": 0.0}, "the weights moved by 0.0"),
        ({"weights_moved": None}, "the weights moved by None"),
        ({"rounds": (epoch(1, 0.7),)}, "loss went from 0.7 to 0.7 in 2 epochs"),
        ({"rounds": (epoch(1, 0.6), epoch(1, 0.8))}, "from 0.7 to 0.8 in 3 epochs"),
    ],
)
def test_anything_else_is_not(change: dict[str, object], reason: str) -> None:
    """NaN, weights that stay, a loss that ends where it began or above."""
    assert reason in (replace(LAUNCH, **change).not_trained() or "")  # type: ignore[arg-type]


def test_a_loss_that_need_not_fall_may_rise() -> None:
    """Two steps are too few for Adam; weights must move and the loss be finite."""
    rising = replace(LAUNCH, rounds=(epoch(1, 2.2),))
    assert rising.not_trained(falls=False) is None
    assert rising.not_trained() is not None
    assert replace(rising, weights_moved=0.0).not_trained(falls=False) is not None


def test_the_sample_of_a_launch_is_its_median() -> None:
    """And of a measurement the median over launches, rounds not pooled."""
    slow = replace(LAUNCH, rounds=tuple(epoch(9.0, 0.1) for _ in range(9)))
    job = Job("theano", "cpu", 64, 20, None, 1)
    assert LAUNCH.median_seconds == 0.4
    assert Measurement(job, (LAUNCH, LAUNCH, slow)).median_seconds == 0.4

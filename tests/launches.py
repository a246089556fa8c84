"""Launches made to order, for tests of what becomes of them."""

from collections.abc import Sequence

from histocnn.measurement import CoresSeen, Epoch, Launch, Phases, Round


def a_round(seconds: float, disturbed: str = "") -> Round:
    """A round of ``seconds``; one that is ``disturbed``, by what, does not count."""
    return Round(
        seconds=seconds,
        images_per_second=300 / seconds,
        cpu_seconds=seconds,
        loss=0.5,
        accuracy=0.5,
        compilations=0,
        disturbed=(disturbed,) if disturbed else (),
        counts=not disturbed,
    )


def a_launch(rounds: Sequence[Round | float], wall_seconds: float = 1.0) -> Launch:
    """A launch of ``rounds``, a number being an undisturbed one of so many seconds."""
    return Launch(
        phases=Phases(1.0, 0.1, 0.2, 2.0, 1.0),
        warm_up=Epoch(1.0, 300.0, 1.0, 0.69, 0.5, compilations=1),
        rounds=tuple(
            each if isinstance(each, Round) else a_round(each) for each in rounds
        ),
        weights_moved=0.01,
        peak_rss_bytes=2**28,
        cores=CoresSeen((0,), 1, 1, ()),
        device_name="cpu",
        versions={},
        launched={"launcher": "local"},
        wall_seconds=wall_seconds,
    )

"""Compiled loops: which images are on the device when, and in what order they train."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from histocnn.job import Job
from histocnn.loops import Compiled, finite, steps_at_once
from histocnn.measurement import Epoch

STEPS, BATCH = 12, 5
IMAGES = STEPS * BATCH
JOB = Job("jax", "cpu", 32, BATCH, None, 1, IMAGES, loop="fused")


@pytest.mark.parametrize(
    ("steps", "image_bytes", "free_bytes", "at_once"),
    [
        pytest.param(12, 1200, None, 12, id="the device's memory is the host's"),
        pytest.param(12, 1200, 4800, 12, id="a quarter holds all"),
        pytest.param(12, 1200, 4799, 6, id="a byte less: half"),
        pytest.param(12, 1200, 2399, 4, id="5 would fit and does not divide 12"),
        pytest.param(12, 1200, 1200, 3, id="a third of a third"),
        pytest.param(7, 700, 2799, 1, id="a prime number of steps"),
        pytest.param(12, 1200, 0, 1, id="one step must be there"),
        pytest.param(1, 1200, 0, 1, id="one step is all"),
    ],
)
def test_steps_at_once(
    steps: int, image_bytes: int, free_bytes: int | None, at_once: int
) -> None:
    """The largest divisor of the steps whose images fill a quarter of what is free."""
    assert steps_at_once(steps, image_bytes, free_bytes) == at_once


@pytest.mark.parametrize("steps", [1, 7, 12, 30, 300])
def test_steps_at_once_is_the_largest_that_fits(steps: int) -> None:
    """Whatever is free: a divisor, in the quarter or 1, and no larger one would do."""
    size = 1000 * steps
    divisors = [count for count in range(1, steps + 1) if steps % count == 0]
    for free in range(0, 5 * size, max(1, size // 7)):
        fitting = [count for count in divisors if 1000 * count <= free / 4]
        assert steps_at_once(steps, size, free) == max(fitting, default=1)


class Recorder:
    """A program that trains nothing and keeps what it was given."""

    notes: tuple[str, ...] = ("made for the test",)

    def __init__(self) -> None:
        """Nothing is loaded."""
        self.loaded: list[NDArray[np.float32]] = []
        self.trained: list[tuple[int, int]] = []
        self.runs: list[int] = []

    def load(self, images: NDArray[np.float32], labels: NDArray[np.float32]) -> None:
        """Keep both, as a device would: copied."""
        assert len(images) == len(labels)
        self.loaded.append(images.copy())
        self._labels = labels.copy()

    def run(self, order: NDArray[np.int32]) -> tuple[Any, Any]:
        """Note which image was trained with which label; losses count the steps."""
        assert order.dtype == np.int32
        self.runs.append(len(order))
        images, labels = self.loaded[-1][order, 0, 0, 0], self._labels[order, 0]
        self.trained += zip(images.astype(int), labels.astype(int), strict=True)
        last = len(self.trained) // BATCH
        steps = np.arange(last - len(order) // BATCH, last, dtype=np.float32)
        return list(steps), steps / 100

    def weights(self) -> list[NDArray[np.float32]]:
        """Any."""
        return [np.ones(3, np.float32)]


class FakeRuntime:
    """A device with so many bytes free, that seems to compile all the time."""

    def __init__(self, free: int | None) -> None:
        """``free``: what `free_bytes` answers."""
        self._free = free
        self.compiled = 0
        self.barriers = 0

    def free_bytes(self) -> int | None:
        """As it was made."""
        return self._free

    def compilations(self) -> int:
        """Two more at each look."""
        self.compiled += 2
        return self.compiled - 2

    def synchronise(self) -> None:
        """Count."""
        self.barriers += 1


def arrays() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Images whose every value is their number, and labels three times as large."""
    numbers = np.arange(IMAGES, dtype=np.float32)
    images = np.broadcast_to(numbers[:, None, None, None], (IMAGES, 4, 4, 3))
    return images.copy(), 3 * numbers[:, np.newaxis]


def compiled(free: int | None) -> tuple[Compiled, Recorder, FakeRuntime]:
    """The loop over a recorder, on a device with ``free`` bytes."""
    recorder, runtime = Recorder(), FakeRuntime(free)
    images, labels = arrays()
    loop = Compiled(recorder, runtime, JOB, images, labels)  # type: ignore[arg-type]
    return loop, recorder, runtime


ORDERS = [np.random.default_rng(n).permutation(IMAGES).astype(np.int32) for n in (1, 2)]
PAIRS = [(int(number), 3 * int(number)) for order in ORDERS for number in order]


@pytest.mark.parametrize("free", [None, 4 * arrays()[0].nbytes])
def test_images_that_fit_are_loaded_once(free: int | None) -> None:
    """When the loop is made; then every epoch is one run in the order given."""
    loop, recorder, _ = compiled(free)
    assert len(recorder.loaded) == 1
    for order in ORDERS:
        loop.epoch(order)
    assert recorder.trained == PAIRS
    assert recorder.runs == [IMAGES, IMAGES]
    assert len(recorder.loaded) == 1
    assert np.array_equal(recorder.loaded[0], arrays()[0])
    assert loop.notes == Recorder.notes


@pytest.mark.parametrize(("part", "at_once"), [(1.0, 3), (0.4, 1), (2.5, 6), (0.0, 1)])
def test_images_that_do_not_fit_are_streamed(part: float, at_once: int) -> None:
    """In equal chunks of whole steps, in the order given, labels with their images.

    ``part``: how many times the images would fit into all that is free. No chunk is
    larger than a quarter of it, unless it is a single step's.
    """
    free = int(part * arrays()[0].nbytes)
    loop, recorder, _ = compiled(free)
    assert recorder.loaded == []
    results = [loop.epoch(order) for order in ORDERS]
    assert recorder.trained == PAIRS
    chunks = 2 * STEPS // at_once
    assert recorder.runs == [at_once * BATCH] * chunks
    assert [len(loaded) for loaded in recorder.loaded] == recorder.runs
    if at_once > 1:
        assert all(loaded.nbytes <= free / 4 for loaded in recorder.loaded)
    # The program's results of all chunks, one after the other.
    losses, accuracies = map(np.concatenate, zip(*results, strict=True))
    assert losses.tolist() == list(range(2 * STEPS))
    assert accuracies == pytest.approx(losses / 100)
    assert loop.notes[:-1] == Recorder.notes
    assert loop.notes[-1].startswith(f"streamed: {at_once} of {STEPS} steps' images")


def test_an_epoch_is_timed_and_what_it_compiled_counted() -> None:
    """Means over the steps, a barrier at both ends, another order each epoch."""
    loop, recorder, runtime = compiled(None)
    epochs: list[Epoch] = []
    loop.run(2, epochs.append)
    assert [epoch.loss for epoch in epochs] == [(STEPS - 1) / 2, (3 * STEPS - 1) / 2]
    assert epochs[0].accuracy == pytest.approx((STEPS - 1) / 200)
    assert [epoch.compilations for epoch in epochs] == [2, 2]
    assert runtime.barriers == 4
    for epoch in epochs:
        assert epoch.seconds > 0
        assert epoch.images_per_second == pytest.approx(IMAGES / epoch.seconds)
    first, second = recorder.trained[:IMAGES], recorder.trained[IMAGES:]
    assert first != second
    assert sorted(first) == sorted(second) == sorted(PAIRS[:IMAGES])


def test_the_order_is_the_seeds() -> None:
    """Two loops of one job train in one order, resident or streamed."""
    (one, resident, _), (other, streamed, _) = compiled(None), compiled(0)
    for loop in (one, other):
        loop.run(2, lambda epoch: None)
    assert resident.trained == streamed.trained


@pytest.mark.parametrize("value", [np.float32("nan"), np.inf, -np.inf])
def test_a_loss_that_is_no_number_is_none(value: float) -> None:
    """JSON cannot hold it; others stay what they are."""
    assert finite(value) is None
    assert finite(np.float32(0.5)) == 0.5

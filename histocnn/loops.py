"""Loops: who runs the epochs of a job, and the clock that times each from within."""

import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from histocnn import slowed
from histocnn.engines import Program, Runtime
from histocnn.job import Job
from histocnn.measurement import Epoch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Clock:
    """Times an epoch, the device being idle at both ends."""

    def __init__(self, runtime: Runtime, job: Job) -> None:
        """For epochs of ``job``; `InputError` for a bad `slowed.VARIABLE`."""
        self._runtime = runtime
        self._images = job.images
        self._slowed = slowed.share_of(job.id)

    def start(self) -> None:
        """An epoch begins now."""
        self._runtime.synchronise()
        self._compilations = self._runtime.compilations()
        self._cpu_start = time.process_time()
        self._start = time.perf_counter()

    def stop(self) -> Callable[[float, float], Epoch]:
        """The epoch has ended; call what this returns with its loss and accuracy."""
        self._runtime.synchronise()
        compilations = self._runtime.compilations() - self._compilations
        if self._slowed and not compilations:  # an epoch that compiled counts nowhere
            slowed.spin(self._slowed * (time.perf_counter() - self._start))
        seconds = time.perf_counter() - self._start
        cpu_seconds = time.process_time() - self._cpu_start
        return lambda loss, accuracy: Epoch(
            seconds=seconds,
            images_per_second=self._images / seconds,
            cpu_seconds=cpu_seconds,
            loss=finite(loss),
            accuracy=float(accuracy),
            compilations=compilations,
        )


class Fit:
    """Keras' own loop: one `Model.fit` over all epochs, as users write it."""

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        model: Any,
        runtime: Runtime,
        job: Job,
        images: "NDArray[np.float32]",
        labels: "NDArray[np.float32]",
    ) -> None:
        """For ``model``, on all ``images``."""
        self._model = model
        self._runtime = runtime
        self._job = job
        self._images, self._labels = runtime.as_input(images, labels)

    def run(self, epochs: int, on_epoch: Callable[[Epoch], None]) -> None:
        """Train; ``on_epoch`` runs between two epochs, outside both times.

        One call for many epochs: what `fit` does before its first epoch and after its
        last is in no epoch's time.
        """
        self._model.fit(
            self._images,
            self._labels,
            batch_size=self._job.batch,
            epochs=epochs,
            shuffle=True,
            verbose=0,
            callbacks=[self._stopwatch(on_epoch)],
        )

    def weights(self) -> "list[NDArray[np.float32]]":
        """The model's."""
        weights: list[NDArray[np.float32]] = self._model.get_weights()
        return weights

    def _stopwatch(self, on_epoch: Callable[[Epoch], None]) -> Any:
        clock = Clock(self._runtime, self._job)
        base: Any = self._runtime.keras.callbacks.Callback

        class Stopwatch(base):  # type: ignore[misc]
            """Reads the clock at both ends of an epoch."""

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                clock.start()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                on_epoch(clock.stop()(logs["loss"], logs["accuracy"]))

        return Stopwatch()


class Compiled:
    """A compiled program fed by us: all images at once where the device holds them."""

    def __init__(
        self,
        program: Program,
        runtime: Runtime,
        job: Job,
        images: "NDArray[np.float32]",
        labels: "NDArray[np.float32]",
    ) -> None:
        """Load the images, or as many as fit at a time (`steps_at_once`)."""
        import numpy as np

        self._program = program
        self._runtime = runtime
        self._job = job
        self._images, self._labels = images, labels
        steps = job.images // job.batch
        free = runtime.free_bytes()
        at_once = steps_at_once(steps, images.nbytes, free)
        self._chunk = at_once * job.batch
        self.notes = program.notes
        if at_once < steps:
            self.notes += (
                f"streamed: {at_once} of {steps} steps' images at a time, since "
                f"{images.nbytes / 1e6:.0f} MB of images do not fit on the device "
                "beside the training",
            )
        else:
            program.load(images, labels)
        self._orders = np.random.default_rng(job.seed)

    def run(self, epochs: int, on_epoch: Callable[[Epoch], None]) -> None:
        """Train; ``on_epoch`` runs between two epochs, outside both times."""
        import numpy as np

        clock = Clock(self._runtime, self._job)
        for _ in range(epochs):
            clock.start()
            order = self._orders.permutation(self._job.images).astype(np.int32)
            losses, accuracies = self.epoch(order)
            on_epoch(clock.stop()(losses.mean(), accuracies.mean()))

    def epoch(
        self, order: "NDArray[np.int32]"
    ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """Train one epoch in the ``order`` given; losses and accuracies, (steps,)."""
        import numpy as np

        done = [self._program.run(part) for part in self._feed(order)]
        losses, accuracies = (
            np.concatenate([np.asarray(part) for part in parts])
            for parts in zip(*done, strict=True)
        )
        return losses, accuracies

    def weights(self) -> "list[NDArray[np.float32]]":
        """The program's."""
        return self._program.weights()

    def _feed(self, order: "NDArray[np.int32]") -> "Iterator[NDArray[np.int32]]":
        """Have the images of ``order`` loaded by chunks, and say where they lie."""
        import numpy as np

        if self._chunk == len(order):
            yield order
            return
        for start in range(0, len(order), self._chunk):
            part = order[start : start + self._chunk]
            self._program.load(self._images[part], self._labels[part])
            yield np.arange(self._chunk, dtype=np.int32)


def steps_at_once(steps: int, image_bytes: int, free_bytes: int | None) -> int:
    """Of how many steps the images are on the device together: a divisor of ``steps``.

    They may take a quarter of what is free, ``free_bytes``: two chunks are there while
    one follows the other, and training needs memory of its own. One step's images must
    be there whatever is free. None: the device's memory is the host's, where the images
    are already.
    """
    if free_bytes is None:
        return steps
    return next(
        (
            count
            for count in range(steps, 1, -1)
            if steps % count == 0 and image_bytes * count / steps <= free_bytes / 4
        ),
        1,
    )


def finite(value: Any) -> float | None:
    """``value`` as a float; None where it is no finite number."""
    number = float(value)
    return number if math.isfinite(number) else None

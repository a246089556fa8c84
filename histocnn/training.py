"""Trains a job inside the worker and times each epoch from within `model.fit`."""

import math
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histocnn import engines, pinning
from histocnn.cache import open_arrays
from histocnn.job import Job
from histocnn.measurement import Epoch
from histocnn.model import build_model
from histocnn.protocol import Opened, Trained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Training:
    """A job opened: its engine loaded, its images mapped, its model built."""

    def __init__(self, job: Job, folder: Path) -> None:
        """Open ``job`` on the prepared arrays in ``folder``; `opened` says the times.

        Raises whatever the engine raises where it is not installed or cannot have what
        the job asks, and `InputError` where the arrays are damaged.
        """
        engine = engines.get(job.engine)
        start = time.perf_counter()
        self._job = job
        self._runtime = engine.load(job)
        imported = time.perf_counter()
        self._images, self._labels = as_training_arrays(folder, engine.DATA_FORMAT)
        mapped = time.perf_counter()
        self._runtime.seed(job.seed)
        self._model = build_model(
            self._runtime.keras,
            job.size,
            engine.DATA_FORMAT,
            job.seed,
            flip_kernels=engine.FLIPS_KERNELS,
        )
        self._runtime.synchronise()
        built = time.perf_counter()
        self._start_weights = self._model.get_weights()
        self.opened = Opened(
            import_seconds=imported - start,
            data_seconds=mapped - imported,
            build_seconds=built - mapped,
            device_name=self._runtime.device_name(),
            versions={name: version(name) for name in engine.DISTRIBUTIONS},
        )

    def train(self, epochs: int, on_epoch: Callable[[Epoch], None]) -> Trained:
        """Run one `model.fit` over ``epochs``, calling ``on_epoch`` after each.

        One call for many epochs, as users write it: what `fit` does before its first
        epoch and after its last is in no epoch's time. ``on_epoch`` runs between two
        epochs, outside both times.
        """
        ends: list[float] = []

        def ended(epoch: Epoch) -> None:
            ends.append(time.perf_counter())
            on_epoch(epoch)

        start = time.perf_counter()
        self._model.fit(
            self._images,
            self._labels,
            batch_size=self._job.batch,
            epochs=epochs,
            shuffle=True,
            verbose=0,
            callbacks=[self._stopwatch(ended)],
        )
        return Trained(
            first_seconds=ends[0] - start,
            weights_moved=_rms_change(self._start_weights, self._model.get_weights()),
            peak_rss_bytes=peak_rss_bytes(),
            cores=pinning.seen(self._runtime.threads()),
        )

    def _stopwatch(self, on_epoch: Callable[[Epoch], None]) -> Any:
        runtime, images = self._runtime, self._job.images

        base: Any = runtime.keras.callbacks.Callback

        class Stopwatch(base):  # type: ignore[misc]
            """Reads the clocks at both ends of an epoch, the device being idle."""

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                runtime.synchronise()
                self.cpu_start = time.process_time()
                self.start = time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                runtime.synchronise()
                seconds = time.perf_counter() - self.start
                on_epoch(
                    Epoch(
                        seconds=seconds,
                        images_per_second=images / seconds,
                        cpu_seconds=time.process_time() - self.cpu_start,
                        loss=_finite(logs["loss"]),
                        accuracy=float(logs["accuracy"]),
                    )
                )

        return Stopwatch()


def as_training_arrays(
    folder: Path, data_format: str
) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """The prepared images scaled to [0, 1] in the engine's layout, and their labels.

    Returns
    -------
    images
        (n, size, size, 3) float32 for ``channels_last``, (n, 3, size, size) else.
    labels
        (n, 1) float32, 0 or 1.
    """
    import numpy as np

    stored, classes = open_arrays(folder)
    if data_format == "channels_first":
        stored = stored.transpose(0, 3, 1, 2)
    images = np.empty(stored.shape, np.float32)
    np.multiply(stored, np.float32(1 / 255), out=images)
    return images, classes.astype(np.float32)[:, np.newaxis]


def peak_rss_bytes() -> int:
    """The largest resident memory that this process has had.

    From the kernel's high-water mark: `getrusage` would report the parent's, where
    that was larger when it forked.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def _rms_change(before: list[Any], after: list[Any]) -> float | None:
    squares = sum(
        float(((b - a) ** 2).sum()) for a, b in zip(before, after, strict=True)
    )
    return _finite(math.sqrt(squares / sum(a.size for a in before)))


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None

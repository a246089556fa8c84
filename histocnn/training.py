"""Trains a job in the worker: its engine loaded, its images mapped, its loop run."""

import contextlib
import itertools
import math
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histocnn import cuda, cupti, engines, peers, pinning, slowed
from histocnn.cache import open_arrays
from histocnn.job import Job
from histocnn.loops import Compiled, Fit, finite
from histocnn.measurement import Epoch
from histocnn.model import build_model
from histocnn.protocol import Copied, Opened, Trained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Training:
    """A job opened: its engine loaded, its images mapped, its network built."""

    def __init__(self, job: Job, folder: Path, start: float) -> None:
        """Open ``job`` on the prepared arrays in ``folder``; `opened` says the times.

        ``start`` is when importing began, on the clock of `time.perf_counter`.

        Raises whatever the engine raises where it is not installed or cannot have what
        the job asks, and `InputError` where the arrays are damaged.
        """
        engine = engines.get(job.engine)
        self._job = job
        self._slowed = slowed.notes(slowed.share_of(job.id))
        self._runtime = engine.load(job)
        imported = time.perf_counter()
        self._images, labels = as_training_arrays(
            folder, engine.DATA_FORMAT, job.images
        )
        mapped = time.perf_counter()
        self._runtime.seed(job.seed)
        self.loop = self._build(self._images, labels)
        self._runtime.synchronise()
        built = time.perf_counter()
        self._start_weights = self.loop.weights()
        memory = self._runtime.memory()
        self.opened = Opened(
            import_seconds=imported - start,
            data_seconds=mapped - imported,
            build_seconds=built - mapped,
            device_name=self._runtime.device_name(),
            versions=_versions(engine.DISTRIBUTIONS),
            memory=memory,
            gpu_bytes=None if memory is None else cuda.memory()[1],
        )

    def _build(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> Fit | Compiled:
        job, runtime, engine = self._job, self._runtime, engines.get(self._job.engine)
        if job.loop == "peer":
            program = peers.get(job.engine).program(job, runtime)
        else:
            model = build_model(
                runtime.keras,
                job.size,
                engine.DATA_FORMAT,
                job.seed,
                flip_kernels=engine.FLIPS_KERNELS,
                **runtime.compile_options,
            )
            if job.loop == "fit":
                return Fit(model, runtime, job, images, labels)
            program = runtime.fused(model, job)
        return Compiled(program, runtime, job, images, labels)

    def train(self, epochs: int, on_epoch: Callable[[Epoch], None]) -> Trained:
        """Train ``epochs``, calling ``on_epoch`` after each, outside its time."""
        ends: list[float] = []

        def ended(epoch: Epoch) -> None:
            ends.append(time.perf_counter())
            on_epoch(epoch)

        start = time.perf_counter()
        self.loop.run(epochs, ended)
        end = time.perf_counter()
        return Trained(
            first_seconds=ends[0] - start,
            seconds=end - start,
            weights_moved=_rms_change(self._start_weights, self.loop.weights()),
            peak_rss_bytes=peak_rss_bytes(),
            cores=pinning.seen(self._runtime.threads()),
            notes=self.loop.notes + self._slowed,
            memory=self._runtime.memory(),
        )

    def free_bytes(self) -> int | None:
        """GPU memory that a program may still have, its pool's rest included."""
        return self._runtime.free_bytes()

    def audit(self) -> dict[str, int] | None:
        """Calls for GPU memory in one epoch more, by function; None: cannot be told."""
        with cupti.memory_calls() as calls:
            if calls is not None:
                self.loop.run(1, lambda epoch: None)
        return None if calls is None else dict(calls)

    def copy(self, rounds: int) -> Copied:
        """Copy all images from host to device, ``rounds`` times after one warm-up."""
        seconds = []
        for _ in range(1 + rounds):
            start = time.perf_counter()
            copy = self._runtime.put(self._images)
            seconds.append(time.perf_counter() - start)
            del copy
        return Copied(tuple(seconds[1:]), self._images.nbytes)


def _versions(distributions: tuple[str, ...]) -> dict[str, str]:
    """Versions of those installed: a site's own build may go by another name."""
    versions = {}
    for name in distributions:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def as_training_arrays(
    folder: Path, data_format: str, count: int | None = None
) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """The prepared images scaled to [0, 1] in the engine's layout, and their labels.

    Where there are fewer than ``count``, they come again from the first on: for what
    has to be many, whatever it shows (`benchmarks/test_frontier.py`).

    Returns
    -------
    images
        (n, size, size, 3) float32 for ``channels_last``, (n, 3, size, size) else.
    labels
        (n, 1) float32, 0 or 1.
    """
    import numpy as np

    stored, classes = open_arrays(folder)
    count = len(stored) if count is None else count
    if data_format == "channels_first":
        stored = stored.transpose(0, 3, 1, 2)
    images = np.empty((count, *stored.shape[1:]), np.float32)
    # One by one: an image fits the cache between being turned and being scaled.
    for scaled, image in zip(images, itertools.cycle(stored), strict=False):
        np.multiply(np.ascontiguousarray(image), np.float32(1 / 255), out=scaled)
    return images, np.resize(classes, (count, 1)).astype(np.float32)


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
    return finite(math.sqrt(squares / sum(a.size for a in before)))

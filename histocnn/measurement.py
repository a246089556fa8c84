"""What measuring a job yields: epochs in launches, and what explains their times."""

import statistics
from dataclasses import dataclass

from histocnn.job import Job


@dataclass(frozen=True)
class Epoch:
    """One pass over the images.

    ``seconds`` is wall time around training and the device's synchronisation;
    ``cpu_seconds`` is what all threads of the worker used meanwhile, so that their
    ratio is the number of cores that were busy. ``loss`` and ``accuracy`` are means
    over the epoch's steps, as Keras reports them; None is a loss that was no finite
    number, which JSON cannot hold. ``compilations`` counts what the engine compiled
    meanwhile: a round in which it is not 0 did not time training alone.
    """

    seconds: float
    images_per_second: float
    cpu_seconds: float
    loss: float | None
    accuracy: float
    compilations: int


@dataclass(frozen=True)
class Phases:
    """Where a launch's time went, in seconds.

    ``first`` is compilation and the warm-up epoch, ``steady`` the rounds after it.
    """

    import_seconds: float
    data_seconds: float
    build_seconds: float
    first_seconds: float
    steady_seconds: float


@dataclass(frozen=True)
class ThreadPool:
    """A thread pool that a loaded library has, and its size."""

    library: str
    version: str
    threads: int


@dataclass(frozen=True)
class CoresSeen:
    """The cores axis as found in force inside the worker.

    ``affinity`` is the union over all threads of the process, ``threads`` how many it
    has, ``engine_threads`` the engine's own setting read back.
    """

    affinity: tuple[int, ...]
    threads: int
    engine_threads: int
    pools: tuple[ThreadPool, ...]


@dataclass(frozen=True)
class Launch:
    """One fresh process: a warm-up epoch, then the rounds.

    ``launched`` is what the launcher says of the process: its own name and, for a
    container, the image. ``weights_moved`` is the root mean square change of all
    weights since the start; None where that is no finite number. ``notes`` say, each
    in a sentence, in what the loop fell short of its best: streamed, not compiled, …
    """

    phases: Phases
    warm_up: Epoch
    rounds: tuple[Epoch, ...]
    weights_moved: float | None
    peak_rss_bytes: int
    cores: CoresSeen
    device_name: str
    versions: dict[str, str]
    launched: dict[str, str]
    notes: tuple[str, ...] = ()

    def not_trained(self) -> str | None:
        """Why this was no training; None where it was.

        A loss that is not finite, weights that stayed where they were, or a last epoch
        whose loss is not below the first one's.
        """
        losses: list[float] = []
        for number, epoch in enumerate((self.warm_up, *self.rounds)):
            if epoch.loss is None:
                return f"the loss of epoch {number} is not a finite number"
            losses.append(epoch.loss)
        if not self.weights_moved:
            return f"the weights moved by {self.weights_moved}"
        if losses[-1] >= losses[0]:
            return (
                f"the loss went from {losses[0]:.6g} to {losses[-1]:.6g} in "
                f"{len(losses)} epochs"
            )
        return None

    @property
    def median_seconds(self) -> float:
        """Median over the rounds: this launch's one sample of the epoch time."""
        return statistics.median(epoch.seconds for epoch in self.rounds)


@dataclass(frozen=True)
class Measurement:
    """All launches of one job."""

    job: Job
    launches: tuple[Launch, ...]

    @property
    def median_seconds(self) -> float:
        """Median over launches of the launch medians, seconds an epoch."""
        return statistics.median(launch.median_seconds for launch in self.launches)

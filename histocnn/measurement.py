"""What measuring a job yields: epochs in launches, and what explains their times."""

import statistics
from dataclasses import asdict, dataclass, field

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
class GpuConditions:
    """What a GPU did meanwhile, as its driver tells; None is what it does not tell.

    ``sm_mhz`` is the mean clock of its processors, ``throttled`` names the reasons for
    which the driver held it back, ``foreign_processes`` counts others that computed on
    it and ``foreign_share`` is the share of its time that they had, 0 to 1.
    ``temperature`` is the highest, degrees Celsius, ``watts`` the mean power.
    """

    sm_mhz: float | None = None
    throttled: tuple[str, ...] = ()
    foreign_processes: int | None = None
    foreign_share: float | None = None
    temperature: float | None = None
    watts: float | None = None


@dataclass(frozen=True)
class Conditions:
    """What the machine did beside a round; None is what it cannot tell.

    All are of a window that holds the round, and behind a few short ones a rest, too.
    ``foreign_cores`` is the time that others had of the case's CPUs, in cores (0.5:
    half of one core all the time), ``steal_cores`` the same for the hypervisor.
    ``pressure`` is the share of the time, 0 to 1, in which tasks of the whole machine
    waited for ``cpu`` (some), ``memory`` and ``io`` (all that could have run).
    ``cpu_mhz`` is the clock of the fastest of the case's CPUs. ``joules`` is what each
    meter counted (``gpu``, ``package-0``, …), scaled from the window to the round; a
    window with a rest in it has none.
    """

    foreign_cores: float | None = None
    steal_cores: float | None = None
    pressure: dict[str, float] = field(default_factory=dict)
    cpu_mhz: float | None = None
    gpu: GpuConditions | None = None
    joules: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Round(Epoch):
    """A timed epoch and the conditions under which it ran.

    ``disturbed`` says by what, each in a phrase; ``counts`` is whether statistics take
    it: a disturbed one does only where nothing undisturbed could be had.
    """

    conditions: Conditions = field(default_factory=Conditions)
    disturbed: tuple[str, ...] = ()
    counts: bool = True

    @classmethod
    def of(cls, epoch: Epoch) -> "Round":
        """``epoch``, undisturbed as far as anybody knows."""
        return cls(**asdict(epoch))


@dataclass(frozen=True)
class Phases:
    """Where a launch's time went, in seconds.

    ``first`` is compilation and the warm-up epoch, ``steady`` the rounds after it.
    ``around`` is what the loop took besides: Keras' `fit` on TensorFlow sets its data
    out at each call, and takes seconds to put them away. ``start`` is from before the
    process was until it answered, ``audit`` reading back a GPU's memory pool with an
    epoch more, ``end`` from the goodbye until it was gone, which with a GPU is mostly
    the driver's taking its memory back.
    """

    import_seconds: float
    data_seconds: float
    build_seconds: float
    first_seconds: float
    steady_seconds: float
    around_seconds: float = 0.0
    start_seconds: float = 0.0
    audit_seconds: float = 0.0
    end_seconds: float = 0.0


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
class EngineMemory:
    """GPU memory by an engine's own count, in bytes; None is what it does not tell.

    ``allocator`` is what the engine says it takes memory with. ``reserved`` is what its
    pool has from the driver, in use or not, ``in_use`` what of that holds something,
    and ``peak`` the most that was in use at a time.
    """

    allocator: str
    reserved: int | None = None
    in_use: int | None = None
    peak: int | None = None


@dataclass(frozen=True)
class GpuMemory:
    """The memory pool of a launch as read back, in bytes; None is what nobody tells.

    ``total`` is what the GPU has. ``before`` is the engine's count before training,
    with the network built and images loaded where they stay on the GPU, ``after`` that
    behind the last round; ``process_before`` and ``process_after`` are what the driver
    counts for the process by then, CUDA's own part included. ``calls`` are those for
    memory, by function of the driver, in one more epoch after the rounds.
    """

    total: int
    before: EngineMemory
    after: EngineMemory
    process_before: int | None = None
    process_after: int | None = None
    calls: dict[str, int] | None = None


@dataclass(frozen=True)
class Launch:
    """One fresh process: a warm-up epoch, then the rounds.

    ``launched`` is what the launcher says of the process: its own name and, for a
    container, the image. ``weights_moved`` is the root mean square change of all
    weights since the start; None where that is no finite number. ``notes`` say, each
    in a sentence, in what the loop fell short of its best: streamed, not compiled, …
    ``wall_seconds`` is from before its start until it was gone, ``waited_seconds`` how
    long of that the suite waited for the machine to be quiet. ``sentinel_cores`` is
    what watching took of a core, on average. ``gpu_memory`` is None on the CPU.
    """

    phases: Phases
    warm_up: Epoch
    rounds: tuple[Round, ...]
    weights_moved: float | None
    peak_rss_bytes: int
    cores: CoresSeen
    device_name: str
    versions: dict[str, str]
    launched: dict[str, str]
    notes: tuple[str, ...] = ()
    wall_seconds: float = 0.0
    waited_seconds: float = 0.0
    sentinel_cores: float = 0.0
    gpu_memory: GpuMemory | None = None

    def not_trained(self, *, falls: bool = True) -> str | None:
        """Why this was no training; None where it was.

        A loss that is not finite, weights that stayed where they were, or, where it
        ``falls``, a last epoch whose loss is not below the first one's.
        """
        losses: list[float] = []
        for number, epoch in enumerate((self.warm_up, *self.rounds)):
            if epoch.loss is None:
                return f"the loss of epoch {number} is not a finite number"
            losses.append(epoch.loss)
        if not self.weights_moved:
            return f"the weights moved by {self.weights_moved}"
        if falls and losses[-1] >= losses[0]:
            return (
                f"the loss went from {losses[0]:.6g} to {losses[-1]:.6g} in "
                f"{len(losses)} epochs"
            )
        return None

    @property
    def counted(self) -> tuple[Round, ...]:
        """The rounds that statistics take; none where all were disturbed."""
        return tuple(round_ for round_ in self.rounds if round_.counts)

    @property
    def median_seconds(self) -> float:
        """Median over the rounds that count: this launch's one sample of the time."""
        return statistics.median(round_.seconds for round_ in self.counted)


@dataclass(frozen=True)
class Stopped:
    """Why no more launches were made of a case, and how sure its time is by then.

    ``why`` is ``precision``, ``time-cap``, ``budget`` (no more fitted into it),
    ``fixed`` (as many as were asked for) or ``interrupted``. ``half_width`` is that of
    the 95 % interval of the log-median over launches, so about a relative error (0.05:
    ± 5 %); None for fewer than 3 launches. ``precision`` is the half-width that was
    asked for; None where a number of launches was.
    """

    why: str
    half_width: float | None = None
    precision: float | None = None


@dataclass(frozen=True)
class Measurement:
    """All launches of one job.

    ``warnings`` say, each in a sentence, why its figures are less sure than they look.
    """

    job: Job
    launches: tuple[Launch, ...]
    stopped: Stopped = Stopped("fixed")
    warnings: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Launch, ...]:
        """The launches with a round that counts."""
        return tuple(launch for launch in self.launches if launch.counted)

    @property
    def median_seconds(self) -> float:
        """Median over launches of the launch medians, seconds an epoch."""
        return statistics.median(launch.median_seconds for launch in self.counted)

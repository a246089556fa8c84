"""What is read of a file saved by pytest-benchmark.

Fields that are not named here are skipped, which is what makes reading fast.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

# Outside these bounds lies no epoch, and logarithms and ratios could overflow.
SHORTEST_SECONDS, LONGEST_SECONDS = 1e-9, 1e9

_MOST_JOULES = 1e12  # of an epoch: a power station's in a quarter of an hour

Seconds = Annotated[float, Meta(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS)]
Duration = Annotated[float, Meta(ge=0, le=LONGEST_SECONDS)]
Joules = Annotated[float, Meta(ge=0, le=_MOST_JOULES)]
Count = Annotated[int, Meta(ge=1, le=10**9)]
Bytes = Annotated[int, Meta(ge=0, le=2**60)]
Share = Annotated[float, Meta(ge=0, le=1e6)]


class Conditions(Struct, frozen=True, gc=False):
    """What the machine did meanwhile; of that, what each energy meter counted."""

    joules: dict[str, Joules] = {}


class Round(Struct, frozen=True, gc=False):
    """One timed epoch; ``counts`` says whether statistics take it."""

    seconds: Seconds
    conditions: Conditions | None = None
    disturbed: tuple[str, ...] = ()
    counts: bool = True


class Phases(Struct, frozen=True, gc=False):
    """Where a launch's time went, seconds; 0 is what the file does not tell.

    ``first`` is compilation and the warm-up epoch, ``steady`` the rounds, ``around``
    what the loop took besides them, ``start`` and ``end`` the process's own, ``audit``
    reading back a GPU's memory pool.
    """

    start_seconds: Duration = 0.0
    import_seconds: Duration = 0.0
    data_seconds: Duration = 0.0
    build_seconds: Duration = 0.0
    first_seconds: Duration = 0.0
    steady_seconds: Duration = 0.0
    around_seconds: Duration = 0.0
    audit_seconds: Duration = 0.0
    end_seconds: Duration = 0.0


class EngineMemory(Struct, frozen=True, gc=False):
    """GPU memory by an engine's own count; None is what it does not tell."""

    reserved: Bytes | None = None
    peak: Bytes | None = None


class GpuMemory(Struct, frozen=True, gc=False):
    """GPU memory of a launch: the engine's count and, of the process, the driver's."""

    before: EngineMemory = EngineMemory()
    after: EngineMemory = EngineMemory()
    process_before: Bytes | None = None
    process_after: Bytes | None = None


class Launched(Struct, frozen=True, gc=False):
    """What a worker was launched as; where nothing says otherwise, the usual.

    ``node`` is that of the cluster which measured it and ``machine`` the digest of its
    hard facts; "" where it was the machine that saved the file.
    """

    launcher: str = "local"
    interpreter: str = "locked"
    node: str = ""
    machine: str = ""


class Launch(Struct, frozen=True):
    """One worker process, its epochs, what its launcher and it itself say of it."""

    rounds: Annotated[tuple[Round, ...], Meta(min_length=1)]
    launched: Launched = Launched()
    notes: tuple[str, ...] = ()
    phases: Phases | None = None
    wall_seconds: Duration = 0.0
    waited_seconds: Duration = 0.0
    gpu_memory: GpuMemory | None = None
    device_name: str = ""
    versions: Raw = Raw(b"{}")


class Stopped(Struct, frozen=True, gc=False):
    """Why no more launches were made; half-widths as relative errors (0.05: ± 5 %)."""

    why: str
    half_width: Share | None = None
    precision: Share | None = None


class Tried(Struct, frozen=True, gc=False):
    """A batch that was tried on the way to a frontier, and its epoch where it fits."""

    batch: Count
    fits: bool
    seconds: Seconds | None = None


class Refusal(Struct, frozen=True, gc=False):
    """What came of the smallest batch that does not fit; None is what nobody tells."""

    asked_bytes: Bytes | None = None
    free_bytes: Bytes | None = None


class Frontier(Struct, frozen=True):
    """The largest batch that trained, and the next one tried, which did not.

    ``largest`` is 0 where not even one image trained, which leaves no time either.
    """

    job: dict[str, Any]
    largest: Annotated[int, Meta(ge=0, le=10**9)]
    probes: Annotated[tuple[Tried, ...], Meta(min_length=1)]
    smallest_refused: Count | None = None
    refused: Refusal | None = None
    device_name: str = ""


class ExtraInfo(Struct, frozen=True):
    """What the suite adds to a case; other projects' cases have no ``launches``."""

    launches: Annotated[tuple[Launch, ...], Meta(min_length=1)] | UnsetType = UNSET
    job: dict[str, Any] = {}
    stopped: Stopped | None = None
    warnings: tuple[str, ...] = ()
    frontier: Frontier | None = None


class Outcome(Struct, frozen=True):
    """What came of a case in place of a time; the worker's last words are not read."""

    kind: Annotated[str, Meta(min_length=1)]
    message: str = ""
    signal: str | None = None


class Started(Struct, frozen=True):
    """Of a launch that ended well before its case failed: what it was launched as."""

    launched: Launched = Launched()


class CaseOutcome(Struct, frozen=True):
    """A case that has no time. ``launched`` is where even the first launch failed."""

    outcome: Outcome
    job: dict[str, Any] = {}
    params: dict[str, Any] | None = None
    launched: Launched = Launched()
    launches: tuple[Started, ...] = ()
    frontier: Frontier | None = None


class Named(Struct, frozen=True):
    """What a record is called, whatever else is wrong with it."""

    name: str = ""
    fullname: str = ""


class Stats(Struct, frozen=True):
    """What pytest-benchmark itself keeps; ``data`` only with --benchmark-save-data."""

    median: Seconds | None = None
    rounds: Count | None = None
    data: tuple[Seconds, ...] = ()


class Checked(Struct, frozen=True):
    """One case of ours in a file in which nothing is wrong."""

    name: str
    fullname: str = ""
    params: dict[str, Any] | None = None
    extra_info: ExtraInfo = ExtraInfo()

    @property
    def is_ours(self) -> bool:
        """Whether it needs nothing else of the file."""
        extra = self.extra_info
        return extra.launches is not UNSET or extra.frontier is not None


class Unchecked(Struct, frozen=True):
    """One case. What stays raw costs, where it is faulty, that case only."""

    name: str
    fullname: str = ""
    params: dict[str, Any] | None = None
    extra_info: Raw = Raw(b"{}")
    stats: Raw = Raw(b"{}")


Benchmark = Checked | Unchecked


class CheckedDocument(Struct, frozen=True):
    """One whole file in which nothing is wrong, but perhaps with an outcome."""

    benchmarks: tuple[Checked, ...]
    outcomes: tuple[Raw, ...] = ()
    machine_info: Any = None
    commit_info: Any = None
    cluster: Any = None
    datetime: Any = None
    command: Any = None


class UncheckedDocument(Struct, frozen=True):
    """One whole file. ``outcomes`` stay raw: a fault costs its own case only."""

    benchmarks: tuple[Unchecked, ...]
    outcomes: tuple[Raw, ...] = ()
    machine_info: Any = None
    commit_info: Any = None
    cluster: Any = None
    datetime: Any = None
    command: Any = None


Document = CheckedDocument | UncheckedDocument

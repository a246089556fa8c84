"""A pool that is not what the case says fails it; what nobody tells does not."""

from dataclasses import replace

import pytest

from benchmarks import gpu_memory, readback
from benchmarks.gpu_memory import Holder, State
from benchmarks.outcomes import MeasuringFailed, MemoryShort, Outcome
from benchmarks.readback import ReadBack, contradiction
from histocnn.job import Job
from histocnn.measurement import CoresSeen, EngineMemory, GpuMemory
from histocnn.memory import MEBIBYTE
from histocnn.protocol import Opened, Trained

GIB = 2**30
TOTAL = 80 * GIB
STEPS = 6
JOB = Job("jax", "cuda", 32, 50, "1", 16)


def job(cnmem: str, gpu_memory: int | None = None) -> Job:
    return replace(JOB, cnmem=cnmem, gpu_memory=gpu_memory)


def seen(
    reserved: float | None,
    in_use: float | None = 0.1,
    *,
    process: float | None = None,
    calls: dict[str, int] | None = None,
) -> GpuMemory:
    """Memory read back, in GiB."""

    def in_bytes(gib: float | None) -> int | None:
        return None if gib is None else int(gib * GIB)

    before = EngineMemory("any", in_bytes(reserved), in_bytes(in_use))
    return GpuMemory(TOTAL, before, before, in_bytes(process), None, calls)


@pytest.mark.parametrize(
    ("cnmem", "memory"),
    [
        ("1", seen(76.0, process=76.5, calls={})),
        ("0.5", seen(40.01)),
        ("0.5", seen(None, None)),  # nobody tells
        ("4096", seen(4.0, process=4.6, calls={"cuMemAlloc_v2": STEPS - 1})),
        ("64", seen(1.5, 1.4)),  # a pool may grow past its start
        ("10.9", seen(10 / 1024)),  # Theano tells whole megabytes
        ("grow", seen(0.25, process=1.0, calls={"cuMemAlloc_v2": 2})),
        ("grow", seen(30.0, 20.0)),
        ("0", seen(None, None, process=0.6, calls={"cuMemAlloc_v2": 900})),
        ("0", seen(0.0)),
        ("async", seen(None, None, calls={"cuMemAllocAsync": 900})),
        ("0", seen(None, None, process=0.8)),
        ("1024", seen(None, 0.1, process=1.7)),
    ],
)
def test_what_fits_its_setting_passes(cnmem: str, memory: GpuMemory) -> None:
    assert contradiction(job(cnmem), memory) is None


@pytest.mark.parametrize(
    ("cnmem", "memory", "words"),
    [
        ("1", seen(0.2), "77,824 MB were to be reserved, its pool holds 205 MB"),
        # An allocator that steps back when the driver refuses.
        ("1", seen(68.4), "its pool holds 70,042 MB"),
        ("0.25", seen(60.0), "20,480 MB were to be reserved, its pool holds 61,440 MB"),
        ("0.5", seen(None, None, process=0.6), "the driver counts 614 MB"),
        # What JAX does if it is not told otherwise.
        ("grow", seen(60.0), "61,440 MB are taken before training"),
        ("0", seen(None, None, process=60.5), "none were to be reserved"),
        ("0", seen(None, None, calls={}), "asked the driver 0 times for memory"),
        ("0", seen(None, None, calls={"cuMemAlloc_v2": 5}), "5 times for memory, so"),
        ("0", seen(None, None, calls={"cuMemAllocAsync": 60}), "a pool gave it"),
        ("async", seen(None, None, calls={}), "the driver's own pool for no memory"),
        ("async", seen(None, None, calls={"cuMemAlloc_v2": 60}), "driver's own pool"),
        ("1024", seen(None, 0.1, process=76.0), "the driver counts 77,824 MB"),
        ("0", seen(None, None, calls={"cuMemFree_v2": 3}), "a pool gave it"),
        ("1", seen(76.0, calls={"cuMemAlloc_v2": 60}), "6 steps asked the driver 60"),
        ("grow", seen(0.2, calls={"cuMemCreate": 6}), "asked the driver 6 times"),
    ],
)
def test_what_does_not_is_told(cnmem: str, memory: GpuMemory, words: str) -> None:
    assert words in (contradiction(job(cnmem), memory) or "")


def test_a_fraction_is_one_of_the_memory_that_the_gpu_is_made_to_have() -> None:
    capped = job("0.5", gpu_memory=4096)
    assert contradiction(capped, seen(2.0)) is None
    assert "2,048 MB were to be reserved" in str(contradiction(capped, seen(40.0)))


def test_what_nobody_asked_for_is_seen_on_a_gpu_made_small() -> None:
    """A quarter of what it is made to have; but CUDA and its libraries take some."""
    small = job("grow", gpu_memory=4096)
    assert "none were to be reserved" in str(contradiction(small, seen(3.9)))
    assert (
        contradiction(job("0", gpu_memory=2048), seen(None, None, process=1.2)) is None
    )


def test_a_compiled_epoch_without_a_pool_may_be_a_single_call() -> None:
    fused = replace(job("0"), loop="fused")
    assert contradiction(fused, seen(None, None, calls={"cuMemCreate": 1})) is None
    assert contradiction(fused, seen(None, None, calls={})) is not None


def test_a_call_of_the_runtime_and_the_drivers_behind_it_are_one() -> None:
    """Five of each in six steps: not one a step."""
    calls = {"cudaMalloc_v3020": 5, "cuMemAlloc_v2": 5}
    assert contradiction(job("grow"), seen(0.2, calls=calls)) is None


def opened(memory: EngineMemory | None) -> Opened:
    total = None if memory is None else TOTAL
    return Opened(1.0, 0.1, 0.1, "GPU", {}, memory, total)


def trained(memory: EngineMemory | None) -> Trained:
    cores = CoresSeen((0,), 1, 1, ())
    return Trained(1.0, 2.0, 0.01, 2**28, cores, (), memory)


def test_it_is_looked_at_before_and_after() -> None:
    """The driver's count is of the worker alone, whoever else is there."""
    states = [
        State(TOTAL, 0, (Holder(7, "worker", held * GIB), Holder(8, "x", 70 * GIB)))
        for held in (1, 3)
    ]
    memory = EngineMemory("bfc", GIB // 8, GIB // 9, GIB)
    read_back = ReadBack(job("grow"), 7, opened(memory), iter(states).__next__)
    done = read_back.done(trained(memory), lambda: {"cuMemAlloc_v2": 0})
    assert done is not None
    assert (done.process_before, done.process_after) == (GIB, 3 * GIB)
    assert done.before == done.after == memory
    assert done.calls == {"cuMemAlloc_v2": 0}


def test_a_contradiction_fails_the_launch() -> None:
    memory = EngineMemory("bfc", 60 * GIB, GIB)
    read_back = ReadBack(job("grow"), None, opened(memory))
    with pytest.raises(MeasuringFailed, match="cnmem=grow was not in force"):
        read_back.done(trained(memory), lambda: None)


def test_what_goes_wrong_in_the_audit_costs_the_count_alone() -> None:
    """The rounds before it are measured already."""

    def audit() -> dict[str, int]:
        raise MeasuringFailed(Outcome("crashed", "the worker died (signal SIGSEGV)"))

    memory = EngineMemory("bfc", GIB // 8, GIB // 9, GIB)
    read_back = ReadBack(job("grow"), None, opened(memory))
    done = read_back.done(trained(memory), audit)
    assert done is not None
    assert done.calls is None
    assert "not counted: the worker died" in read_back.problem


def test_on_a_cpu_there_is_nothing_to_read() -> None:
    read_back = ReadBack(Job("jax", "cpu", 32, 50, None, 1), 7, opened(None))
    assert read_back.done(trained(None), lambda: None) is None


BUSY = State(
    total=80 * GIB,
    free=60 * GIB,
    holders=(Holder(1234, "python3", 19 * GIB), Holder(99, "Xorg", None)),
)


def test_a_pool_that_does_not_fit_names_who_has_the_memory() -> None:
    with pytest.raises(MeasuringFailed) as failure:
        gpu_memory.require(job("1"), BUSY)
    outcome = failure.value.outcome
    assert outcome.kind == "out-of-memory"
    assert outcome.message == (
        "cnmem=1 reserves 77,824 MB, and the GPU has 61,440 MB free of 81,920 MB: "
        "python3 (process 1234) holds 19,456 MB, Xorg (process 99) holds some"
    )
    assert outcome.short == MemoryShort(int(0.95 * 80 * GIB), 60 * GIB)


@pytest.mark.parametrize("cnmem", ["0", "grow", "async", "0.5", "1024"])
def test_one_that_fits_beside_others_is_let_go_on(cnmem: str) -> None:
    gpu_memory.require(job(cnmem), BUSY)


def test_without_a_driver_nothing_is_required() -> None:
    gpu_memory.require(job("1"), None)


def test_out_of_memory_is_told_with_setting_figures_and_holders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu_memory, "read", lambda: BUSY)
    short = MemoryShort(2048 * MEBIBYTE, 100 * MEBIBYTE)
    outcome = Outcome("out-of-memory", "out of memory: it said so", short=short)
    told = readback.explained(job("0"), outcome, pid=99).outcome
    assert told.message == (
        "out of memory: it said so (cnmem=0, asked for 2,048 MB, 100 MB free: "
        "python3 (process 1234) holds 19,456 MB)"
    )
    assert told.short == short


def test_other_outcomes_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_memory, "read", lambda: BUSY)
    crashed = Outcome("crashed", "the worker died")
    assert readback.explained(job("0"), crashed, pid=None).outcome == crashed
    on_cpu = Job("jax", "cpu", 32, 50, None, 1)
    short = Outcome("out-of-memory", "out of memory: the machine's")
    assert readback.explained(on_cpu, short, pid=None).outcome == short

"""The search for the largest batch: what it finds, and in how many probes."""

import random
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.frontier import (
    MOST,
    RESOLUTION,
    Frontier,
    guess,
    most_images,
    search,
)
from benchmarks.outcomes import MeasuringFailed, Outcome
from benchmarks.probes import Prober
from histocnn.job import Job


@dataclass(frozen=True)
class Probe:
    batch: int
    fits: bool


def found(edge: int, start: int, most: int = MOST) -> Frontier[Probe]:
    """Search where batches up to ``edge`` fit."""
    return search(lambda batch: Probe(batch, batch <= edge), start, most)


def case(size: int = 64, engine: str = "torch", cnmem: str = "1", **job: Any) -> Job:
    return Job(engine, "cuda", size, 1, cnmem=cnmem, cores=1, images=1, **job)


@pytest.mark.parametrize("seed", range(20))
def test_the_largest_batch_is_found_within_the_resolution(seed: int) -> None:
    """From whatever start; both sides were run, and no batch twice."""
    chance = random.Random(seed)
    edge, start = (int(2 ** chance.uniform(0, 15.9)) for _ in range(2))
    frontier = found(edge, start)
    assert frontier.largest is not None
    assert frontier.refused is not None
    largest, refused = frontier.largest.batch, frontier.refused.batch
    assert largest <= edge < refused
    assert refused - largest <= max(1, RESOLUTION * largest)
    batches = [probe.batch for probe in frontier.probes]
    assert {largest, refused} <= set(batches)
    assert len(set(batches)) == len(batches)


def test_a_good_guess_takes_six_or_seven_probes() -> None:
    """Within a factor of two either way; each further factor takes one more."""
    for edge in range(64, 8192, 37):
        for factor, most in ((1.0, 7), (0.51, 7), (1.99, 7), (0.26, 8), (3.9, 8)):
            assert len(found(edge, int(edge * factor)).probes) <= most
    even = [len(found(edge, 512).probes) for edge in range(256, 1024)]
    assert max(even) == 6


def test_a_start_far_off_is_halved_or_doubled() -> None:
    """Too high by 1000 and too low by 1000."""
    assert [probe.batch for probe in found(3, 4096).probes][:11] == [
        4096 >> n for n in range(11)
    ]
    low = found(5000, 5)
    assert [probe.batch for probe in low.probes][:11] == [5 << n for n in range(11)]
    assert len(low.probes) <= 16


@pytest.mark.parametrize("start", [1, 2, 3, 100])
def test_small_batches_are_found_exactly(start: int) -> None:
    """Below 16 the next one is refused."""
    for edge in range(1, 16):
        frontier = found(edge, start)
        assert frontier.largest == Probe(edge, True)
        assert frontier.refused == Probe(edge + 1, False)


def test_where_not_even_one_image_fits_there_is_no_largest() -> None:
    frontier = found(0, 100)
    assert frontier.largest is None
    assert frontier.refused == Probe(1, False)
    assert found(0, 1).probes == (Probe(1, False),)


@pytest.mark.parametrize("start", [1, 900, 1000, 5000])
def test_the_most_is_not_passed(start: int) -> None:
    """What fits up to there has nothing that refused it."""
    frontier = found(10**6, start, most=1000)
    assert frontier.largest == Probe(1000, True)
    assert frontier.refused is None
    assert found(10**6, 7, most=1).probes == (Probe(1, True),)


def test_what_does_not_change_over_once_ends_and_says_what_was_run() -> None:
    """Near the edge a batch fits or not by chance, as with other algorithms."""
    for seed in range(200):
        chance = random.Random(seed)
        edge = chance.randint(50, 5000)

        def probe(
            batch: int, chance: random.Random = chance, edge: int = edge
        ) -> Probe:
            return Probe(batch, batch <= edge * chance.uniform(0.7, 1.3))

        frontier = search(probe, chance.randint(1, 9000), MOST)
        assert frontier.largest in frontier.probes
        assert frontier.refused in frontier.probes
        assert frontier.largest is not None
        assert frontier.refused is not None
        assert frontier.largest.batch < frontier.refused.batch
        assert len(frontier.probes) < 25


def test_the_guess_is_the_nearest_neighbours_scaled_by_area() -> None:
    """Of the same engine: by settings first, then by size; 0 tells nothing."""
    known = {
        case(32): 4000,
        case(200): 100,
        case(64, cnmem="0"): 5,
        case(64, loop="fused"): 0,
        case(64, engine="jax"): 7,
    }
    assert guess(case(64), known, 0) == 1000
    assert guess(case(180), known, 0) == round(100 * (200 / 180) ** 2)
    assert guess(case(128, cnmem="0"), known, 0) == 1
    assert guess(case(64, loop="fused"), known, 0) == 1000


def test_without_a_neighbour_memory_tells() -> None:
    """An image of 200 px takes some 26 MB of a step."""
    assert guess(case(200), {case(64, engine="jax"): 7}, 4096 * 2**20) == 167
    assert guess(case(200), {}, 2**20) == 1


def test_the_host_bounds_the_batch() -> None:
    """At 200 px an image is 480 kB of float32."""
    assert most_images(case(200), 480_000 * 4 * 100) == 100
    assert most_images(case(32), 10**12) == MOST
    assert most_images(case(200), 1) == 1


def test_a_workers_memory_limit_bounds_it_where_it_is_less() -> None:
    """A container's, by --memory-limit; the host may have less yet."""
    limit = 480_000 * 4 * 50
    assert most_images(case(200), 480_000 * 4 * 100, limit) == 50
    assert most_images(case(200), 480_000 * 4 * 10, limit) == 10


@pytest.mark.parametrize(
    ("message", "is_hosts", "signal"),
    [
        ("MemoryError: ", True, None),
        (
            "_ArrayMemoryError: Unable to allocate 3.00 GiB for an array with",
            True,
            None,
        ),
        ("RuntimeError: std::bad_alloc (cnmem=1, 80 MB free: gpu-burn)", True, None),
        (
            "RuntimeError: [enforce fail at alloc_cpu.cpp:127] data. "
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
            True,
            None,
        ),
        ("the kernel killed the worker for what it used", True, "SIGKILL"),
        ("MemoryError: (cnmem=1, 80 MB free: pid 9, gpu-burn)", True, None),
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate", False, None),
        ("MemoryError: cnmem=9 asks to allocate 9 bytes of a GPU that", False, None),
        ("MemoryError: GpuAlloc: Error memsetting 9 element", False, None),
        ("RuntimeError: std::bad_alloc: cudaErrorMemoryAllocation", False, None),
        ("GpuArrayException: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY", False, None),
    ],
)
def test_only_the_gpus_memory_refuses_a_batch(
    message: str, is_hosts: bool, signal: str | None
) -> None:
    """What the host lacks fails the case, and says so."""
    outcome = Outcome("out-of-memory", f"out of memory: {message}", signal)
    prober = Prober(_Refusing(outcome), case(), 9)  # type: ignore[arg-type]
    if is_hosts:
        with pytest.raises(
            MeasuringFailed, match="batch 7: the host, not the GPU, ran"
        ):
            prober.probe(7)
    else:
        assert prober.probe(7).outcome == outcome


@dataclass(frozen=True)
class _Refusing:
    """Stands in for a suite whose launches all come to ``outcome``."""

    outcome: Outcome
    timeout: float = 1.0

    def launch(self, *_arguments: Any, **_options: Any) -> None:
        raise MeasuringFailed(self.outcome)

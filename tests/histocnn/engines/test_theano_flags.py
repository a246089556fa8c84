"""What the Theano engine asks for, before any Theano is loaded."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from histocnn.engines import theano
from histocnn.job import Job
from histocnn.memory import MEBIBYTE
from histocnn.theano1.loading import GpuPool, join_flags, pool_of

CACHE = Path("/cache")


def job(cnmem: str | None, cores: int = 4) -> Job:
    """A case on the GPU for a pool, else on the CPU."""
    return Job("theano", "cuda" if cnmem else "cpu", 64, 20, cnmem, cores)


@pytest.mark.parametrize(
    ("cnmem", "preallocate"),
    [("0", "-1"), ("grow", "0"), ("0.5", "0.5"), ("1", "0.95"), ("4096", "4096")],
)
def test_cnmem_becomes_preallocate(cnmem: str, preallocate: str) -> None:
    """Theano 1.0's twist: 0 keeps the cache on, only a negative value is 'off'."""
    flags = theano.environment(job(cnmem), CACHE)["THEANO_FLAGS"].split(",")
    assert f"gpuarray.preallocate={preallocate}" in flags
    assert "device=cuda" in flags


@pytest.mark.parametrize(
    ("cnmem", "preallocate"),
    [("0", "-1"), ("grow", "0"), ("0.5", "2048"), ("1", "3891.2"), ("512", "512")],
)
def test_a_fraction_is_one_of_the_memory_that_the_gpu_is_made_to_have(
    cnmem: str, preallocate: str
) -> None:
    """In megabytes: Theano itself knows of the whole GPU alone."""
    capped = replace(job(cnmem), gpu_memory=4096)
    flags = theano.environment(capped, CACHE)["THEANO_FLAGS"].split(",")
    found = [flag for flag in flags if flag.startswith("gpuarray.preallocate=")]
    assert [float(flag.partition("=")[2]) for flag in found] == [
        pytest.approx(float(preallocate), abs=0.01)
    ]


@pytest.mark.parametrize(
    ("said", "pool"),
    [
        (
            "Can not use cuDNN on context None: Disabled by dnn.enabled flag\n"
            "Preallocating 77480/81559 Mb (0.950000) on cuda\n",
            GpuPool("libgpuarray", 77480 * MEBIBYTE),
        ),
        (
            "Disabling allocation cache on cuda\nMapped name None to device cuda: …",
            GpuPool("libgpuarray, no cache", 0),
        ),
        ("Mapped name None to device cuda: NVIDIA …", GpuPool("libgpuarray", 0)),
    ],
)
def test_the_pool_is_what_theano_said(said: str, pool: GpuPool) -> None:
    """It prints what it has done once it has done it, and nothing where it grows."""
    assert pool_of(said) == pool


def test_a_cpu_case_has_no_pool() -> None:
    """Nothing of the GPU stands in its flags."""
    flags = theano.environment(job(None), CACHE)["THEANO_FLAGS"]
    assert "device=cpu" in flags
    assert "gpuarray" not in flags


def test_convolutions_have_the_threads_and_blas_has_one() -> None:
    """Both would fight for the same cores."""
    variables = theano.environment(job(None), CACHE)
    assert variables["OPENBLAS_NUM_THREADS"] == "1"
    assert "openmp=True" in variables["THEANO_FLAGS"]


def test_the_drivers_pool_is_not_offered() -> None:
    """A skip with a reason, no guess."""
    assert "no cnmem=async" in (theano.unsupported(job("async")) or "")
    assert theano.unsupported(job("grow")) is None


def test_commas_inside_a_value_are_escaped() -> None:
    """THEANO_FLAGS is a comma list itself."""
    assert join_flags({"a": "-Wl,-rpath", "b": "1"}) == r"a=-Wl\,-rpath,b=1"


def test_a_missing_compiler_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without g++, and without Python's headers, the engine says what to install."""
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert "install g++" in (theano.lacks(tmp_path / "bin" / "python") or "")
    monkeypatch.setattr(shutil, "which", lambda program: "/usr/bin/g++")
    lacks = theano.lacks(tmp_path / "bin" / "python")
    assert "install python3.11-dev" in (lacks or "")


@pytest.mark.parametrize(
    ("driver", "block", "free"), [(131, 700, 700), (973, 243, 973)]
)
def test_free_is_what_one_array_could_have(
    driver: int, block: int, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a pool whose rest is in use; and of a driver, where there is none."""
    context = SimpleNamespace(free_gmem=driver, largest_memblock=block)
    monkeypatch.setattr(theano, "_gpu", lambda: context)
    runtime = theano.TheanoRuntime(ModuleType("keras"), GpuPool("libgpuarray", 4000))
    assert runtime.free_bytes() == free

"""Theano 1.0.5 under Keras 2.3.1: the paper's GPU engine, on today's Python 3.11.

Both were written for Python ≤ 3.8 and NumPy ≤ 1.19. What they need to run here is all
in this file, each with its reason; nothing of Theano or Keras is patched on disk.
"""

import collections
import collections.abc
import ctypes
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.memory import PoolKind

DISTRIBUTIONS = ("theano", "keras", "numpy", "scipy-openblas32")
DEVICES = ("cpu", "cuda")
# Its convolution works on one image at a time as a matrix, channels first.
DATA_FORMAT = "channels_first"
FLIPS_KERNELS = True

#: BLAS routines that Theano's C++ calls; scipy-openblas32 prefixes them with `scipy_`.
_BLAS_SYMBOLS = (
    *(f"{kind}{name}_" for kind in "sd" for name in ("gemm", "gemv", "dot", "ger")),
    *(f"{kind}{name}_" for kind in "sd" for name in ("scal", "axpy", "copy")),
    "openblas_get_num_threads",
    "openblas_set_num_threads",
)


def unsupported(job: Job) -> str | None:
    """Theano's allocator knows nothing of the driver's stream-ordered pool."""
    if job.pool is not None and job.pool.kind is PoolKind.ASYNC:
        return "Theano has no cnmem=async; its pools are 0, grow, a fraction or MB"
    return None


def lacks(interpreter: Path) -> str | None:
    """Theano writes C++ and compiles it, against Python's headers, as it trains."""
    if shutil.which("g++") is None:
        return "Theano needs a C++ compiler; install g++"
    prefix, version = interpreter.resolve().parents[1], "python3.11"
    if not (prefix / "include" / version / "Python.h").exists():
        return f"Theano needs Python's headers; install {version}-dev"
    return None


def environment(job: Job, cache: Path) -> dict[str, str]:
    """Theano's flags but for those that depend on where its packages lie.

    Its compiled C++ is kept under ``cache``: without it each launch compiles for a
    minute. Cores: the convolutions run image by image on OpenMP threads, so BLAS gets
    one thread; with more, the two pools fight (3.4 times slower on 2 cores).
    """
    flags = {
        "device": job.device,
        "floatX": "float32",
        "openmp": "True",
        "base_compiledir": str(cache / f"theano-{_cpu_features()}"),
    }
    if job.pool is not None:
        flags["gpuarray.preallocate"] = _preallocate(job)
        flags["dnn.enabled"] = "False"  # it knows cuDNN up to version 7
    return {
        "THEANO_FLAGS": _join(flags),
        "THEANORC": os.devnull,  # the user's own settings would change the case
        "KERAS_BACKEND": "theano",
        "KERAS_HOME": str(cache / "keras2"),
        "OPENBLAS_NUM_THREADS": "1",
        # Theano puts hashes of strings into the keys of its compile cache.
        "PYTHONHASHSEED": "0",
        # Theano gives its buffers back after each operation. Under glibc's defaults
        # they go back to the kernel, which clears the pages anew each time: 1.3 times
        # slower on one core, 2.7 times on two, which wait for one page table.
        "MALLOC_MMAP_THRESHOLD_": str(4 * 2**30),
        "MALLOC_TRIM_THRESHOLD_": str(8 * 2**30),
        "PYTHONWARNINGS": "ignore",  # Keras' own `is` with literals, at each import
    }


def _preallocate(job: Job) -> str:
    """`gpuarray.preallocate` for the job's pool: 0 keeps the cache on, below 0 off."""
    pool = job.pool
    if pool is None or pool.kind is PoolKind.OFF:
        return "-1"
    if pool.kind is PoolKind.GROW:
        return "0"
    fraction = pool.reserved_fraction()
    return f"{pool.amount if fraction is None else fraction:.15g}"


def _cpu_features() -> str:
    """A short name for the CPU's instruction set, which `-march=native` compiles for.

    A compile cache may lie on a shared disk, where another CPU must not find it.
    """
    match = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    features = " ".join(sorted(match[1].split())) if match else ""
    return hashlib.sha256(features.encode()).hexdigest()[:8]


def _join(flags: dict[str, str]) -> str:
    """THEANO_FLAGS' syntax, in which a comma inside a value is escaped."""
    return ",".join(
        f"{key}={value}".replace(",", r"\,") for key, value in flags.items()
    )


@dataclass(frozen=True)
class TheanoRuntime:
    """Theano loaded under Keras 2."""

    keras: ModuleType

    def seed(self, seed: int) -> None:
        """Keras 2 shuffles with NumPy's global generator."""
        import numpy as np

        np.random.seed(seed)

    def synchronise(self) -> None:
        """Wait for the GPU; on the CPU a call returns when it is done."""
        from theano.gpuarray import type as gpu

        for context in gpu._context_reg.values():
            context.synchronize()

    def threads(self) -> int:
        """OpenMP's threads, as the library that Theano's C++ uses has them now."""
        from threadpoolctl import threadpool_info

        openmp = [p for p in threadpool_info() if p["user_api"] == "openmp"]
        return max((int(pool["num_threads"]) for pool in openmp), default=1)

    def device_name(self) -> str:
        """The GPU's name; on the CPU Theano has none to tell."""
        from theano.gpuarray import type as gpu

        names = [context.devname for context in gpu._context_reg.values()]
        return ", ".join(name.decode() for name in names) or "cpu"


def load(job: Job) -> TheanoRuntime:
    """Import Theano and Keras 2.3 with what today's Python and NumPy took from them."""
    import scipy_openblas32

    # Theano splits its linker flags at spaces, so no path may stand in them: g++ finds
    # the library by LIBRARY_PATH, and what it compiles finds it loaded already.
    folder, name = scipy_openblas32.get_lib_dir(), scipy_openblas32.get_library()
    known = os.environ.get("LIBRARY_PATH")
    os.environ["LIBRARY_PATH"] = f"{folder}:{known}" if known else folder
    ctypes.CDLL(f"{folder}/lib{name}.so", ctypes.RTLD_GLOBAL)
    defines = " ".join(f"-D{symbol}=scipy_{symbol}" for symbol in _BLAS_SYMBOLS)
    os.environ["THEANO_FLAGS"] += "," + _join(
        {
            # Its default asks NumPy for an attribute that is gone.
            "blas.ldflags": f"-l{name}",
            "gcc.cxxflags": f"-O3 -march=native -w {defines}",
        }
    )
    _restore_collections()
    import keras
    from theano.gof import Op

    _version_ops_without_properties(Op)
    if job.device == "cuda":
        _require_gpu()
    return TheanoRuntime(keras)


def _require_gpu() -> None:
    """Raise where Theano found no GPU: it logs that, and would train on the CPU."""
    from theano import gpuarray

    if gpuarray.pygpu_activated:
        return
    try:
        ctypes.CDLL("libcuda.so")
    except OSError:
        raise InputError(
            "device=cuda needs the NVIDIA driver, and its libcuda.so is not here; give "
            "the container a GPU (NVIDIA Container Toolkit) or install the driver"
        ) from None
    import pygpu

    pygpu.init("cuda")  # says why by raising
    raise RuntimeError("Theano did not take the GPU, although it answers")


def _restore_collections() -> None:
    """Put the abstract base classes back where Python ≤ 3.9 had them too."""
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


def _version_ops_without_properties(op: Any) -> None:
    """Let the compile cache keep operations whose `__props__` is empty.

    Theano takes that empty tuple for 'no version' and compiles them anew in every
    process (`theano/gof/cc.py`, `cmodule_key_`): three modules, 2 s a launch. Nothing
    else reads the attribute after the class is made.
    """
    for child in op.__subclasses__():
        if child.__dict__.get("__props__") == ():
            del child.__props__
        _version_ops_without_properties(child)

"""Theano 1.0.5 under Keras 2.3.1: the paper's GPU engine, on today's Python 3.11."""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from histocnn import cuda, pinning
from histocnn.job import Job
from histocnn.measurement import EngineMemory
from histocnn.memory import MEBIBYTE, PoolKind
from histocnn.theano1 import headers
from histocnn.theano1.fused import FusedEpoch
from histocnn.theano1.loading import GpuPool, join_flags, load_keras

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DISTRIBUTIONS = ("theano", "keras", "numpy", "scipy-openblas32")
DEVICES = ("cpu", "cuda")
# NVRTC of CUDA 12.9 writes PTX, which only a driver of that version translates.
LEAST_DRIVER = (575, 51)
# Its convolution works on one image at a time as a matrix, channels first.
DATA_FORMAT = "channels_first"
FLIPS_KERNELS = True
PRECISIONS = ("float32",)


def unsupported(job: Job) -> str | None:
    """Theano's allocator knows nothing of the driver's stream-ordered pool."""
    if job.pool is not None and job.pool.kind is PoolKind.ASYNC:
        return "Theano has no cnmem=async; its pools are 0, grow, a fraction or MB"
    if job.gpu_memory is not None and 0 < (job.reserved_bytes(0) or 0) <= MEBIBYTE:
        return "Theano takes a pool of 1 MB or less for a share of the GPU"
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

    Its compiled C++ is kept under ``cache``: without it each launch compiles for half a
    minute. Cores: the convolutions run image by image on OpenMP threads, so BLAS gets
    one thread; with more, the two pools fight (3.4 times slower on 2 cores).
    """
    compiled = cache / f"theano-{_cpu_features()}"
    flags = {
        "device": job.device,
        "floatX": "float32",
        "openmp": "True",
        "base_compiledir": str(compiled),
    }
    if job.pool is not None:
        flags["gpuarray.preallocate"] = _preallocate(job)
        flags["dnn.enabled"] = "False"  # it knows cuDNN up to version 7
    return {
        "THEANO_FLAGS": join_flags(flags),
        "THEANORC": os.devnull,  # the user's own settings would change the case
        headers.HEADERS: str(compiled / "headers"),
        "KERAS_BACKEND": "theano",
        "KERAS_HOME": str(cache / "keras2"),
        "OPENBLAS_NUM_THREADS": "1",
        # Theano puts hashes of strings into the keys of its compile cache.
        "PYTHONHASHSEED": "0",
        **pinning.KEEP_FREED_MEMORY,
        "PYTHONWARNINGS": "ignore",  # Keras' own `is` with literals, at each import
    }


def _preallocate(job: Job) -> str:
    """`gpuarray.preallocate` for the job's pool: 0 keeps the cache on, below 0 off."""
    pool = job.pool
    if pool is None or pool.kind is PoolKind.OFF:
        return "-1"
    if pool.kind is PoolKind.GROW:
        return "0"
    if job.gpu_memory is None and (fraction := pool.reserved_fraction()) is not None:
        return f"{fraction:.15g}"
    # Above 1 it is megabytes to Theano, too.
    return f"{(job.reserved_bytes(0) or 0) / MEBIBYTE:.15g}"


def _cpu_features() -> str:
    """A short name for the CPU's instruction set, which `-march=native` compiles for.

    A compile cache may lie on a shared disk, where another CPU must not find it.
    """
    match = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    features = " ".join(sorted(match[1].split())) if match else ""
    return hashlib.sha256(features.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class TheanoRuntime:
    """Theano loaded under Keras 2."""

    keras: ModuleType
    pool: GpuPool

    @property
    def compile_options(self) -> dict[str, Any]:
        """None: nothing that Keras 2.3 hands on to Theano would make it faster."""
        return {}

    def as_input(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> tuple[Any, Any]:
        """The arrays as they are."""
        return images, labels

    def put(self, array: "NDArray[np.float32]") -> Any:
        """A shared variable: on the GPU where there is one, else a copy in memory."""
        import theano

        shared = theano.shared(array)
        self.synchronise()
        return shared

    def free_bytes(self) -> int | None:
        """The largest block of its pool that is free, or what the driver has, if more.

        An array has to lie in one block. libgpuarray tells that block alone, and not
        what the others of its pool come to.
        """
        context = _gpu()
        if context is None:
            return None
        return int(max(context.free_gmem, context.largest_memblock))

    def memory(self) -> EngineMemory | None:
        """What Theano said that it preallocated: its cache tells nothing of its use."""
        if _gpu() is None:
            return None
        return EngineMemory(self.pool.allocator, reserved=self.pool.reserved)

    def compilations(self) -> int:
        """Modules that Theano's functions asked of its compile cache, hits included.

        A function that is made asks for one for each of its operations.
        """
        from theano.gof.cc import get_module_cache

        return sum(get_module_cache().stats)

    def fused(self, model: Any, job: Job) -> FusedEpoch:
        """One Theano function for a step, called for a whole epoch by Theano's C."""
        return FusedEpoch(model, job.batch, job.images // job.batch)

    def seed(self, seed: int) -> None:
        """Keras 2 shuffles with NumPy's global generator."""
        import numpy as np

        np.random.seed(seed)

    def synchronise(self) -> None:
        """Wait for the GPU; on the CPU a call returns when it is done.

        pygpu waits for single arrays only; its context is the driver's primary one.
        """
        if _gpu() is not None:
            with cuda.Context() as context:
                context.synchronise()

    def threads(self) -> int:
        """The larger pool's, OpenMP's or BLAS': of both, one is to have one thread.

        With a GPU none need be there: what counts then is what the host's part may use.
        """
        if _gpu() is not None:
            return len(os.sched_getaffinity(0))
        from threadpoolctl import threadpool_info

        return max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)

    def device_name(self) -> str:
        """The GPU's name; on the CPU Theano has none to tell."""
        context = _gpu()
        return "cpu" if context is None else str(context.devname)


def _gpu() -> Any:
    """Theano's one GPU context; None on the CPU."""
    from theano.gpuarray import type as gpu

    return gpu._context_reg.get(None)


def load(job: Job) -> TheanoRuntime:
    """Import Theano, then Keras 2.3."""
    return TheanoRuntime(*load_keras(job))

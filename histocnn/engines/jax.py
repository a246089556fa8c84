"""JAX under Keras 3: XLA compiles the step, or with `fused` the whole epoch."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from histocnn import cuda
from histocnn.jax0.fused import Fused
from histocnn.job import Job
from histocnn.keras3 import import_keras
from histocnn.measurement import EngineMemory
from histocnn.memory import PoolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DISTRIBUTIONS = ("jax", "jaxlib", "keras", "numpy")
DEVICES = ("cpu", "cuda")
LEAST_DRIVER = (525, 60)  # its packages are CUDA 12's
DATA_FORMAT = "channels_last"
FLIPS_KERNELS = False
PRECISIONS = ("float32", "tf32", "bfloat16")

#: JAX's names for how the factors of float32 products are rounded on a GPU.
_PRODUCTS = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": "float32"}


def unsupported(job: Job) -> str | None:
    """Nothing beyond `DEVICES` and `PRECISIONS`."""
    return None


def lacks(interpreter: Path) -> str | None:
    """Nothing: its packages are complete."""
    return None


def environment(job: Job, cache: Path) -> dict[str, str]:
    """Keras' choice of engine, the device, the pool, and XLA's threads.

    XLA's own pool has as many threads as the process may use CPUs, which is the cores
    axis; there is no variable for it.
    """
    variables = {
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": str(cache / "keras3"),
        "JAX_PLATFORMS": "cuda" if job.device == "cuda" else "cpu",
        "JAX_DEFAULT_MATMUL_PRECISION": _PRODUCTS[job.precision],
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    pool = job.pool
    if pool is None:
        return variables
    match pool.kind:
        case PoolKind.OFF:
            variables["XLA_PYTHON_CLIENT_ALLOCATOR"] = "platform"
        case PoolKind.GROW:
            variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        case PoolKind.ASYNC:
            variables["XLA_PYTHON_CLIENT_ALLOCATOR"] = "cuda_async"
            variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        case _:
            pass  # a share of the GPU's memory: `load` sees the GPU
    return variables


def _fraction(job: Job) -> float | None:
    """The share of the GPU's whole memory to reserve, as JAX takes it, if any."""
    if job.reserved_bytes(1) is None:
        return None  # without asking the driver, which makes a context
    _, total = cuda.memory()
    reserved = job.reserved_bytes(total)
    assert reserved is not None
    if reserved >= total:
        raise MemoryError(
            f"cnmem={job.cnmem} asks to allocate {reserved} bytes of a GPU that has "
            f"{total}"
        )
    return reserved / total


@dataclass(frozen=True)
class JaxRuntime:
    """JAX loaded under Keras 3."""

    keras: ModuleType
    jax: Any
    #: Grows by one with each compilation (`jax.monitoring`).
    compiled: list[float]

    @property
    def compile_options(self) -> dict[str, Any]:
        """Nothing: Keras compiles its step with JAX as it is."""
        return {}

    def as_input(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> tuple[Any, Any]:
        """The arrays as they are."""
        return images, labels

    def put(self, array: "NDArray[np.float32]") -> Any:
        """A device array of its own, also where host and device share memory."""
        return self.jax.device_put(array, may_alias=False).block_until_ready()

    def free_bytes(self) -> int | None:
        """What the pool may still hand out, or without one what the GPU has free."""
        device = self.jax.devices()[0]
        if device.platform == "cpu":
            return None
        stats = device.memory_stats()
        if stats and stats.get("bytes_limit"):
            return int(stats["bytes_limit"] - stats["bytes_in_use"])
        free, _ = cuda.memory()
        return free

    def memory(self) -> EngineMemory | None:
        """As the device's allocator counts; the platform's, CUDA itself, does not."""
        device = self.jax.devices()[0]
        if device.platform == "cpu":
            return None
        stats = device.memory_stats() or {}
        allocator = os.environ.get("XLA_PYTHON_CLIENT_ALLOCATOR", "bfc")
        return EngineMemory(
            allocator,
            reserved=stats.get("pool_bytes"),
            in_use=stats.get("bytes_in_use"),
            peak=stats.get("peak_bytes_in_use"),
        )

    def compilations(self) -> int:
        """XLA's, as JAX reports them."""
        return len(self.compiled)

    def fused(self, model: Any, job: Job) -> Fused:
        """Keras' stateless calls under one `jit`."""
        return Fused(self.jax, model, job)

    def seed(self, seed: int) -> None:
        """Seed Python and NumPy, with which Keras shuffles."""
        self.keras.utils.set_random_seed(seed)

    def synchronise(self) -> None:
        """Wait for every array that there is: JAX has no barrier of its own."""
        self.jax.block_until_ready(self.jax.live_arrays())

    def threads(self) -> int:
        """Threads of XLA's pool for the inside of operations, counted.

        With a GPU there is none: what counts then is what the host's part may use.
        """
        if self.jax.devices()[0].platform != "cpu":
            return len(os.sched_getaffinity(0))
        count = 0
        for task in Path("/proc/self/task").iterdir():
            # It may end meanwhile.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                count += (task / "comm").read_text().startswith("tf_XLAEigen")
        return count

    def device_name(self) -> str:
        """The first device's kind, e.g. ``NVIDIA H100 80GB HBM3``."""
        return str(self.jax.devices()[0].device_kind)


def load(job: Job) -> JaxRuntime:
    """Import JAX, count its compilations from now on, then import Keras."""
    if (fraction := _fraction(job)) is not None:
        os.environ["XLA_CLIENT_MEM_FRACTION"] = f"{fraction:.9g}"
    import jax

    compiled: list[float] = []

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    if job.device == "cuda":
        # Or it would open all that it sees, and reserve its pool on each.
        jax.config.update("jax_cuda_visible_devices", "0")
    keras = import_keras()
    if job.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    return JaxRuntime(keras, jax, compiled)

"""JAX under Keras 3: XLA compiles the step, or with `fused` the whole epoch."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from histocnn import cuda
from histocnn.job import Job
from histocnn.memory import LARGEST_FRACTION, MEBIBYTE, MemoryPool, PoolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DISTRIBUTIONS = ("jax", "jaxlib", "keras", "numpy")
DEVICES = ("cpu", "cuda")
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


def _fraction(pool: MemoryPool) -> float | None:
    """The share of the GPU's whole memory to reserve, as JAX takes it, if any."""
    if pool.kind is PoolKind.MEGABYTES:
        _, total = cuda.memory()
        return min(pool.amount * MEBIBYTE / total, LARGEST_FRACTION)
    return pool.reserved_fraction()


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

    def compilations(self) -> int:
        """XLA's, as JAX reports them."""
        return len(self.compiled)

    def fused(self, model: Any, job: Job) -> "Fused":
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
            with contextlib.suppress(FileNotFoundError):  # it ended meanwhile
                count += (task / "comm").read_text().startswith("tf_XLAEigen")
        return count

    def device_name(self) -> str:
        """The first device's kind, e.g. ``NVIDIA H100 80GB HBM3``."""
        return str(self.jax.devices()[0].device_kind)


class Fused:
    """Keras' model, loss and Adam in one compiled call an epoch.

    On a CPU one call a step: XLA does not thread the convolutions inside a loop there,
    and an epoch in a `scan` takes ten times as long. The steps follow each other
    without waiting, so little is lost.
    """

    def __init__(self, jax: Any, model: Any, job: Job) -> None:
        """Take the model's weights over; nothing is compiled before the first run."""
        self._jax = jax
        self._steps = job.images // job.batch
        self._batch = job.batch
        model.optimizer.build(model.trainable_variables)
        parts = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
        # Copies: what is donated to a call is gone after it, and the model keeps its.
        self._state = jax.tree.map(
            lambda variable: jax.numpy.array(variable.value, copy=True),
            tuple(list(part) for part in parts),
        )
        self.notes: tuple[str, ...] = ()
        if job.device == "cpu":
            self.notes = (
                "compiled by the step: XLA runs a convolution inside a loop on one "
                "thread of a CPU",
            )
        step = _keras_step(jax, model)
        self._run_step = jax.jit(step, donate_argnums=0)

        def epoch(state: Any, images: Any, labels: Any, order: Any) -> Any:
            return jax.lax.scan(
                lambda state, chosen: step(state, images, labels, chosen),
                state,
                order.reshape(-1, job.batch),
            )

        self._run_epoch = jax.jit(epoch, donate_argnums=0)
        self._by_step = job.device == "cpu"

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Have these on the device."""
        self._data = self._jax.device_put((images, labels))

    def run(self, order: "NDArray[np.int32]") -> tuple[Any, Any]:
        """Train on the loaded images in the ``order`` given."""
        if not self._by_step:
            self._state, (losses, accuracies) = self._run_epoch(
                self._state, *self._data, order
            )
            return losses, accuracies
        done = []
        for chosen in order.reshape(-1, self._batch):
            self._state, values = self._run_step(self._state, *self._data, chosen)
            done.append(values)
        losses, accuracies = zip(*self._jax.device_get(done), strict=True)
        return losses, accuracies

    def weights(self) -> "list[NDArray[np.float32]]":
        """In the order of `Model.get_weights`: no layer here has untrained ones."""
        weights: list[NDArray[np.float32]] = self._jax.device_get(self._state[0])
        return weights


def _keras_step(jax: Any, model: Any) -> Any:
    """One step of ``model`` as a pure function of its state, for XLA to compile."""

    def loss_of(trained: Any, others: Any, images: Any, labels: Any) -> Any:
        predicted, others = model.stateless_call(trained, others, images, training=True)
        loss = model.compute_loss(images, labels, predicted)
        accuracy = ((predicted > 0.5) == (labels > 0.5)).mean()
        return loss, (others, accuracy)

    def step(state: Any, images: Any, labels: Any, chosen: Any) -> Any:
        trained, others, optimiser = state
        differentiate = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (others, accuracy)), gradients = differentiate(
            trained, others, images[chosen], labels[chosen]
        )
        trained, optimiser = model.optimizer.stateless_apply(
            optimiser, gradients, trained
        )
        return (trained, others, optimiser), (loss, accuracy)

    return step


def load(job: Job) -> JaxRuntime:
    """Import JAX, count its compilations from now on, then import Keras."""
    if job.pool is not None and (fraction := _fraction(job.pool)):
        os.environ["XLA_CLIENT_MEM_FRACTION"] = f"{fraction:.6g}"
    import jax

    compiled: list[float] = []

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    import keras

    if job.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    return JaxRuntime(keras, jax, compiled)

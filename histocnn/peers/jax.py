"""The network in plain JAX, as one writes it without a library of layers."""

from typing import TYPE_CHECKING, Any

from histocnn.engines import Runtime
from histocnn.jax0.fused import BY_STEP
from histocnn.job import Job
from histocnn.model import CONVOLUTIONS, LEARNING_RATE, initial_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def program(job: Job, runtime: Runtime) -> "Epochs":
    """The network with its starting weights."""
    return Epochs(job)


class Epochs:
    """One compiled call an epoch on a GPU, one a step on a CPU.

    On a CPU XLA does not thread the convolutions inside a loop.
    """

    def __init__(self, job: Job) -> None:
        """Draw the weights; nothing is compiled before the first run."""
        import jax
        from jax import numpy as jnp

        self._batch = job.batch
        self._by_step = job.device == "cpu"
        self.notes: tuple[str, ...] = (BY_STEP,) if self._by_step else ()
        weights = jax.tree.map(jnp.asarray, initial_weights(job.size, job.seed))
        zeros = jax.tree.map(jnp.zeros_like, weights)
        self._state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros(()))
        compute = jnp.bfloat16 if job.precision == "bfloat16" else jnp.float32

        def step(state: Any, images: Any, labels: Any, chosen: Any) -> Any:
            return _step(compute, state, images[chosen], labels[chosen])

        def epoch(state: Any, images: Any, labels: Any, order: Any) -> Any:
            return jax.lax.scan(
                lambda state, chosen: step(state, images, labels, chosen),
                state,
                order.reshape(-1, job.batch),
            )

        self._step = jax.jit(step, donate_argnums=0)
        self._epoch = jax.jit(epoch, donate_argnums=0)

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Have these on the device."""
        import jax

        self._data = jax.device_put((images, labels))

    def run(self, order: "NDArray[np.int32]") -> tuple[Any, Any]:
        """Train on the loaded images in the ``order`` given."""
        import jax

        if not self._by_step:
            self._state, values = self._epoch(self._state, *self._data, order)
            return values[0], values[1]
        done = []
        for chosen in order.reshape(-1, self._batch):
            self._state, values = self._step(self._state, *self._data, chosen)
            done.append(values)
        losses, accuracies = zip(*jax.device_get(done), strict=True)
        return losses, accuracies

    def weights(self) -> "list[NDArray[np.float32]]":
        """Kernel and bias of each layer in turn."""
        import jax

        held = jax.device_get(self._state[0])
        return [array for layer in held.values() for array in layer]


def _logits(compute: Any, weights: Any, x: Any) -> Any:
    """(batch, size, size, 3) to (batch, 1), computed in the type ``compute``."""
    import jax

    x, cast = x.astype(compute), jax.tree.map(lambda w: w.astype(compute), weights)
    for name in CONVOLUTIONS:
        kernel, bias = cast[name]
        x = jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x + bias)
        window = (1, 2, 2, 1)
        x = jax.lax.reduce_window(
            x, -jax.numpy.inf, jax.lax.max, window, window, "VALID"
        )
    kernel, bias = cast["dense"]
    x = jax.nn.relu(x.reshape(len(x), -1) @ kernel + bias)
    kernel, bias = weights["malignant"]
    return x.astype(kernel.dtype) @ kernel + bias


def _step(compute: Any, state: Any, images: Any, labels: Any) -> Any:
    """One step of Adam on the mean cross-entropy; new state, (loss, accuracy)."""
    import jax
    from jax import numpy as jnp

    weights, first, second, count = state

    def loss_of(weights: Any) -> Any:
        logits = _logits(compute, weights, images)
        # log(1 + exp(z)) - z·y, written so that no exponential overflows.
        loss = jnp.maximum(logits, 0) - logits * labels
        loss += jnp.log1p(jnp.exp(-jnp.abs(logits)))
        return loss.mean(), ((logits > 0) == (labels > 0.5)).mean()

    (loss, accuracy), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
    count += 1
    rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    first = jax.tree.map(lambda m, g: m + 0.1 * (g - m), first, gradients)
    second = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), second, gradients)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second
    )
    return (weights, first, second, count), (loss, accuracy)

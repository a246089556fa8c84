"""An epoch of a Keras model on JAX as one compiled call: the loop `fused`."""

from typing import TYPE_CHECKING, Any

from histocnn.job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The note of a program that is compiled by the step, the peer's too.
BY_STEP = (
    "compiled by the step: XLA runs a convolution inside a loop on one thread of a CPU"
)


class Fused:
    """Keras' model, loss and Adam in one compiled call an epoch.

    On a CPU one call a step: XLA does not thread the convolutions inside a loop there,
    and an epoch in a `scan` takes ten times as long. The steps follow each other
    without waiting, so little is lost.
    """

    def __init__(self, jax: Any, model: Any, job: Job) -> None:
        """Take the model's weights over; nothing is compiled before the first run."""
        self._jax = jax
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
        self._by_step = job.device == "cpu"
        self.notes: tuple[str, ...] = (BY_STEP,) if self._by_step else ()
        step = _keras_step(jax, model)
        self._run_step = jax.jit(step, donate_argnums=0)

        def epoch(state: Any, images: Any, labels: Any, order: Any) -> Any:
            return jax.lax.scan(
                lambda state, chosen: step(state, images, labels, chosen),
                state,
                order.reshape(-1, job.batch),
            )

        self._run_epoch = jax.jit(epoch, donate_argnums=0)

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

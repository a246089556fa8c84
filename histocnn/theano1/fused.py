"""A Keras 2.3 model's epoch on Theano: one compiled step, repeated without Python."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FusedEpoch:
    """A compiled Keras 2.3 model's training step, its images on the device.

    Theano compiles functions, and its `scan` would copy every weight at each step; but
    a function without inputs is called many times over by its C code, without Python
    between. So all that changes between steps is shared: which step it is, the order
    of the images, the losses so far.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, model: Any, batch: int, steps: int) -> None:
        """For epochs of at most ``steps`` steps of ``batch`` images each."""
        import numpy as np
        import theano

        self._model = model
        self._batch = batch
        # Theano keeps scalars on the host, where slices want them.
        self._step = theano.shared(np.zeros((), np.int64))
        self._order = theano.shared(np.zeros(batch, np.int32))
        self._images, self._labels = (
            theano.shared(np.zeros((0,) * placeholder.ndim, np.float32))
            for (placeholder,) in (model._feed_inputs, model._feed_targets)
        )
        self._losses, self._accuracies = (
            theano.shared(np.zeros(steps, np.float32)) for _ in range(2)
        )
        self._function = self._compile()

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Put them on the device; on the CPU they are used where they are."""
        self._images.set_value(images, borrow=True)
        self._labels.set_value(labels, borrow=True)

    def run(
        self, order: "NDArray[np.int32]"
    ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """Train in ``order``, (n,); losses and accuracies, (n / batch,) each."""
        import numpy as np

        steps = len(order) // self._batch
        self._order.set_value(order)
        self._step.set_value(np.zeros((), np.int64))
        self._function.fn(n_calls=steps)
        return self._losses.get_value()[:steps], self._accuracies.get_value()[:steps]

    def weights(self) -> "list[NDArray[np.float32]]":
        """The model's own: they are Theano's shared variables, updated in place."""
        weights: list[NDArray[np.float32]] = self._model.get_weights()
        return weights

    def _compile(self) -> Any:
        """What `Model._make_train_function` builds, fed from the shared variables."""
        import theano
        from theano import tensor

        model, start = self._model, self._step * self._batch
        chosen = self._order[start : start + self._batch]
        givens = {
            model._feed_inputs[0]: self._images[chosen],
            model._feed_targets[0]: self._labels[chosen],
        } | {
            weights: tensor.ones((self._batch,), weights.dtype)
            for weights in model._feed_sample_weights
        }
        if model._uses_dynamic_learning_phase():
            from keras import backend

            phase = backend.learning_phase()
            givens[phase] = tensor.ones((), phase.dtype)
        updates = dict(
            model.updates
            + model.optimizer.get_updates(
                params=model._collected_trainable_weights, loss=model.total_loss
            )
        )
        for sofar, now in (
            (self._losses, model.total_loss),
            (self._accuracies, _of_this_batch(model.metrics[-1])),
        ):
            updates[sofar] = tensor.set_subtensor(
                sofar[self._step], tensor.cast(now, sofar.dtype)
            )
        updates[self._step] = self._step + 1
        return theano.function([], updates=updates, givens=givens, name="fused_step")


def _of_this_batch(metric: Any) -> Any:
    """A Keras metric's value as if it had been reset before this step.

    Keras 2.3 on Theano keeps running sums, and divides them in a function of its own.
    """
    import theano

    reset = {weight: theano.tensor.zeros_like(weight) for weight in metric.weights}
    summed = {sum_: theano.clone(new, replace=reset) for sum_, new in metric.updates}
    return theano.clone(metric._call_result, replace=summed)

"""One training step of a Keras model as a function of tensors, for PyTorch to record.

Each maker's step takes the tensors of `state_of`, the images, their labels, and which
of them the batch has, (batch,); it returns the batch's loss and accuracy.
"""

import math
from collections.abc import Sequence
from typing import Any


def state_of(model: Any) -> list[Any]:
    """All that a step reads and writes: the weights, then the optimiser's variables."""
    return [variable.value for variable in _variables(model)]


def gradients_of(keras: Any, torch: Any, model: Any) -> Any:
    """The step without its update: it changes nothing and returns the gradients too."""
    trained = model.trainable_variables

    def step(state: Sequence[Any], images: Any, labels: Any, chosen: Any) -> Any:
        x, y = images[chosen], labels[chosen]
        weights = state[: len(trained)]
        mapping = list(zip(trained, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            predicted = model(x, training=True)
            loss = model.compute_loss(x, y, predicted)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            accuracy = ((predicted > 0.5) == (y > 0.5)).float().mean()
        return loss.detach(), accuracy, *gradients

    return step


def by_keras(keras: Any, torch: Any, model: Any) -> Any:
    """The whole step, its update by Keras' optimiser, in place."""
    differentiate = gradients_of(keras, torch, model)
    trained, variables = model.trainable_variables, _variables(model)

    def step(state: Sequence[Any], images: Any, labels: Any, chosen: Any) -> Any:
        loss, accuracy, *gradients = differentiate(state, images, labels, chosen)
        mapping = list(zip(variables, state, strict=True))
        with torch.no_grad():
            with keras.StatelessScope(state_mapping=mapping) as scope:
                model.optimizer.apply(gradients, trained)
            # Adam itself writes in place; its counter is a new tensor.
            for variable, tensor in mapping:
                value = scope.get_current_value(variable)
                if value is not None and value is not tensor:
                    tensor.copy_(value)
        return loss, accuracy

    return step


def by_one_kernel(torch: Any, model: Any, differentiate: Any) -> Any:
    """The whole step, its update by PyTorch's one kernel for Adam, in place.

    ``differentiate`` is what was made of `gradients_of`. The kernel adds epsilon after
    it has corrected the second moment, Keras adds it before: the same where epsilon is
    divided by the correction, step by step.
    """
    adam, trained = model.optimizer, model.trainable_variables
    weights = [variable.value for variable in trained]
    named: dict[str, list[Any]] = {"momentum": [], "velocity": []}
    for variable in adam.variables:
        named.setdefault(variable.name.rpartition("_")[2], []).append(variable.value)
    rate, iterations = float(adam.learning_rate), adam.iterations.value
    count = torch.full((), float(iterations))

    def step(state: Sequence[Any], images: Any, labels: Any, chosen: Any) -> Any:
        loss, accuracy, *gradients = differentiate(state, images, labels, chosen)
        count.add_(1)
        iterations.add_(1)
        correction = math.sqrt(1 - adam.beta_2 ** float(count))
        torch._fused_adam_(
            weights,
            # Laid out as the weights are.
            [gradient.contiguous() for gradient in gradients],
            named["momentum"],
            named["velocity"],
            [],
            [count] * len(weights),
            lr=rate,
            beta1=adam.beta_1,
            beta2=adam.beta_2,
            weight_decay=0.0,
            eps=adam.epsilon / correction,
            amsgrad=False,
            maximize=False,
        )
        return loss, accuracy

    return step


def _variables(model: Any) -> list[Any]:
    return [*model.trainable_variables, *model.optimizer.variables]

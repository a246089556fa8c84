"""An epoch of a Keras model on PyTorch without Keras in between: the loop `fused`."""

import math
import os
import shutil
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histocnn.job import Job
from histocnn.memory import PoolKind
from histocnn.torch_graph import improve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class Traces:
    """How many times a program was traced or captured in this process."""

    count: int = 0


class Fused:
    """One training step of the Keras model as a graph of PyTorch's own operations.

    `make_fx` records what the model, its loss, their derivative and the optimiser do to
    tensors; what runs after is that record, without Keras and without autograd. On a
    GPU `torch.compile` makes kernels of it, and all steps of an epoch are captured in
    one CUDA graph, so that the CPU speaks to the GPU once an epoch.
    """

    def __init__(
        self, keras: Any, torch: Any, model: Any, job: Job, traces: Traces
    ) -> None:
        """Nothing is traced before the first run; ``traces`` counts it."""
        self._keras = keras
        self._torch = torch
        self._traces = traces
        self._device = job.device
        self._model = model
        self._job = job
        self._batch = job.batch
        self._step: Any = None
        self._graph: Any = None
        self._images: Any = None
        model.optimizer.build(model.trainable_variables)
        self.notes: tuple[str, ...] = ()
        pool = job.pool
        self._captures = pool is not None and pool.kind is not PoolKind.OFF
        self._compiles = False
        if job.device == "cuda":
            lack = why_no_compiler()
            self._compiles = lack is None
            if lack:
                self.notes += (f"not compiled: {lack}",)
        if pool is not None and not self._captures:
            self.notes += (
                "no CUDA graph: with cnmem=0 every allocation asks the driver, which a "
                "graph cannot record",
            )

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Have these on the device, in the `memory_format` of the job."""
        torch = self._torch
        if self._images is None:
            self._images = torch.empty(
                images.shape,
                device=self._device,
                memory_format=memory_format(torch, self._job),
            )
            self._labels = torch.empty(labels.shape, device=self._device)
        self._images.copy_(torch.from_numpy(images))
        self._labels.copy_(torch.from_numpy(labels))

    def run(self, order: "NDArray[np.int32]") -> tuple[Any, Any]:
        """Train on the loaded images in the ``order`` given."""
        torch = self._torch
        chosen = torch.from_numpy(order)
        with torch.no_grad():
            if self._step is None:
                self._trace(chosen)
            if not self._captures:
                losses, accuracies = self._epoch(chosen.to(self._device))
            else:
                if self._graph is None:
                    self._capture(chosen)
                self._order.copy_(chosen)
                self._graph.replay()
                losses, accuracies = self._results
        return losses.cpu(), accuracies.cpu()

    def weights(self) -> "list[NDArray[np.float32]]":
        """The model's: the step changes its variables in place."""
        weights: list[NDArray[np.float32]] = self._model.get_weights()
        return weights

    def _trace(self, order: Any) -> None:
        """Record a step; what it changes in place while it is recorded is put back."""
        from torch.fx.experimental.proxy_tensor import make_fx

        self._traces.count += 1
        self._state = _tensors(self._model)
        before = [tensor.clone() for tensor in self._state]
        chosen = order[: self._batch].to(self._device)
        with self._torch.enable_grad():
            self._step = make_fx(self._recorded())(
                self._state, self._images, self._labels, chosen
            )
        improve(self._step)
        if self._compiles:
            self._step = compiled(self._torch, self._step)
        if self._device == "cpu":
            self._step = self._with_adam(self._step)
        for tensor, value in zip(self._state, before, strict=True):
            tensor.copy_(value)

    def _recorded(self) -> Any:
        """What is recorded: on a CPU all but Adam, which has one kernel there."""
        if self._device == "cpu":
            return _keras_gradients(self._keras, self._torch, self._model)
        return _keras_step(self._keras, self._torch, self._model)

    def _with_adam(self, gradients_of: Any) -> Any:
        """The step that updates by PyTorch's one kernel for Adam.

        It adds epsilon after it has corrected the second moment, Keras adds it before:
        the same where epsilon is divided by the correction, step by step.
        """
        torch, adam = self._torch, self._model.optimizer
        weights = self._state[: len(self._model.trainable_variables)]
        named: dict[str, list[Any]] = {"momentum": [], "velocity": []}
        for variable in adam.variables:
            named.setdefault(variable.name.rpartition("_")[2], []).append(
                variable.value
            )
        rate, iterations = float(adam.learning_rate), adam.iterations.value
        count = torch.full((), float(iterations))

        def step(state: Any, images: Any, labels: Any, chosen: Any) -> Any:
            loss, accuracy, *gradients = gradients_of(state, images, labels, chosen)
            count.add_(1)
            iterations.add_(1)
            correction = math.sqrt(1 - adam.beta_2 ** float(count))
            torch._fused_adam_(
                weights,
                gradients,
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

    def _epoch(self, order: Any) -> tuple[Any, Any]:
        done = [
            self._step(self._state, self._images, self._labels, chosen)
            for chosen in order.split(self._batch)
        ]
        losses, accuracies = zip(*done, strict=True)
        return self._torch.stack(losses), self._torch.stack(accuracies)

    def _capture(self, order: Any) -> None:
        """Record an epoch on the GPU; what the rehearsal trained is put back."""
        torch = self._torch
        self._traces.count += 1
        self._order = order.to(self._device)
        before = [tensor.clone() for tensor in self._state]
        # Libraries set themselves up in their first calls, which no graph may hold.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._epoch(self._order[: 2 * self._batch])
        torch.cuda.current_stream().wait_stream(side)
        for tensor, value in zip(self._state, before, strict=True):
            tensor.copy_(value)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._results = self._epoch(self._order)


def memory_format(torch: Any, job: Job) -> Any:
    """How images and maps are fastest to lie in memory.

    The channels of a pixel side by side, but for strict float32 on a GPU: what cuDNN
    has for that works on whole planes (H100, 200 px, batch 50: 15,400 images/s against
    13,900). Twice as fast on a CPU, and what the GPU's matrix units need.
    """
    if job.device == "cuda" and job.precision == "float32":
        return torch.contiguous_format
    return torch.channels_last


def why_no_compiler() -> str | None:
    """What `torch.compile` lacks here to write GPU kernels; None where it can."""
    from importlib.util import find_spec

    if find_spec("triton") is None:
        return "there is no Triton here"
    if not any(map(shutil.which, (os.environ.get("CC", ""), "cc", "gcc", "clang"))):
        return "there is no C compiler here, which Triton needs"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers are not here, which Triton needs"
    return None


def compiled(torch: Any, function: Any) -> Any:
    """``function`` compiled for a GPU, its tensors left in the layout they have."""
    return torch.compile(
        function, dynamic=False, options={"layout_optimization": False}
    )


def _tensors(model: Any) -> list[Any]:
    """All that a step reads and writes: the weights, then the optimiser's variables."""
    variables = [*model.trainable_variables, *model.optimizer.variables]
    return [variable.value for variable in variables]


def _keras_step(keras: Any, torch: Any, model: Any) -> Any:
    """One step of ``model`` that changes the tensors of ``state`` in place."""
    trained = model.trainable_variables
    variables = [*trained, *model.optimizer.variables]

    def step(state: Sequence[Any], images: Any, labels: Any, chosen: Any) -> Any:
        x, y = images[chosen], labels[chosen]
        mapping = list(zip(variables, state, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            predicted = model(x, training=True)
            loss = model.compute_loss(x, y, predicted)
            gradients = torch.autograd.grad(loss, state[: len(trained)])
            with torch.no_grad():
                model.optimizer.apply(list(gradients), trained)
        with torch.no_grad():
            # Adam itself writes in place; its counter is a new tensor.
            for variable, tensor in mapping:
                value = scope.get_current_value(variable)
                if value is not None and value is not tensor:
                    tensor.copy_(value)
            accuracy = ((predicted > 0.5) == (y > 0.5)).float().mean()
        return loss.detach(), accuracy

    return step


def _keras_gradients(keras: Any, torch: Any, model: Any) -> Any:
    """Loss, accuracy and the gradients, laid out as the weights are."""
    trained = model.trainable_variables

    def gradients_of(state: Any, images: Any, labels: Any, chosen: Any) -> Any:
        x, y = images[chosen], labels[chosen]
        weights = state[: len(trained)]
        mapping = list(zip(trained, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            predicted = model(x, training=True)
            loss = model.compute_loss(x, y, predicted)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            accuracy = ((predicted > 0.5) == (y > 0.5)).float().mean()
            return loss.detach(), accuracy, *(one.contiguous() for one in gradients)

    return gradients_of

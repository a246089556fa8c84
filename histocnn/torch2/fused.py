"""An epoch of a Keras model on PyTorch without Keras in between: the loop `fused`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from histocnn.job import Job
from histocnn.torch2.capture import Capturing, why_no_graph
from histocnn.torch2.device import compiled, memory_format, why_no_compiler
from histocnn.torch2.graph import improve
from histocnn.torch2.steps import by_keras, by_one_kernel, gradients_of, state_of

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
        self,
        keras: Any,
        torch: Any,
        model: Any,
        job: Job,
        traces: Traces,
        capturing: Capturing | None,
    ) -> None:
        """Nothing is traced before the first run; ``traces`` counts it.

        ``capturing`` makes the graph; None where there is to be none.
        """
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
        self._capturing = capturing
        self._compiles = False
        if job.device == "cuda":
            lack = why_no_compiler()
            self._compiles = lack is None
            if lack:
                self.notes += (f"not compiled: {lack}",)
        if lack := why_no_graph(job):
            self.notes += (lack,)

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
            if self._capturing is None:
                losses, accuracies = self._epoch(chosen.to(self._device))
            else:
                if self._graph is None:
                    self._capture(self._capturing, chosen)
                self._order.copy_(chosen)
                self._graph.replay()
                losses, accuracies = self._results
        return losses.cpu(), accuracies.cpu()

    def weights(self) -> "list[NDArray[np.float32]]":
        """The model's: the step changes its variables in place."""
        weights: list[NDArray[np.float32]] = self._model.get_weights()
        return weights

    def _trace(self, order: Any) -> None:
        """Record a step; on a CPU all of it but Adam, which has one kernel there."""
        from torch.fx.experimental.proxy_tensor import make_fx

        self._traces.count += 1
        on_cpu = self._device == "cpu"
        recorded = gradients_of if on_cpu else by_keras
        step = recorded(self._keras, self._torch, self._model)
        self._state = state_of(self._model)
        chosen = order[: self._batch].to(self._device)
        with _put_back(self._state), self._torch.enable_grad():
            self._step = make_fx(step)(self._state, self._images, self._labels, chosen)
        improve(self._step)
        if self._compiles:
            self._step = compiled(self._torch, self._step)
        if on_cpu:
            self._step = by_one_kernel(self._torch, self._model, self._step)

    def _epoch(self, order: Any) -> tuple[Any, Any]:
        done = [
            self._step(self._state, self._images, self._labels, chosen)
            for chosen in order.split(self._batch)
        ]
        losses, accuracies = zip(*done, strict=True)
        return self._torch.stack(losses), self._torch.stack(accuracies)

    def _capture(self, capturing: Capturing, order: Any) -> None:
        """Record an epoch on the GPU, rehearsed before."""
        self._traces.count += 1
        self._order = order.to(self._device)
        with _put_back(self._state):
            capturing.rehearse(lambda: self._epoch(self._order[: 2 * self._batch]))
        self._graph, self._results = capturing.capture(lambda: self._epoch(self._order))


@contextmanager
def _put_back(tensors: list[Any]) -> Iterator[None]:
    """Let ``tensors`` end as they were, whatever is written to them inside."""
    before = [tensor.clone() for tensor in tensors]
    yield
    for tensor, value in zip(tensors, before, strict=True):
        tensor.copy_(value)

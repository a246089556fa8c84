"""The network in plain PyTorch, as one writes it for speed without a library above."""

from typing import TYPE_CHECKING, Any

from histocnn.engines import Runtime
from histocnn.job import Job
from histocnn.model import (
    CHANNELS,
    CONVOLUTIONS,
    DENSE,
    FILTERS,
    KERNEL,
    LEARNING_RATE,
    POOL,
    feature_side,
    initial_weights,
)
from histocnn.torch2.capture import Capturing, why_no_graph
from histocnn.torch2.device import compiled, memory_format, why_no_compiler

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def program(job: Job, runtime: Runtime) -> "Epochs":
    """The network with its starting weights."""
    return Epochs(job, getattr(runtime, "capturing", None))


class Epochs:
    """Adam in one kernel; on a GPU compiled, and one CUDA graph an epoch.

    PyTorch's Adam adds epsilon after correcting the second moment, Keras' before, which
    makes Keras' the larger in the first steps: the losses part by a per mille or so.
    """

    def __init__(self, job: Job, capturing: Capturing | None) -> None:
        """Build network and optimiser on the job's device.

        ``capturing`` makes the graph; None where there is to be none.
        """
        import torch

        self._batch = job.batch
        self._device = job.device
        self._half = job.precision == "bfloat16"
        self._format = memory_format(torch, job)
        self._network = _network(job).to(job.device, memory_format=self._format)
        self._optimiser = torch.optim.Adam(
            self._network.parameters(),
            lr=LEARNING_RATE,
            eps=1e-7,
            fused=True,
            capturable=job.device == "cuda",
        )
        self._forward = self._network
        self.notes: tuple[str, ...] = ()
        if job.device == "cuda" and (lack := why_no_compiler()):
            self.notes = (f"not compiled: {lack}",)
        elif job.device == "cuda":
            self._forward = compiled(torch, self._network)
        if lack := why_no_graph(job):
            self.notes += (lack,)
        self._capturing = capturing
        self._images: Any = None
        self._graph: Any = None

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Have these on the device."""
        import torch

        if self._images is None:
            self._images = torch.empty(
                images.shape, device=self._device, memory_format=self._format
            )
            self._labels = torch.empty(labels.shape, device=self._device)
        self._images.copy_(torch.from_numpy(images))
        self._labels.copy_(torch.from_numpy(labels))

    def run(self, order: "NDArray[np.int32]") -> tuple[Any, Any]:
        """Train on the loaded images in the ``order`` given."""
        import torch

        chosen = torch.from_numpy(order)
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
        """PyTorch's own shapes: (out, in, 3, 3) for convolutions, (out, in) else."""
        return [p.detach().cpu().numpy().copy() for p in self._network.parameters()]

    def _step(self, chosen: Any) -> tuple[Any, Any]:
        import torch

        images, labels = self._images[chosen], self._labels[chosen]
        with torch.autocast(self._device, torch.bfloat16, enabled=self._half):
            logits = self._forward(images)
        logits = logits.float()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        with torch.no_grad():
            accuracy = ((logits > 0) == (labels > 0.5)).float().mean()
        return loss.detach(), accuracy

    def _epoch(self, order: Any) -> tuple[Any, Any]:
        import torch

        done = [self._step(chosen) for chosen in order.split(self._batch)]
        losses, accuracies = zip(*done, strict=True)
        return torch.stack(losses), torch.stack(accuracies)

    def _capture(self, capturing: Capturing, order: Any) -> None:
        """Rehearse, put the weights back, and record an epoch."""
        import torch

        self._order = order.to(self._device)
        parameters = list(self._network.parameters())
        before = [p.detach().clone() for p in parameters]
        capturing.rehearse(lambda: self._epoch(self._order[: 2 * self._batch]))
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)
            for state in self._optimiser.state.values():
                for tensor in state.values():
                    tensor.zero_()
        self._graph, self._results = capturing.capture(lambda: self._epoch(self._order))


def _network(job: Job) -> Any:
    """The layers of `histocnn.model`, with its starting weights."""
    import torch

    nn = torch.nn
    layers: list[Any] = []
    convolutions = []
    channels = CHANNELS
    for filters in FILTERS:
        convolutions.append(nn.Conv2d(channels, filters, KERNEL))
        layers += [convolutions[-1], nn.ReLU(inplace=True), nn.MaxPool2d(POOL)]
        channels = filters
    side = feature_side(job.size)
    dense = nn.Linear(side * side * channels, DENSE)
    malignant = nn.Linear(DENSE, 1)
    layers += [nn.Flatten(), dense, nn.ReLU(inplace=True), malignant]
    weights = initial_weights(job.size, job.seed)
    with torch.no_grad():
        for name, layer in zip(CONVOLUTIONS, convolutions, strict=True):
            kernel, bias = map(torch.from_numpy, weights[name])
            layer.weight.copy_(kernel.permute(3, 2, 0, 1))
            layer.bias.copy_(bias)
        kernel, bias = map(torch.from_numpy, weights["dense"])
        # Keras counts the features row, column, channel; here the channel comes first.
        kernel = kernel.reshape(side, side, channels, DENSE).permute(3, 2, 0, 1)
        dense.weight.copy_(kernel.reshape(DENSE, -1))
        dense.bias.copy_(bias)
        kernel, bias = map(torch.from_numpy, weights["malignant"])
        malignant.weight.copy_(kernel.T)
        malignant.bias.copy_(bias)
    return nn.Sequential(*layers)

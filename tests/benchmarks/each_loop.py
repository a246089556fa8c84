"""Trains one engine by each of its loops, in its own environment, and prints JSON.

`test_equivalence` starts it as the local launcher starts a worker: ``python
each_loop.py JOB ORDER FEW MANY``, two lines of JSON and two folders of prepared images,
of as many as ``ORDER`` is long and of 300.
"""

import hashlib
import json
import math
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histocnn import engines, peers
from histocnn.engines import Engine, Program, Runtime
from histocnn.job import Job
from histocnn.loops import Compiled, Fit
from histocnn.measurement import Epoch
from histocnn.model import CONVOLUTIONS, FILTERS, LAYERS, build_model, feature_side
from histocnn.training import as_training_arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EPOCHS = 4


class Crowded:
    """A runtime whose device has little room left."""

    def __init__(self, runtime: Runtime, free: int) -> None:
        """``free``: bytes."""
        self._runtime = runtime
        self._free = free

    def free_bytes(self) -> int | None:
        """What it was made with."""
        return self._free

    def __getattr__(self, name: str) -> Any:
        """All else is the runtime's own."""
        return getattr(self._runtime, name)


class Trials:
    """Everything that is tried with one loaded engine."""

    def __init__(self, job: Job) -> None:
        """Load the engine of ``job``, whose batch and size are those of all trials."""
        self._job = job
        self._engine: Engine = engines.get(job.engine)
        self._runtime = self._engine.load(job)
        self._loops = ["fused", *(["peer"] if job.engine in peers.names() else [])]

    def _model(self) -> Any:
        """A new Keras model at its starting weights."""
        return build_model(
            self._runtime.keras,
            self._job.size,
            self._engine.DATA_FORMAT,
            self._job.seed,
            flip_kernels=self._engine.FLIPS_KERNELS,
            **self._runtime.compile_options,
        )

    def _program(self, loop: str, job: Job) -> Program:
        job = replace(job, loop=loop)
        if loop == "peer":
            return peers.get(job.engine).program(job, self._runtime)
        return self._runtime.fused(self._model(), job)

    def starts(self) -> dict[str, dict[str, list[str]]]:
        """Digests of the starting weights by loop and layer, as `initial_weights`."""
        model, flips = self._model(), self._engine.FLIPS_KERNELS
        keras = {}
        for name in LAYERS:
            kernel, bias = model.get_layer(name).get_weights()
            turned = flips and name in CONVOLUTIONS
            keras[name] = [digest(kernel[::-1, ::-1] if turned else kernel)]
            keras[name] += [digest(bias)]
        found = {"keras": keras}
        if "peer" in self._loops:
            weights = self._program("peer", self._job).weights()
            if self._job.engine == "torch":
                weights = as_keras_has_them(weights, self._job.size)
            pairs = zip(weights[::2], weights[1::2], strict=True)
            found["peer"] = {
                name: [digest(kernel), digest(bias)]
                for name, (kernel, bias) in zip(LAYERS, pairs, strict=True)
            }
        return found

    def first_epoch(self, order: "NDArray[np.int32]", folder: Path) -> dict[str, Any]:
        """Losses and accuracies of each step of an epoch in ``order``, by loop.

        Behind it, what a larger batch makes the engine compile: Keras' own step, and
        a program made for it.
        """
        job, runtime = self._job, self._runtime
        images, labels = as_training_arrays(folder, self._engine.DATA_FORMAT)
        model, steps = self._model(), []
        for batch in order.reshape(-1, job.batch):
            model.reset_metrics()  # Keras' own figures are running means
            steps.append(model.train_on_batch(images[batch], labels[batch]))
        losses, accuracies = ([float(step[n]) for step in steps] for n in range(2))
        found: dict[str, Any] = {"keras": [losses, accuracies], "notes": {}}
        # A quarter of this is a third of the images.
        crowded: Any = Crowded(runtime, 4 * images.nbytes // 3)
        for loop in self._loops:
            for how, where in (("", runtime), (" streamed", crowded)):
                program = self._program(loop, job)
                trained = Compiled(program, where, job, images, labels)
                found[loop + how] = [kind.tolist() for kind in trained.epoch(order)]
                found["notes"][loop + how] = trained.notes

        if job.engine == "torch":
            found["peer, Keras' epsilon"] = self._with_keras_epsilon(
                order, images, labels
            )
        before = runtime.compilations()
        model.train_on_batch(images[: 2 * job.batch], labels[: 2 * job.batch])
        keras = runtime.compilations() - before
        larger = replace(job, batch=2 * job.batch)
        program = self._program("fused", larger)
        Compiled(program, runtime, larger, images, labels).epoch(order)
        fused = runtime.compilations() - before - keras
        return found | {"new_shape": {"keras": keras, "fused": fused}}

    def _with_keras_epsilon(
        self,
        order: "NDArray[np.int32]",
        images: "NDArray[np.float32]",
        labels: "NDArray[np.float32]",
    ) -> list[list[float]]:
        """The PyTorch peer's steps, its Adam's epsilon turned into Keras' at each.

        PyTorch adds epsilon to √(v / (1 - 0.999ᵗ)), Keras to √v.
        """
        program: Any = self._program("peer", self._job)
        program.load(images, labels)
        losses, accuracies = [], []
        for number, batch in enumerate(order.reshape(-1, self._job.batch), start=1):
            (group,) = program._optimiser.param_groups
            group["eps"] = 1e-7 / math.sqrt(1 - 0.999**number)
            loss, accuracy = program.run(batch)
            losses.append(float(loss))
            accuracies.append(float(accuracy))
        return [losses, accuracies]

    def training(self, images: int, folder: Path) -> dict[str, list[dict[str, Any]]]:
        """The epochs of each loop on ``images`` images, in the loop's own orders."""
        job, runtime = replace(self._job, images=images), self._runtime
        arrays = as_training_arrays(folder, self._engine.DATA_FORMAT)
        found = {}
        for loop in ("fit", *self._loops):
            runtime.seed(job.seed)
            runs: Fit | Compiled
            if loop == "fit":
                runs = Fit(self._model(), runtime, job, *arrays)
            else:
                runs = Compiled(self._program(loop, job), runtime, job, *arrays)
            epochs: list[Epoch] = []
            runs.run(EPOCHS, epochs.append)
            found[loop] = [asdict(epoch) for epoch in epochs]
        return found


def digest(array: Any) -> str:
    """Of an array's shape and every bit of its values."""
    return hashlib.sha256(str(array.shape).encode() + array.tobytes()).hexdigest()


def as_keras_has_them(weights: list[Any], size: int) -> list[Any]:
    """PyTorch's kernels in Keras' axes: a dense layer's features row, column, map."""
    side = feature_side(size)
    turned = []
    for array in weights:
        kernel = array
        if array.ndim == 2 and array.shape[1] == side * side * FILTERS[-1]:
            kernel = array.reshape(len(array), FILTERS[-1], side, side)
        kernel = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel.T
        turned.append(kernel.reshape(-1, len(array)) if array.ndim == 2 else kernel)
    return turned


def main() -> None:
    """Try everything; the last line printed is the outcome."""
    # Before anything starts a thread, as the worker is pinned: JAX has as many.
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    import numpy as np

    job, order, few, many = sys.argv[1:]
    trials = Trials(Job(**json.loads(job)))
    outcome = {
        "starts": trials.starts(),
        "first_epoch": trials.first_epoch(
            np.array(json.loads(order), np.int32), Path(few)
        ),
        "training": trials.training(300, Path(many)),
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()

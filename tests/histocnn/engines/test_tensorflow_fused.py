import json
from dataclasses import asdict
from typing import Any

import pytest

from histocnn.job import Job
from tests.in_environment import printed_by

JOB = Job("tensorflow", "cpu", 32, 10, None, 1, 40, loop="fused")

# Runs in the engine's environment: the same epoch step by step in Keras and fused.
SCRIPT = """
import json
import sys

import numpy as np

from histocnn import engines
from histocnn.job import Job
from histocnn.loops import Compiled, Fit
from histocnn.model import build_model

job = Job(**json.loads(sys.argv[1]))
engine = engines.get(job.engine)
runtime = engine.load(job)
rng = np.random.default_rng(7)
images = rng.random((job.images, job.size, job.size, 3), np.float32)
labels = rng.integers(0, 2, (job.images, 1)).astype(np.float32)
order = np.concatenate([rng.permutation(job.images) for _ in range(2)])
order = order.astype(np.int32)


def model():
    return build_model(
        runtime.keras,
        job.size,
        engine.DATA_FORMAT,
        job.seed,
        flip_kernels=engine.FLIPS_KERNELS,
        **runtime.compile_options,
    )


by_keras = model()
keras_steps = []
for batch in order.reshape(-1, job.batch):
    # A step at a time: Keras' own figures are running means.
    by_keras.reset_metrics()
    keras_steps.append(by_keras.train_on_batch(images[batch], labels[batch]))

program = runtime.fused(model(), job)
halves = []
for half in order.reshape(2, -1):
    # The second half lies turned about: what counts is what was loaded last.
    turn = -1 if halves else 1
    program.load(images[::turn], labels[::turn])
    places = job.images - 1 - half if halves else half
    halves.append([np.asarray(part) for part in program.run(places)])
losses, accuracies = (np.concatenate(parts) for parts in zip(*halves, strict=True))

weights = zip(by_keras.get_weights(), program.weights(), strict=True)
weights_apart = max(float(np.abs(a - b).max()) for a, b in weights)

host = np.zeros(1000, np.float32)
copy = runtime.put(host)
host[:] = 1
copied = not np.asarray(copy).any()

epochs = {}
for name, loop in {
    "fit": Fit(model(), runtime, job, images, labels),
    "fused": Compiled(runtime.fused(model(), job), runtime, job, images, labels),
}.items():
    found = epochs[name] = []
    loop.run(3, lambda epoch: found.append(epoch.compilations))

before = runtime.compilations()
by_keras.train_on_batch(images[:20], labels[:20])
keras_new_shape = runtime.compilations() - before
program.run(order[:20])
print(
    json.dumps(
        {
            "keras_losses": [float(loss) for loss, _ in keras_steps],
            "keras_accuracies": [float(accuracy) for _, accuracy in keras_steps],
            "losses": losses.tolist(),
            "accuracies": accuracies.tolist(),
            "weights_apart": weights_apart,
            "compilations": epochs,
            "keras_new_shape": keras_new_shape,
            "fused_new_shape": runtime.compilations() - before - keras_new_shape,
            "notes": program.notes,
            "copied": copied,
        }
    )
)
"""


@pytest.fixture(scope="module")
def seen() -> Any:
    """What `SCRIPT` found in a process set up as the local launcher sets one up."""
    return printed_by(JOB, "-c", SCRIPT, json.dumps(asdict(JOB)))


def test_the_fused_epoch_is_keras_own_training(seen: dict[str, Any]) -> None:
    """Eight Adam steps in the same order: the same losses, accuracies and weights."""
    assert len(seen["losses"]) == len(seen["keras_losses"]) == 8
    assert seen["losses"] == pytest.approx(seen["keras_losses"], rel=1e-5)
    assert seen["accuracies"] == pytest.approx(seen["keras_accuracies"])
    assert seen["weights_apart"] < 1e-4
    assert seen["notes"] == []


def test_only_the_first_epoch_compiles(seen: dict[str, Any]) -> None:
    """In both loops a steady epoch traces nothing."""
    for first, *steady in seen["compilations"].values():
        assert first >= 1
        assert steady == [0, 0]


def test_a_new_shape_is_seen(seen: dict[str, Any]) -> None:
    """Another batch size is traced anew, by Keras' own functions and by ours."""
    assert seen["keras_new_shape"] >= 1
    assert seen["fused_new_shape"] >= 1


def test_put_copies(seen: dict[str, Any]) -> None:
    """What is written to the host's array later does not reach the copy."""
    assert seen["copied"]

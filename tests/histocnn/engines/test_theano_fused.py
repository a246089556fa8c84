"""Theano's fused program trains as Keras' own steps do; and compiling is counted."""

from pathlib import Path
from typing import Any

import pytest

from histocnn import engines
from histocnn.job import Job
from tests.in_environment import printed_by

SIZE, BATCH, IMAGES, STEPS = 32, 10, 40, 8

# In Theano's environment. Two models with the same weights; two epochs, each in an
# order of its own; one by Keras, batch by batch, the other by the program.
SCRIPT = f"""
import json
import numpy as np
from histocnn.engines import theano as engine
from histocnn.job import Job
from histocnn.model import build_model

job = Job("theano", "cpu", {SIZE}, {BATCH}, None, 1, {IMAGES}, loop="fused")
runtime = engine.load(job)
models = [
    build_model(runtime.keras, {SIZE}, "channels_first", 0, flip_kernels=True)
    for _ in range(2)
]
draw = np.random.default_rng(1)
images = draw.random(({IMAGES}, 3, {SIZE}, {SIZE}), np.float32)
labels = draw.integers(0, 2, ({IMAGES}, 1)).astype(np.float32)
orders = [draw.permutation({IMAGES}).astype(np.int32) for _ in range(2)]

alone = [
    models[0].train_on_batch(images[chosen], labels[chosen])
    for order in orders
    for chosen in order.reshape(-1, {BATCH})
]
counts = [runtime.compilations()]
program = runtime.fused(models[1], job)
program.load(images, labels)
counts.append(runtime.compilations())
fused = [program.run(order) for order in orders]
weights = program.weights()
# The second half of the images alone, as a streamed epoch has them.
program.load(images[{IMAGES // 2}:], labels[{IMAGES // 2}:])
part = program.run(np.arange({IMAGES // 2}, dtype=np.int32))
counts.append(runtime.compilations())
expected = [
    models[0].train_on_batch(images[chosen], labels[chosen])
    for chosen in np.arange({IMAGES // 2}, {IMAGES}).reshape(-1, {BATCH})
]

fitted = []

class Count(runtime.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        fitted.append(runtime.compilations())

models[0].fit(images, labels, {BATCH}, 4, verbose=0, callbacks=[Count()])
copy = runtime.put(images)
print(json.dumps({{
    "alone": np.array(alone).T.tolist(),
    "fused": [np.concatenate(kind).tolist() for kind in zip(*fused)],
    "dtypes": [str(kind.dtype) for kind in fused[0]],
    "part": [np.asarray(kind).tolist() for kind in part],
    "part_alone": np.array(expected).T.tolist(),
    "weights": [[list(one.shape), float(abs(one).sum())] for one in weights],
    "start": [float(abs(one).sum()) for one in build_model(
        runtime.keras, {SIZE}, "channels_first", 0, flip_kernels=True).get_weights()],
    "counts": counts,
    "fitted": fitted,
    "copied": bool(np.array_equal(copy.get_value(), images)),
    "shared": bool(np.shares_memory(copy.get_value(borrow=True), images)),
    "free": runtime.free_bytes(),
}}))
"""


@pytest.fixture(scope="module")
def outcome() -> Any:
    """What the script above printed, in a worker's environment."""
    job = Job("theano", "cpu", SIZE, BATCH, None, 1, IMAGES, loop="fused")
    return printed_by(job, "-c", SCRIPT)


def test_steps_agree_with_keras_own(outcome: dict[str, Any]) -> None:
    """Losses and accuracies of eight Adam steps over two orders, to 1e-5."""
    losses, accuracies = outcome["fused"]
    assert len(losses) == STEPS
    assert losses == pytest.approx(outcome["alone"][0], rel=1e-5)
    assert accuracies == pytest.approx(outcome["alone"][1], rel=1e-5)
    assert len(set(losses)) == STEPS
    assert outcome["dtypes"] == ["float32", "float32"]


def test_a_part_of_the_images_is_trained_on_alone(outcome: dict[str, Any]) -> None:
    """Loading fewer images gives fewer steps, which go on from the same weights."""
    losses, accuracies = outcome["part"]
    assert losses == pytest.approx(outcome["part_alone"][0], rel=1e-5)
    assert accuracies == pytest.approx(outcome["part_alone"][1], rel=1e-5)


def test_weights_are_the_trained_ones(outcome: dict[str, Any]) -> None:
    """Kernel and bias of five layers; every kernel has moved."""
    assert [shape for shape, _ in outcome["weights"]][:2] == [[3, 3, 3, 32], [32]]
    assert len(outcome["weights"]) == 10
    for (_, size), start in zip(outcome["weights"], outcome["start"], strict=True):
        assert size != start


def test_only_a_new_function_counts_as_compiling(outcome: dict[str, Any]) -> None:
    """The program's making does; its epochs, loads and runs, and `fit`'s do not."""
    before, made, after = outcome["counts"]
    assert before < made == after
    assert len(outcome["fitted"]) == 4
    assert len(set(outcome["fitted"])) == 1


def test_put_copies(outcome: dict[str, Any]) -> None:
    """The copy has the values and memory of its own; free memory is the host's."""
    assert outcome["copied"]
    assert not outcome["shared"]
    assert outcome["free"] is None


def test_paths_need_no_compiled_header(tmp_path: Path) -> None:
    """The measuring side only names the folder; nothing is written there."""
    job = Job("theano", "cpu", SIZE, BATCH, None, 1, IMAGES)
    variables = engines.get("theano").environment(job, tmp_path)
    assert variables["CPLUS_INCLUDE_PATH"].startswith(str(tmp_path))
    assert not list(tmp_path.iterdir())

"""All engines and loops train the same network in the same way, whatever their times.

Each engine trains once, in a process of its own (`each_loop`), in half a minute.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from histocnn import engines, peers
from histocnn.data import DatasetSpec
from histocnn.job import Job
from histocnn.model import LAYERS, initial_weights
from histocnn.prepare import prepare
from tests.benchmarks.each_loop import digest
from tests.in_environment import absent, printed_by

SIZE, BATCH, FEW, MANY = 32, 10, 60, 300
STEPS = FEW // BATCH
ORDER = np.random.default_rng(1).permutation(FEW).tolist()
ENGINES = engines.names()
#: Where the loops' losses are looked at; Keras' own step is the measure of all.
PROGRAMS = [(engine, "fused") for engine in ENGINES]
PROGRAMS += [(engine, "peer") for engine in peers.names()]

# Relative, of one step's loss. Before the first update engines differ by the order in
# which float32 sums are taken alone: a few times 6e-8. Each update then enlarges that:
# Adam divides by √v, so that where a gradient is near zero its rounding moves a weight
# as far as a real one does. 2e-6 was measured after five updates; the bound leaves ten
# times that to other instruction sets, and is far below the 1e-3 that another place of
# Adam's epsilon makes.
FIRST, LATER = 1e-6, 2e-5
# The same for PyTorch's own Adam, which adds epsilon to √(v / (1 - 0.999ᵗ)) where Keras
# adds it to √v: at the first step as if it were 30 times as large. 1.4e-3 was measured.
OTHER_EPSILON = 1e-2


@once
def trained(engine: str) -> Any:
    """What `each_loop` printed in the environment of a worker of ``engine``."""
    job = Job(engine, "cpu", SIZE, BATCH, None, 1, FEW)
    dataset = DatasetSpec.parse(job.dataset).load()
    return printed_by(
        job,
        str(Path(__file__).with_name("each_loop.py")),
        *(json.dumps(asdict(job)), json.dumps(ORDER)),
        *(str(prepare(dataset, SIZE, images)) for images in (FEW, MANY)),
    )


def built() -> Iterator[tuple[str, dict[str, Any]]]:
    """The engines whose environment is here, and what they did; one at least."""
    here = [name for name in ENGINES if absent(name) is None]
    if not here:
        pytest.skip("no engine can run here")
    for name in here:
        yield name, trained(name)


def first_epoch(engine: str, loop: str) -> tuple[list[float], list[float]]:
    """Losses and accuracies of each step; ``loop`` may be ``keras``, its own step."""
    losses, accuracies = trained(engine)["first_epoch"][loop]
    assert len(losses) == len(accuracies) == STEPS
    return losses, accuracies


def agree(losses: list[float], others: list[float], later: float = LATER) -> None:
    """Assert that losses of the same steps are equal but for rounding."""
    assert losses[0] == pytest.approx(others[0], rel=FIRST)
    assert losses == pytest.approx(others, rel=later)
    assert len(set(losses)) == len(losses)


@pytest.mark.parametrize("engine", ENGINES)
def test_starting_weights_are_the_same_to_the_last_bit(engine: str) -> None:
    """In Keras' layers by name, Theano's turned back, and in the peer's."""
    expected = {
        name: [digest(kernel), digest(bias)]
        for name, (kernel, bias) in initial_weights(SIZE, seed=0).items()
    }
    assert tuple(expected) == LAYERS
    starts = trained(engine)["starts"]
    assert sorted(starts) == ["keras", *(["peer"] if engine in peers.names() else [])]
    for start in starts.values():
        assert start == expected


@pytest.mark.parametrize(("engine", "loop"), PROGRAMS)
def test_a_compiled_step_is_keras_own(engine: str, loop: str) -> None:
    """Same batches in the same order: losses and accuracies of six Adam steps."""
    losses, accuracies = first_epoch(engine, loop)
    keras_losses, keras_accuracies = first_epoch(engine, "keras")
    by_torch = (engine, loop) == ("torch", "peer")
    agree(losses, keras_losses, OTHER_EPSILON if by_torch else LATER)
    assert accuracies == pytest.approx(keras_accuracies, rel=1e-6)


def test_the_peer_in_pytorch_differs_by_adams_epsilon_alone() -> None:
    """With Keras' epsilon put in at each step its losses are Keras' too."""
    losses, accuracies = first_epoch("torch", "peer, Keras' epsilon")
    keras_losses, keras_accuracies = first_epoch("torch", "keras")
    agree(losses, keras_losses)
    assert accuracies == pytest.approx(keras_accuracies, rel=1e-6)


def test_keras_steps_are_the_same_in_all_engines() -> None:
    """And so, by the test before, are all loops of all engines."""
    (_, reference), *others = (
        (engine, outcome["first_epoch"]["keras"]) for engine, outcome in built()
    )
    if not others:
        pytest.skip("only one engine can run here")
    for _, (losses, accuracies) in others:
        agree(losses, reference[0])
        assert accuracies == pytest.approx(reference[1], rel=1e-6)


@pytest.mark.parametrize(("engine", "loop"), PROGRAMS)
def test_streamed_images_are_the_same_images(engine: str, loop: str) -> None:
    """Two steps' images at a time: losses to 1e-6, and the note that says so."""
    resident, streamed = (first_epoch(engine, loop + how) for how in ("", " streamed"))
    for kind, other in zip(streamed, resident, strict=True):
        assert kind == pytest.approx(other, rel=1e-6)
    notes = trained(engine)["first_epoch"]["notes"]
    assert notes[f"{loop} streamed"][:-1] == notes[loop]
    assert notes[f"{loop} streamed"][-1].startswith("streamed: 2 of 6 steps' images")


@pytest.mark.parametrize("engine", ENGINES)
def test_only_the_first_epoch_compiles(engine: str) -> None:
    """In every loop; Theano compiles before it, PyTorch under `fit` never."""
    for loop, (first, *steady) in trained(engine)["training"].items():
        assert [epoch["compilations"] for epoch in steady] == [0, 0, 0], loop
        eager = (engine, loop) in {("torch", "fit"), ("torch", "peer")}
        if engine == "theano" or eager:
            assert first["compilations"] == 0
        else:
            assert first["compilations"] > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_new_batch_size_is_seen_to_compile(engine: str) -> None:
    """A fused program of another batch size does, in every engine.

    So does Keras' own step, but that Theano's functions are of any shape and that
    PyTorch under Keras compiles nothing.
    """
    counts = trained(engine)["first_epoch"]["new_shape"]
    assert counts["fused"] > 0
    assert (counts["keras"] > 0) == (engine in {"jax", "tensorflow"})


@pytest.mark.parametrize("engine", ENGINES)
def test_every_loop_learns_the_default_dataset(engine: str) -> None:
    """Four epochs of 300 images: 0.97 of them told right in the last, in each loop."""
    epochs = trained(engine)["training"]
    assert sorted(epochs) == sorted(
        ["fit", "fused", *(["peer"] if engine in peers.names() else [])]
    )
    for loop in epochs.values():
        assert loop[-1]["accuracy"] >= 0.97
        assert loop[-1]["loss"] < loop[0]["loss"] / 10


def test_losses_end_together() -> None:
    """Mean losses of the last epoch are within 0.02 of each other, of 0.69 at first.

    `fit` draws each engine's own order. Fused epochs have the same order everywhere:
    there the mean of the first epoch agrees to 1e-3, that of the last to a tenth, since
    a rounding grows with every one of the 120 steps.
    """
    ends, fused = [], []
    for _, outcome in built():
        ends += [epochs[-1]["loss"] for epochs in outcome["training"].values()]
        fused.append([epoch["loss"] for epoch in outcome["training"]["fused"]])
    assert max(ends) - min(ends) < 0.02
    for losses in fused:
        assert losses[0] == pytest.approx(fused[0][0], rel=1e-3)
        assert losses[-1] == pytest.approx(fused[0][-1], rel=0.1)

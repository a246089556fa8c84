"""The network's geometry and its starting weights."""

import numpy as np
import pytest

from histocnn.model import (
    LAYERS,
    feature_side,
    initial_weights,
    input_shape,
    smallest_size,
)


@pytest.mark.parametrize(
    ("size", "side"), [(200, 23), (180, 20), (128, 14), (64, 6), (32, 2), (22, 1)]
)
def test_feature_side_follows_three_valid_convolutions(size: int, side: int) -> None:
    """Each block takes 2 px and halves, rounding down."""
    assert feature_side(size) == side


def test_smallest_size_is_the_first_with_a_value_left() -> None:
    """22 px; one less leaves nothing."""
    assert smallest_size() == 22
    assert feature_side(21) == 0


def test_initial_weights_are_glorot_uniform_and_seeded() -> None:
    """Five kernels within Glorot's bounds and filling them, biases zero."""
    weights = initial_weights(64, seed=3)
    assert tuple(weights) == LAYERS
    shapes = {name: (w.shape, b.shape) for name, (w, b) in weights.items()}
    assert shapes == {
        "conv1": ((3, 3, 3, 32), (32,)),
        "conv2": ((3, 3, 32, 32), (32,)),
        "conv3": ((3, 3, 32, 64), (64,)),
        "dense": ((6 * 6 * 64, 64), (64,)),
        "malignant": ((64, 1), (1,)),
    }
    limit = np.sqrt(6 / (9 * 32 + 9 * 64))
    assert 0.98 * limit < np.abs(weights["conv3"][0]).max() <= limit
    assert not any(bias.any() for _, bias in weights.values())
    again, other = initial_weights(64, seed=3), initial_weights(64, seed=4)
    for name, (kernel, _) in weights.items():
        assert kernel.dtype == np.float32
        assert np.array_equal(kernel, again[name][0])
        assert not np.array_equal(kernel, other[name][0])


def test_input_shape_follows_the_data_format() -> None:
    """Channels first or last, as Keras names them."""
    assert input_shape(32, "channels_first") == (3, 32, 32)
    assert input_shape(32, "channels_last") == (32, 32, 3)

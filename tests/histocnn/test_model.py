"""The network's geometry and its starting weights."""

import numpy as np
import pytest

from histocnn.model import feature_side, initial_weights, input_shape, smallest_size


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
    assert [w.shape for w in weights] == [
        *((3, 3, 3, 32), (32,), (3, 3, 32, 32), (32,), (3, 3, 32, 64), (64,)),
        *((6 * 6 * 64, 64), (64,), (64, 1), (1,)),
    ]
    limit = np.sqrt(6 / (9 * 32 + 9 * 64))
    assert 0.98 * limit < np.abs(weights[4]).max() <= limit
    assert not any(bias.any() for bias in weights[1::2])
    again, other = initial_weights(64, seed=3), initial_weights(64, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))
    assert not np.array_equal(weights[0], other[0])


def test_input_shape_follows_the_data_format() -> None:
    """Channels first or last, as Keras names them."""
    assert input_shape(32, "channels_first") == (3, 32, 32)
    assert input_shape(32, "channels_last") == (32, 32, 3)

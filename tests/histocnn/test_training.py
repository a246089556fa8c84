"""The arrays that a worker trains on, made of the prepared ones."""

from pathlib import Path

import numpy as np
import pytest

from histocnn.cache import open_arrays
from histocnn.data import DatasetSpec
from histocnn.prepare import prepare
from histocnn.training import as_training_arrays


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten prepared images of 24 px."""
    dataset = DatasetSpec.parse("synthetic?count=10").load()
    return prepare(dataset, 24, 10, tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_images_are_scaled_and_turned_as_the_engine_has_them(
    entry: Path, data_format: str
) -> None:
    stored, classes = open_arrays(entry)
    images, labels = as_training_arrays(entry, data_format)
    expected = stored.astype(np.float64) / 255
    if data_format == "channels_first":
        expected = expected.transpose(0, 3, 1, 2)
    assert images.dtype == labels.dtype == np.float32
    assert images.flags.c_contiguous
    np.testing.assert_allclose(images, expected, rtol=1e-6)
    np.testing.assert_array_equal(labels[:, 0], classes)


@pytest.mark.parametrize("count", [1, 7, 10, 25])
def test_as_many_as_are_asked_for_come_round_again(entry: Path, count: int) -> None:
    """The eleventh of ten is the first one, with its own label."""
    every, of_each = as_training_arrays(entry, "channels_last")
    images, labels = as_training_arrays(entry, "channels_last", count)
    assert images.shape == (count, 24, 24, 3)
    assert labels.shape == (count, 1)
    for number in range(count):
        np.testing.assert_array_equal(images[number], every[number % 10])
        assert labels[number] == of_each[number % 10]

"""Filling, resizing and turning images into arrays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from histocnn.cache import open_arrays
from histocnn.data import Dataset, Sample
from histocnn.errors import InputError
from histocnn.prepare import SYMMETRIES, decode, fill, prepare


def dataset(benign: int, malignant: int) -> Dataset:
    """Images that are all different, none symmetric."""
    rng = np.random.default_rng(1)

    def sample(label: int, number: int) -> Sample:
        pixels = rng.integers(0, 256, (24, 24, 3), np.uint8)
        return Sample(f"{label}-{number}", label, lambda: Image.fromarray(pixels))

    samples = [sample(0, n) for n in range(benign)]
    samples += [sample(1, n) for n in range(malignant)]
    return Dataset("made", ("benign", "malignant"), tuple(samples), "d", "made up")


def test_turns_fill_up_to_eight_times_the_images(tmp_path: Path) -> None:
    """All eight symmetries of each image, each once, all different."""
    entry = prepare(dataset(2, 1), 24, 24, tmp_path)
    images, labels = open_arrays(entry)
    assert len({image.tobytes() for image in images}) == 24
    assert labels.sum() == 8


@pytest.mark.parametrize("images", [3, 6, 9, 30, 60])
def test_any_number_keeps_the_classes_proportion(images: int) -> None:
    """Twice as many benign as malignant, within one, however many are taken."""
    labels = [sample.label for sample, _ in fill(dataset(20, 10), images, seed=0)]
    assert abs(sum(labels) - images / 3) <= 1
    assert set(labels) == {0, 1}


def test_a_larger_dataset_is_sampled_by_seed() -> None:
    """No image twice; another seed takes others."""
    made = dataset(20, 10)

    def names(seed: int) -> list[str]:
        return [sample.name for sample, _ in fill(made, 12, seed)]

    assert len(set(names(0))) == 12
    assert names(0) == names(0)
    assert names(0) != names(1)


@pytest.mark.parametrize("images", [0, 1, 25])
def test_too_few_or_too_many_images_are_refused(images: int) -> None:
    """The line says how many the dataset can be made to give."""
    with pytest.raises(InputError, match=f"images={images}: .* has 3 .* make 2 to 24"):
        fill(dataset(2, 1), images, seed=0)


def test_decoding_turns_after_resizing() -> None:
    """A turned copy is the turned small image, and is read only once."""
    reads = []
    made = dataset(1, 1).samples[0]

    def read() -> Image.Image:
        reads.append(1)
        return made.read()

    sample = Sample("counted", 0, read)
    turns = list(SYMMETRIES)
    pixels = decode([sample] * len(turns), turns, 12)
    plain = Image.fromarray(pixels[0])
    for turned, turn in zip(pixels[1:], turns[1:], strict=True):
        assert turn is not None
        assert np.array_equal(turned, np.asarray(plain.transpose(turn)))
    assert len(reads) == 1

"""The default dataset: real tissue, two classes by stain."""

import numpy as np
from skimage.color import rgb2hed

from histocnn.data import DatasetSpec


def test_classes_are_balanced_and_apart_in_stain() -> None:
    """156 tiles a class; every stained tile has more DAB than every pale one."""
    dataset = DatasetSpec.parse("tissue").load()
    content: tuple[list[float], list[float]] = ([], [])
    for sample in dataset.samples:
        tile = sample.read()
        assert tile.size == (128, 128)
        content[sample.label].append(rgb2hed(np.asarray(tile))[..., 2].mean())
    assert len(content[0]) == len(content[1]) == 156
    assert max(content[0]) < min(content[1])


def test_it_is_the_same_each_time() -> None:
    """Nothing is drawn at random."""
    first, second = (DatasetSpec.parse("tissue").load() for _ in range(2))
    assert first.digest == second.digest
    assert [s.name for s in first.samples] == [s.name for s in second.samples]

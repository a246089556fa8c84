"""The data loader on its own: from a folder as published to arrays that are mapped."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from histocnn.cache import open_arrays
from histocnn.data import DatasetSpec
from histocnn.prepare import prepare

IMAGES = 165  # as in GlaS
SIZE = 200  # px, the paper's largest
GEOMETRY = (775, 522)  # px, width and height, as in GlaS


@pytest.fixture(scope="module")
def glas_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of GlaS' layout, geometry and number: 165 BMP files, 200 MB.

    The pictures are one synthetic slide, shifted: a BMP is not compressed, so that
    decoding costs the same whatever it shows.
    """
    folder = tmp_path_factory.mktemp("glas")
    slide = DatasetSpec.parse("synthetic").load().samples[0].read()
    assert slide.size == GEOMETRY
    pixels = np.asarray(slide)
    rows = ["name, patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    for number in range(1, IMAGES + 1):
        picture = Image.fromarray(np.roll(pixels, number, axis=1))
        picture.save(folder / f"train_{number}.bmp")
        grade = (
            "benign, adenomatous" if number % 2 else "malignant, poorly differentiated"
        )
        rows.append(f"train_{number}, {number}, {grade}")
    (folder / "Grade.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.benchmark(group="load")
def test_prepare(benchmark: Any, glas_folder: Path, tmp_path: Path) -> None:
    """GlaS from its folder to a 200 px cache: once a dataset and size."""
    cache = tmp_path / "cache"
    spec = DatasetSpec.parse(f"glas:{glas_folder}")

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    entry = benchmark.pedantic(
        lambda: prepare(spec.load(), SIZE, IMAGES, cache), setup=forget, rounds=5
    )
    images, labels = open_arrays(entry)
    assert images.shape == (IMAGES, SIZE, SIZE, 3)
    assert set(labels) == {0, 1}


@pytest.mark.benchmark(group="load")
def test_open(benchmark: Any, glas_folder: Path, tmp_path: Path) -> None:
    """The prepared arrays mapped and checked again: what each worker does."""
    entry = prepare(
        DatasetSpec.parse(f"glas:{glas_folder}").load(), SIZE, IMAGES, tmp_path
    )
    images, _ = benchmark.pedantic(
        open_arrays, args=(entry,), rounds=20, warmup_rounds=1
    )
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable

"""The data path's steps by three implementations: ours, Pillow's, scikit-image's.

The others are used as their pages show them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from histocnn.cache import open_arrays
from histocnn.data import DatasetSpec, glas
from histocnn.prepare import prepare, squeeze

Pixels = NDArray[np.uint8]

IMAGES = 165  # as in GlaS
SIZE = 200  # px, the paper's largest
SQUARE = (SIZE, SIZE)


@dataclass(frozen=True)
class Loader:
    """One implementation of the steps.

    ``decode`` makes (522, 775, 3) of a file. ``resize`` makes (200, 200, 3) of what
    ``picture`` makes of a file, untimed: whatever the implementation resizes. ``load``
    makes (165, 200, 200, 3) of a folder; it may keep a cache at the path that it is
    given, which is not there yet.
    """

    decode: Callable[[Path], Pixels]
    picture: Callable[[Path], Any]
    resize: Callable[[Any], Pixels]
    load: Callable[[Path, Path], Pixels]


def files_of(folder: Path) -> list[Path]:
    """The folder's pictures, by name."""
    return sorted(folder.glob("train_*.bmp"))


def _histocnn() -> Loader:
    def load(folder: Path, cache: Path) -> Pixels:
        dataset = DatasetSpec.parse(f"glas:{folder}").load()
        images, labels = open_arrays(prepare(dataset, SIZE, IMAGES, cache))
        assert set(labels) == {0, 1}
        return images

    return Loader(
        decode=lambda file: np.asarray(glas.read(file)),
        picture=glas.read,
        resize=lambda picture: np.asarray(squeeze(picture, SIZE)),
        load=load,
    )


def _pillow() -> Loader:
    def resize(picture: Image.Image) -> Pixels:
        return np.asarray(picture.resize(SQUARE))

    def load(folder: Path, cache: Path) -> Pixels:
        return np.stack([resize(Image.open(file)) for file in files_of(folder)])

    return Loader(
        decode=lambda file: np.asarray(Image.open(file).convert("RGB")),
        picture=lambda file: Image.open(file).convert("RGB"),
        resize=resize,
        load=load,
    )


def _scikit_image() -> Loader:
    from skimage import io, transform, util

    def resize(picture: Pixels) -> Pixels:
        small = transform.resize(picture, SQUARE, anti_aliasing=True)
        pixels: Pixels = util.img_as_ubyte(small)
        return pixels

    def load(folder: Path, cache: Path) -> Pixels:
        return np.stack([resize(io.imread(file)) for file in files_of(folder)])

    return Loader(decode=io.imread, picture=io.imread, resize=resize, load=load)


LOADERS = {"histocnn": _histocnn, "pillow": _pillow, "scikit-image": _scikit_image}

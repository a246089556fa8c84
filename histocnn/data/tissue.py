"""Real stained colon glands that scikit-image carries: the default, no download."""

import hashlib
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from histocnn.data import Dataset, Sample, reject_unknown
from histocnn.errors import InputError

CLASSES = ("pale", "stained")
TILE = 128
STRIDE = 16


def load(path: Path | None, options: Mapping[str, str]) -> Dataset:
    """Tiles of `skimage.data.immunohistochemistry`, labelled by their stain content.

    The image (512×512 px) shows human colon glands, counterstained with haematoxylin,
    where brown DAB marks the protein FHL2. It has one diagnosis only, so the two
    classes are of the stain: tiles of 128 px every 16 px (625) are ranked by their
    mean DAB after colour deconvolution (Ruifrok and Johnston, `skimage.color.rgb2hed`);
    the lowest quarter is *pale*, the highest quarter *stained*, the half between is
    left out. 156 tiles a class.
    """
    if path is not None:
        raise InputError(
            f"dataset tissue lies in scikit-image; it takes no path {path}"
        )
    reject_unknown("tissue", options, set())
    # Imported here: only whoever loads this dataset waits for scikit-image.
    from skimage.color import rgb2hed
    from skimage.data import immunohistochemistry

    colon: NDArray[np.uint8] = immunohistochemistry()
    dab = rgb2hed(colon)[..., 2]
    corners = [
        (row, column)
        for row in range(0, colon.shape[0] - TILE + 1, STRIDE)
        for column in range(0, colon.shape[1] - TILE + 1, STRIDE)
    ]
    content = np.array([dab[r : r + TILE, c : c + TILE].mean() for r, c in corners])
    ranked = np.argsort(content, kind="stable")
    quarter = len(corners) // 4
    picture = Image.fromarray(colon)
    samples = tuple(
        _tile(picture, corners[index], label)
        for label, indices in enumerate((ranked[:quarter], ranked[-quarter:]))
        for index in indices
    )
    labelled = repr([(sample.name, sample.label) for sample in samples])
    return Dataset(
        name="tissue",
        classes=CLASSES,
        samples=samples,
        digest=hashlib.sha256(colon.tobytes() + labelled.encode()).hexdigest(),
        about=(
            f"{TILE} px tiles of the colon glands in scikit-image "
            f"{version('scikit-image')}, by DAB content: lowest and highest quarter"
        ),
    )


def _tile(picture: Image.Image, corner: tuple[int, int], label: int) -> Sample:
    row, column = corner
    box = (column, row, column + TILE, row + TILE)
    return Sample(f"row {row} column {column}", label, partial(picture.crop, box))

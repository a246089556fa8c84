"""From a dataset to arrays of one size: decoded and resized once, then kept."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from histocnn import cache
from histocnn.data import Dataset, Sample
from histocnn.errors import InputError

#: Part of every key: raise it whenever the same input would give other arrays.
_VERSION = 1

#: The eight ways to turn and flip a square: as it is, then the other seven.
SYMMETRIES: tuple[Image.Transpose | None, ...] = (
    None,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)


def prepare(
    dataset: Dataset, size: int, images: int, root: Path | None = None, seed: int = 0
) -> Path:
    """The cache entry with ``images`` images of ``size`` px of ``dataset``.

    Images are squeezed to a square, as `target_size` does in Keras, with Pillow's
    bilinear filter, which averages over the pixels that it drops. Where the dataset has
    fewer than asked, flips and quarter turns of its images fill the rest; where it has
    more, a seeded sample is taken. Any number holds both classes in the dataset's own
    proportion.

    Parameters
    ----------
    root
        the folder of caches; None: `histocnn.cache.folder`.

    Raises
    ------
    InputError
        for fewer than two images, more than eight times what there is, a dataset of
        one class, an image that cannot be decoded, or a cache that cannot be written.
    """
    plan = fill(dataset, images, seed)
    facts = {
        "version": _VERSION,
        # They draw, decode and resize.
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "dataset": dataset.name,
        "digest": dataset.digest,
        "size": size,
        "images": images,
        "seed": seed,
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    entry = cache.entries(root) / f"{dataset.name}-{size}px-{key}"

    def make() -> tuple[Any, dict[str, Any]]:
        pixels = decode(
            [sample for sample, _ in plan], [turn for _, turn in plan], size
        )
        labels = np.array([sample.label for sample, _ in plan], np.uint8)
        about = {**facts, "classes": dataset.classes, "about": dataset.about}
        return (pixels, labels), about

    return cache.ensure(entry, make)


def fill(
    dataset: Dataset, images: int, seed: int
) -> list[tuple[Sample, Image.Transpose | None]]:
    """Choose ``images`` samples, each with how to turn it; no pair comes twice."""
    present = {sample.label for sample in dataset.samples}
    for label, name in enumerate(dataset.classes):
        if label not in present:
            raise InputError(
                f"dataset {dataset.name} has no {name} image; training needs both "
                f"{' and '.join(dataset.classes)}"
            )
    most = len(dataset.samples) * len(SYMMETRIES)
    if not 2 <= images <= most:
        raise InputError(
            f"images={images}: dataset {dataset.name} has {len(dataset.samples)} "
            f"images, which flips and quarter turns make 2 to {most}; set --images so"
        )
    rng = np.random.default_rng(seed)
    chosen: list[tuple[Sample, Image.Transpose | None]] = []
    for turn in SYMMETRIES:
        chosen += [(sample, turn) for sample in _spread(dataset.samples, rng)]
        if len(chosen) >= images:
            break
    return chosen[:images]


def _spread(samples: Sequence[Sample], rng: np.random.Generator) -> list[Sample]:
    """Shuffle so that any head of the list has the classes in their proportion."""
    placed = []
    for label in sorted({sample.label for sample in samples}):
        of_class = [sample for sample in samples if sample.label == label]
        order = rng.permutation(len(of_class))
        placed += [
            ((rank + 0.5) / len(of_class), label, of_class[index])
            for rank, index in enumerate(order)
        ]
    return [sample for _, _, sample in sorted(placed, key=lambda place: place[:2])]


def squeeze(image: Image.Image, size: int) -> Image.Image:
    """``image`` as a square of ``size`` px, bilinear, averaged over what is dropped."""
    return image.resize((size, size), Image.Resampling.BILINEAR)


def decode(
    samples: Sequence[Sample], turns: Sequence[Image.Transpose | None], size: int
) -> NDArray[np.uint8]:
    """Read, resize and turn each sample: (n, size, size, 3) uint8.

    In threads: Pillow decodes and resizes without the interpreter's lock. A sample
    that comes in several turns is read once.
    """
    try:
        pixels = np.empty((len(samples), size, size, 3), np.uint8)
    except (MemoryError, ValueError):
        wanted = len(samples) * size**2 * 3
        raise InputError(
            f"size={size} × images={len(samples)} needs {wanted:.2g} bytes of memory, "
            "more than there is; lower --sizes or --images"
        ) from None
    places: dict[int, list[int]] = {}
    for place, sample in enumerate(samples):
        places.setdefault(id(sample), []).append(place)

    def read(group: list[int]) -> None:
        small = squeeze(samples[group[0]].read(), size)
        for place in group:
            turn = turns[place]
            pixels[place] = np.asarray(small if turn is None else small.transpose(turn))

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in pool.map(read, places.values()):
            pass
    return pixels

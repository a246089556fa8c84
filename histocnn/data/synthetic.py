"""H&E-like pictures of colon glands, drawn from a seed at the geometry of GlaS."""

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from histocnn import glands
from histocnn.data import Dataset, Sample, reject_unknown
from histocnn.errors import InputError

VERSION = 1  # to raise with every change to the pixels: it goes into the digest
CLASSES = ("benign", "malignant")
_MOST = 100_000  # pictures; the seed is held to it too


def load(path: Path | None, options: Mapping[str, str]) -> Dataset:
    """Pictures of 775 by 522 px, benign and malignant by turns, each drawn when read.

    Options: ``count``, how many (default 165, GlaS's own; an odd count has one benign
    more), and ``seed`` (default 0). Pixels depend on the seed and on the picture's
    index only. Raises `InputError` for a path and for options it cannot use.
    """
    if path is not None:
        raise InputError(
            f"dataset synthetic is drawn from a seed; it needs no path: {path}"
        )
    reject_unknown("synthetic", options, {"count", "seed"})
    count = _whole(options, "count", default=165, least=2)
    seed = _whole(options, "seed", default=0, least=0)
    samples = tuple(
        Sample(
            f"seed {seed} index {index}", index % 2, partial(glands.render, seed, index)
        )
        for index in range(count)
    )
    key = f"synthetic version {VERSION} seed {seed} count {count}"
    return Dataset(
        name="synthetic",
        classes=CLASSES,
        samples=samples,
        digest=hashlib.sha256(key.encode()).hexdigest(),
        about=f"{count} drawn H&E-like colon glands (seed {seed}), benign or malignant",
    )


def _whole(options: Mapping[str, str], key: str, default: int, least: int) -> int:
    text = options.get(key, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= _MOST:
        raise InputError(
            f"synthetic: {key}={text!r} must be a whole number, {least} to {_MOST}"
        )
    return int(text)

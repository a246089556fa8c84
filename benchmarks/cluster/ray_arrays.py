"""Prepared images for the nodes: packed by the driver, kept by each node."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache as once
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from histocnn import cache
from histocnn.errors import InputError

#: The files of an entry, by name; (bytes,) uint8 each, so that Ray copies none.
Files = Mapping[str, NDArray[np.uint8]]


def pack(entry: Path) -> Files:
    """All files of an entry; `InputError` where they cannot be read."""
    try:
        return {
            path.name: np.fromfile(path, np.uint8) for path in sorted(entry.iterdir())
        }
    except OSError as error:
        raise InputError(
            f"prepared images in {entry} cannot be read: {error.strerror or error}"
        ) from None


def obtain(name: str, fetch: Callable[[], Files]) -> Path:
    """The entry ``name`` in this node's cache; ``fetch`` brings what is not there.

    Several processes may ask at once: one fetches, the others wait and take it.
    Raises `InputError` where it cannot be kept, or did not arrive as it was sent.
    """
    entry = cache.entries() / name
    if not _is_sound(entry):
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(entry.with_suffix(".lock")):
                if not _is_whole(entry):
                    _keep(entry, fetch())
        except OSError as error:
            raise InputError(
                f"the node cannot keep prepared images in {entry.parent}: "
                f"{error.strerror or error}; start it with HISTOCNN_CACHE set to a "
                "folder with space"
            ) from None
        _is_sound.cache_clear()
    return entry


@once
def _is_sound(entry: Path) -> bool:
    """`_is_whole`, found out once a process: a worker checks each byte again."""
    return _is_whole(entry)


def _is_whole(entry: Path) -> bool:
    try:
        cache.open_arrays(entry)
    except cache.DamagedEntry:
        return False
    return True


def _keep(entry: Path, files: Files) -> None:
    """Write ``files`` beside ``entry``, check them, and put them in its place."""
    beside = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", dir=entry.parent))
    try:
        new = beside / "new"
        new.mkdir()
        for name, content in files.items():
            content.tofile(new / Path(name).name)
        cache.open_arrays(new)
        if entry.exists():
            entry.rename(beside / "old")
        new.rename(entry)
    finally:
        shutil.rmtree(beside, ignore_errors=True)

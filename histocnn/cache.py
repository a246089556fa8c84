"""Prepared arrays on disk: written once, checked at each opening, memory-mapped.

An entry is a folder with ``images.npy`` (n, size, size, 3) uint8, ``labels.npy`` (n,)
uint8, and ``entry.json``, written last, with what they are and their checksums. Entries
appear by renaming a finished folder, so that nobody ever sees half of one.
"""

import json
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histocnn.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_ARRAYS = ("images", "labels")


class DamagedEntry(InputError):
    """An entry is not what was written: cut off, changed, or of another format."""


def folder() -> Path:
    """Where caches lie: ``$HISTOCNN_CACHE``, else ``.cache`` in the checkout."""
    chosen = os.environ.get("HISTOCNN_CACHE")
    return Path(chosen) if chosen else Path(__file__).parents[1] / ".cache"


def entries(root: Path | None = None) -> Path:
    """Where prepared arrays lie in ``root``; None: in `folder`."""
    return (root or folder()) / "data"


def scratch() -> Path:
    """That folder, made where it is missing; `InputError` where it cannot be."""
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(_unusable(place, error)) from None
    return place


def open_arrays(entry: Path) -> "Arrays":
    """Map an entry's images and labels read-only, after checking every byte of them.

    Raises
    ------
    DamagedEntry
        if a file is missing, cut off or changed.
    """
    import numpy as np

    try:
        checksums = json.loads((entry / "entry.json").read_text())["crc32"]
        found = {name: _checksum(entry / f"{name}.npy") for name in _ARRAYS}
        images, labels = (
            np.lib.format.open_memmap(entry / f"{name}.npy", mode="r")
            for name in _ARRAYS
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise DamagedEntry(
            f"cached arrays in {entry} cannot be read: {error}; they are made again "
            "by the next `pytest benchmarks`"
        ) from None
    if found != checksums:
        raise DamagedEntry(
            f"cached arrays in {entry} have changed since they were written; they are "
            "made again by the next `pytest benchmarks`"
        )
    return images, labels


def ensure(entry: Path, make: "Callable[[], tuple[Arrays, dict[str, Any]]]") -> Path:
    """Return ``entry``, made by ``make`` where it is missing or damaged.

    ``make`` returns the arrays and facts about them for ``entry.json``. Several
    processes may ask at once: one makes it, the others wait and take it.

    Raises
    ------
    InputError
        if it cannot be written: no space, no permission.
    """
    # Imported here: workers open entries, and their environments do not have it.
    from filelock import FileLock

    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.with_suffix(".lock")):
            if not _is_sound(entry):
                arrays, about = make()
                _replace(entry, arrays, about)
    except OSError as error:
        raise InputError(_unusable(entry.parent, error)) from None
    return entry


def _is_sound(entry: Path) -> bool:
    try:
        open_arrays(entry)
    except DamagedEntry:
        return False
    return True


def _unusable(place: Path, error: OSError) -> str:
    return (
        f"cannot keep prepared images in {place}: {error.strerror or error}; set "
        "HISTOCNN_CACHE to a folder with space that you may write to"
    )


def _replace(entry: Path, arrays: "Arrays", about: dict[str, Any]) -> None:
    """Write ``arrays`` beside ``entry`` and put them in its place; clean up always."""
    for left in entry.parent.glob(f"{entry.name}.*/"):  # by one killed in the middle
        shutil.rmtree(left, ignore_errors=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", dir=entry.parent))
    try:
        new, old = beside / "new", beside / "old"
        _write(new, arrays, about)
        if entry.exists():
            entry.rename(old)  # who has it mapped keeps what was mapped
        new.rename(entry)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(target: Path, arrays: "Arrays", about: dict[str, Any]) -> None:
    import numpy as np

    target.mkdir()
    checksums = {}
    for name, array in zip(_ARRAYS, arrays, strict=True):
        # Plain writes, not a memory map: on a full disk a map ends in SIGBUS.
        with (target / f"{name}.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, np.lib.format.header_data_from_array_1_0(array)
            )
            file.write(array.data)
        checksums[name] = _checksum(target / f"{name}.npy")
    text = json.dumps({**about, "crc32": checksums}, indent=1)
    (target / "entry.json").write_text(text + "\n")


def _checksum(file: Path) -> int:
    """CRC-32 of a whole file, its header included."""
    with file.open("rb") as stream:
        if not file.stat().st_size:
            return 0
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return zlib.crc32(content)

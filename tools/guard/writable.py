"""Whether a file can be written, asked hours before it is."""

import os
from pathlib import Path

from tools.guard import Problem


def check(option: str, file: Path) -> None:
    """Raise `Problem` where ``file``, or a folder for it, cannot be made.

    Nothing is written. ``option`` is the one that names it.
    """
    if file.is_dir():
        raise Problem(f"{option}: {file} is a folder; name a file")
    # The file if it is there, else the nearest folder, in which the rest is made.
    there = next(each for each in (file, *file.absolute().parents) if each.exists())
    if there != file and not there.is_dir():
        raise Problem(f"{option}: cannot write {file}: {there} is no folder")
    if not os.access(there, os.W_OK):
        raise Problem(f"{option}: cannot write {file}: no permission to write {there}")

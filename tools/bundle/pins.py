"""Parts of a lock: some of the packages that it pins, with their hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tools.uv import SetupError


def pinned(lock: Path) -> dict[str, str]:
    """What ``lock`` pins, by name: each package's lines, its hashes among them."""
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
    return {block.partition("==")[0]: block for block in blocks}


def write_pins(lock: Path, names: Iterable[str], file: Path) -> Path:
    """Write what ``lock`` pins of ``names`` to ``file``.

    Raises
    ------
    SetupError
        for a name that it does not pin.
    """
    known = pinned(lock)
    for name in names:
        if name not in known:
            raise SetupError(f"{lock.name} no longer pins {name}; see tools/bundle/")
    file.write_text("".join(known[name] for name in names), encoding="utf-8")
    return file

"""Manifest: what a run wrote into a folder, so that the next removes nothing else.

It is a hidden file there, with a line for each file as ``sha256sum --check`` reads it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, order=True)
class Entry:
    """A file that was written: its name in the folder, and the SHA-256 of its bytes."""

    name: str
    digest: str


@dataclass(frozen=True)
class Manifest:
    """That of one view: the ``name`` of its file, the names that it may hold."""

    name: str
    owned: re.Pattern[str]

    def read(self, folder: Path) -> frozenset[Entry]:
        """What is written in that of ``folder``; nothing where it is none of ours.

        One line that no run would have written makes it none: a path, another name.
        """
        path = folder / self.name
        if not _is_file(path):
            return frozenset()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return frozenset()
        found = [_LINE.fullmatch(line) for line in lines]
        entries = frozenset([Entry(each[2], each[1]) for each in found if each])
        foreign = None in found or not all(map(self._is_owned, entries))
        return frozenset() if foreign else entries

    def _is_owned(self, entry: Entry) -> bool:
        return Path(entry.name).name == entry.name and bool(
            self.owned.fullmatch(entry.name)
        )


def entries(files: Mapping[str, bytes]) -> frozenset[Entry]:
    """Those of ``files``, bytes by name."""
    return frozenset([Entry(name, _digest(each)) for name, each in files.items()])


def content(entries: frozenset[Entry]) -> bytes:
    """The bytes of a manifest of ``entries``."""
    lines = [f"{each.digest}  {each.name}\n" for each in sorted(entries)]
    return "".join(lines).encode()


def is_as_written(folder: Path, entry: Entry) -> bool:
    """Whether ``entry`` is in ``folder`` and nobody changed it since; `OSError`."""
    path = folder / entry.name
    return _is_file(path) and _digest(path.read_bytes()) == entry.digest


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

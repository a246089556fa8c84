"""Labels: what files are called in tables, short and no two alike."""

from collections.abc import Sequence
from pathlib import Path

from reports.errors import printable


def of(paths: Sequence[Path]) -> list[str]:
    """The stem of each of ``paths``; the whole paths if two stems are the same."""
    stems = [printable(path.stem) for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    return [printable(str(path)) for path in paths]

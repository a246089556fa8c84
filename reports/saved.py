"""All that the views are made from: the files, and their cases pooled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports import load
from reports.load import SavedFile
from reports.pool import Pooled, pool


@dataclass(frozen=True)
class Saved:
    """Files as read, their training cases gathered, and what was wrong, a line each."""

    files: tuple[SavedFile, ...]
    cases: tuple[Pooled, ...]
    problems: tuple[str, ...] = ()


def read(paths: Sequence[Path]) -> Saved:
    """Read and pool all files; whatever is wrong in some costs a line."""
    found = load.read(paths)
    pools = pool(found.files)
    return Saved(found.files, pools.cases, (*found.problems, *pools.problems))

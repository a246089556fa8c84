"""All that the views are made from: the files, and their cases pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from reports import load
from reports.load import SavedFile
from reports.nodes import note
from reports.pool import Pooled, pool


@dataclass(frozen=True)
class Saved:
    """Files as read, their training cases gathered, and what was wrong, a line each.

    ``sides`` are those of a view's further options, by name, each pooled by itself.
    There are no ``cases`` where the view does not ask for them.
    """

    files: tuple[SavedFile, ...]
    cases: tuple[Pooled, ...]
    problems: tuple[str, ...] = ()
    sides: Mapping[str, "Saved"] = field(default_factory=dict)

    @cached_property
    def slow_nodes(self) -> tuple[str, ...]:
        """A line if nodes of a cluster are surely slower than their like."""
        return note.lines(self.files, self.cases)


def read(
    paths: Sequence[Path], sides: Mapping[str, Sequence[Path]] | None = None
) -> Saved:
    """Read all files at once, pool ``paths`` and each of ``sides`` by itself.

    Whatever is wrong in some costs a line, which is among the whole's problems.
    """
    further = sides or {}
    # a file of two sides is read once
    every = dict.fromkeys(
        [*paths, *(path for each in further.values() for path in each)]
    )
    found = load.read(tuple(every))
    pooled = {name: _side(found.files, paths) for name, paths in further.items()}
    first = _side(found.files, paths) if further else _pooled(found.files)
    problems = [each.problems for each in (first, *pooled.values())]
    return Saved(
        first.files,
        first.cases,
        (*found.problems, *(line for lines in problems for line in lines)),
        pooled,
    )


def read_files(paths: Sequence[Path]) -> Saved:
    """As `read`, for who takes the files by themselves: nothing is pooled.

    So no case is refused, and costs a line, for having been measured with different
    code.
    """
    found = load.read(paths)
    return Saved(found.files, (), found.problems)


def _side(files: Sequence[SavedFile], paths: Sequence[Path]) -> Saved:
    wanted = set(paths)
    return _pooled(tuple([file for file in files if file.path in wanted]))


def _pooled(files: tuple[SavedFile, ...]) -> Saved:
    pools = pool(files)
    return Saved(files, pools.cases, pools.problems)

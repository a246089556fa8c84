"""Provenance: of each saved file what it holds, and the command that measured it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.errors import printable
from reports.load import SavedFile
from reports.page import facts


@dataclass(frozen=True)
class Source:
    """A saved file; what it does not tell is "" (``command`` and ``when``)."""

    path: str
    holds: str
    when: str
    code: str
    command: str


def of(files: Sequence[SavedFile]) -> tuple[Source, ...]:
    """The files in the order they were read in."""
    return tuple(
        Source(
            path=printable(str(file.path)),
            holds=", ".join(_holds(file)),
            when=file.instant,
            code=str(file.code),
            command=file.command,
        )
        for file in files
    )


def _holds(file: SavedFile) -> Iterator[str]:
    kinds = (
        (len(file.cases), "training case", "training cases"),
        (len(file.frontiers), "memory frontier", "memory frontiers"),
        (len(file.others), "other case", "other cases"),
    )
    return (facts.count(*kind) for kind in kinds if kind[0])

"""Provenance: of each saved file what it holds, and the command that measured it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """The files in the order they were read in, that of a cluster once."""
    parts: dict[Path, list[SavedFile]] = {}
    for file in files:
        parts.setdefault(file.path, []).append(file)
    return tuple(
        Source(
            path=printable(str(path)),
            holds=", ".join(_holds(each)),
            when=each[0].instant,
            code=str(each[0].code),
            command=each[0].command,
        )
        for path, each in parts.items()
    )


def _holds(parts: Sequence[SavedFile]) -> Iterator[str]:
    kinds = (
        (sum(len(part.cases) for part in parts), "training case", "training cases"),
        (
            sum(len(part.frontiers) for part in parts),
            "memory frontier",
            "memory frontiers",
        ),
        (sum(len(part.others) for part in parts), "other case", "other cases"),
    )
    return (facts.count(*kind) for kind in kinds if kind[0])

"""Which saved files are meant: those named, those below folders, or the newest."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.errors import InputError, printable

STORAGE = Path(".benchmarks")


@dataclass(frozen=True)
class Sources:
    """Files to read, in order, each once; and a line for each path that gave none."""

    paths: tuple[Path, ...]
    problems: tuple[str, ...]


def find(arguments: Sequence[str]) -> Sources:
    """Turn command-line ``arguments`` (files and folders) into files.

    A folder stands for every ``*.json`` below it, by name. Without arguments it is the
    newest file below ``.benchmarks/``, where ``--benchmark-autosave`` puts them.

    Raises
    ------
    InputError
        if nothing was named and nothing is saved.
    """
    if not arguments:
        return Sources((_newest(),), ())
    found: dict[str, Path] = {}
    problems: list[str] = []
    for path in map(Path, arguments):
        # not `Path.is_dir`, which raises where it may not look
        if not os.path.isdir(path):  # noqa: PTH112
            # a missing file is left to the reader, which says why it cannot be opened
            found.setdefault(_real(path), path)
            continue
        closed = len(problems)
        below = sorted(_saved_below(path, problems))
        if not below and len(problems) == closed:
            problems.append(f"{printable(str(path))}: no .json file below this folder")
        for file in below:
            found.setdefault(_real(file), file)
    return Sources(tuple(found.values()), tuple(problems))


def _real(path: Path) -> str:
    """One name for one file, by whatever links it was reached."""
    return os.path.realpath(path)


def _saved_below(folder: Path, problems: list[str]) -> Iterator[Path]:
    """All ``*.json`` below ``folder``; a line in ``problems`` for what is closed."""

    def closed(error: OSError) -> None:
        where = printable(str(error.filename))
        problems.append(f"{where}: cannot be looked into: {error.strerror}")

    for where, _, names in os.walk(folder, onerror=closed):
        for name in names:
            path = Path(where, name)
            if path.suffix == ".json" and path.is_file():
                yield path


def _newest() -> Path:
    saved = list(_saved_below(STORAGE, []))
    if not saved:
        raise InputError(
            f"nothing saved below {STORAGE}/; measure with `pytest benchmarks "
            "--benchmark-autosave`, or name files or folders"
        )
    return max(saved, key=lambda path: (path.stat().st_mtime_ns, str(path)))

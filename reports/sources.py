"""Which saved files are meant: those named, those below folders, or the newest."""

from collections.abc import Iterable, Sequence
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
    found: dict[Path, Path] = {}
    problems: list[str] = []
    for path in map(Path, arguments):
        if not path.is_dir():
            # a missing file is left to the reader, which says why it cannot be opened
            found.setdefault(path.absolute(), path)
            continue
        below = sorted(_saved_below(path))
        if not below:
            problems.append(f"{printable(str(path))}: no .json file below this folder")
        for file in below:
            found.setdefault(file.absolute(), file)
    return Sources(tuple(found.values()), tuple(problems))


def _saved_below(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*.json") if path.is_file())


def _newest() -> Path:
    saved = list(_saved_below(STORAGE))
    if not saved:
        raise InputError(
            f"nothing saved below {STORAGE}/; measure with `pytest benchmarks "
            "--benchmark-autosave`, or name files or folders"
        )
    return max(saved, key=lambda path: (path.stat().st_mtime_ns, str(path)))

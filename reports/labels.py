"""Labels: what files and machines are called in tables, short and no two alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import structs

from reports.errors import printable
from reports.load import SavedFile
from reports.origins import Machine


def of(files: Sequence[SavedFile]) -> list[str]:
    """The stem of each of ``files``; the whole paths if two stems are the same.

    What a cluster measured in one file is told apart by its machines, which suffice
    where there is no other file.
    """
    count = Counter([file.path for file in files])
    names = _names(list(count))
    return [_label(file, names[file.path], count) for file in files]


def machines(labels: Mapping[Machine, str]) -> dict[Machine, str]:
    """A name for each machine: a cluster's label of it, its host's name, or its CPU.

    ``labels`` are "" of those that are in no cluster.
    """
    plain = {
        machine: labels[machine] or machine.node or str(machine)
        for machine in sorted(labels, key=structs.astuple)
    }
    count = Counter(plain.values())
    numbers: Counter[str] = Counter()
    names = {}
    for machine, name in plain.items():
        numbers[name] += 1
        names[machine] = f"{name} #{numbers[name]}" if count[name] > 1 else name
    return names


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    stems = {path: printable(path.stem) for path in paths}
    if len(set(stems.values())) == len(paths):
        return stems
    return {path: printable(str(path)) for path in paths}


def _label(file: SavedFile, name: str, count: Counter[Path]) -> str:
    if not file.label or count[file.path] == 1:
        return name
    return file.label if len(count) == 1 else f"{name} on {file.label}"

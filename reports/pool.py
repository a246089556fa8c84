"""The same case in several files: pooled within one origin, kept apart between them."""

from collections.abc import Iterable
from dataclasses import dataclass

from reports.combination import Combination
from reports.errors import printable
from reports.load import Case, Launch, Origin, SavedFile


@dataclass(frozen=True)
class Pooled:
    """All launches of one combination from one origin.

    ``files`` names the file of each part that was pooled, so that one part is one name.
    ``repeats`` counts the parts left out since their timings are all in another one.
    """

    combination: Combination
    origin: Origin
    files: tuple[str, ...]
    launches: tuple[Launch, ...]
    repeats: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What the launches say of themselves, each sentence once, in order."""
        said = (note for launch in self.launches for note in launch.notes)
        return tuple(dict.fromkeys(said))

    @property
    def source(self) -> str:
        """The files' names, each once, as a cell shows them."""
        return ", ".join(dict.fromkeys(self.files))


def pool(files: Iterable[SavedFile]) -> tuple[Pooled, ...]:
    """Gather ``files`` into one entry a case and origin, in the axes' order."""
    files = tuple(file for file in files if file.cases)
    labels = _labels(files)
    parts: dict[tuple[Combination, Origin], list[tuple[str, Case]]] = {}
    for file, label in zip(files, labels, strict=True):
        for case in file.cases:
            parts.setdefault((case.combination, file.origin), []).append((label, case))
    pooled = [_pooled(*key, entries) for key, entries in parts.items()]
    return tuple(sorted(pooled, key=lambda each: (each.combination.order, each.source)))


def _pooled(
    combination: Combination, origin: Origin, entries: list[tuple[str, Case]]
) -> Pooled:
    # --benchmark-autosave beside --benchmark-json saves one run under two names, and
    # launches counted twice would look surer than they are. Clocks of nanoseconds do
    # not repeat themselves.
    distinct: dict[tuple[Launch, ...], str] = {}
    for label, case in entries:
        distinct.setdefault(case.launches, label)
    return Pooled(
        combination=combination,
        origin=origin,
        files=tuple(distinct.values()),
        launches=tuple(each for launches in distinct for each in launches),
        repeats=len(entries) - len(distinct),
    )


def _labels(files: tuple[SavedFile, ...]) -> list[str]:
    """File stems; whole paths if two stems are the same."""
    stems = [printable(file.path.stem) for file in files]
    if len(set(stems)) == len(stems):
        return stems
    return [printable(str(file.path)) for file in files]

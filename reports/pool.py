"""The same case in several files: pooled within one origin, kept apart between them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from reports.combination import Combination
from reports.errors import printable
from reports.load import Origin, SavedFile
from reports.records import Case, Launch, Outcome, Stopped


@dataclass(frozen=True)
class Pooled:
    """All launches of one combination from one origin, or the outcome in their place.

    ``files`` names the file of each part that was pooled, so that one part is one name.
    ``repeats`` counts the parts left out since their timings are all in another one.
    ``left_out``, ``stopped`` and ``warnings`` are the parts' own, one after the other.
    ``asides`` tell of outcomes: why there is no time, or what befell other tries.
    """

    combination: Combination
    origin: Origin
    files: tuple[str, ...]
    launches: tuple[Launch, ...]
    repeats: int
    outcome: Outcome | None = None
    left_out: tuple[tuple[str, ...], ...] = ()
    stopped: tuple[Stopped, ...] = ()
    warnings: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the launches say of themselves, each sentence once, in order."""
        said = (note for launch in self.launches for note in launch.notes)
        return tuple(dict.fromkeys(said))

    @property
    def source(self) -> str:
        """The files' names, each once, as a cell shows them."""
        return ", ".join(dict.fromkeys(self.files))

    @property
    def rounds(self) -> int:
        """How many were measured, those left out among them."""
        return sum(len(each.seconds) for each in self.launches) + len(self.left_out)

    @property
    def meters(self) -> tuple[str, ...]:
        """The energy meters of all launches; none where they are not the same."""
        metered = {launch.meters for launch in self.launches}
        return metered.pop() if len(metered) == 1 else ()

    @property
    def joules(self) -> float | None:
        """Energy of an epoch: median over launch medians; None if not all have it."""
        if not self.meters:
            return None
        return median(median(launch.joules) for launch in self.launches)


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
    untimed = [(label, each.outcome) for label, each in entries if each.outcome]
    timed = [(label, case) for label, case in entries if case.outcome is None]
    if not timed:
        return _outcome(combination, origin, untimed)
    distinct = _distinct(timed)
    parts = [case for _, case in distinct]
    asides = [
        f"{label}: {outcome}; the time is from another try"
        for label, outcome in untimed
    ]
    return Pooled(
        combination=combination,
        origin=origin,
        files=tuple(label for label, _ in distinct),
        launches=tuple(each for case in parts for each in case.launches),
        repeats=len(timed) - len(distinct),
        left_out=tuple(each for case in parts for each in case.left_out),
        stopped=tuple(case.stopped for case in parts if case.stopped),
        warnings=tuple(each for case in parts for each in case.warnings),
        asides=tuple(dict.fromkeys(asides)),
    )


def _distinct(timed: list[tuple[str, Case]]) -> list[tuple[str, Case]]:
    """Those of which no other has all launches, and of equal ones the first.

    --benchmark-autosave beside --benchmark-json saves one run under two names; a run
    that was broken off is in the file of the one that resumed it. Launches counted
    twice would look surer than they are.
    """
    held = [Counter(each.identity for each in case.launches) for _, case in timed]
    return [
        part
        for number, part in enumerate(timed)
        if not any(
            held[number] < other or (held[number] == other and place < number)
            for place, other in enumerate(held)
        )
    ]


def _outcome(
    combination: Combination, origin: Origin, untimed: list[tuple[str, Outcome]]
) -> Pooled:
    """A case that no file has a time of: the last file's outcome, all messages."""
    # A try that came to something says more than that another one was not made.
    tried = [each for each in untimed if each[1].has_run] or untimed
    messages = (outcome.message for _, outcome in tried if outcome.message)
    return Pooled(
        combination=combination,
        origin=origin,
        files=tuple(label for label, _ in tried),
        launches=(),
        repeats=0,
        outcome=tried[-1][1],
        asides=tuple(dict.fromkeys(messages)),
    )


def _labels(files: tuple[SavedFile, ...]) -> list[str]:
    """File stems; whole paths if two stems are the same."""
    stems = [printable(file.path.stem) for file in files]
    if len(set(stems)) == len(stems):
        return stems
    return [printable(str(file.path)) for file in files]

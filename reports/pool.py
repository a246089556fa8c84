"""The same case in several files: pooled where it is the same code on one machine."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from reports import labels, texts
from reports.combination import Combination
from reports.load import SavedFile
from reports.origins import Code, Machine, breaking, named
from reports.records import Case, Launch, Outcome, Stopped

_Tries = dict[Code, list[tuple[str, Case]]]


class Pooled(Struct, frozen=True):
    """All launches of a combination on one machine, or the outcome in their place.

    ``files`` names the file of each part that was pooled, so that one part is one name.
    ``repeats`` counts the parts left out since their timings are all in another one.
    ``left_out``, ``stopped`` and ``warnings`` are the parts' own, one after the other.
    ``asides`` tell of outcomes: why there is no time, or what befell other tries.
    ``label`` is what a cluster calls the machine, "" elsewhere.
    ``failed`` are what came of other tries than those with the time, but of any that
    was not made; ``tried`` counts the launches and them.
    """

    combination: Combination
    machine: Machine
    code: Code
    files: tuple[str, ...]
    launches: tuple[Launch, ...]
    repeats: int
    outcome: Outcome | None = None
    left_out: tuple[tuple[str, ...], ...] = ()
    stopped: tuple[Stopped, ...] = ()
    warnings: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    label: str = ""
    failed: tuple[Outcome, ...] = ()
    tried: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the launches say of themselves, each sentence once, in order."""
        said = [note for launch in self.launches for note in launch.notes]
        return tuple(dict.fromkeys(said))

    @property
    def medians(self) -> tuple[float, ...]:
        """The median epoch of each launch, seconds: the sample of every statistic."""
        return tuple([launch.median for launch in self.launches])

    @property
    def where(self) -> str:
        """Its machine in words."""
        return named(self.machine, self.label)

    @property
    def source(self) -> str:
        """The files' names, each once, as a cell shows them."""
        return ", ".join(dict.fromkeys(self.files))

    @property
    def rounds(self) -> int:
        """How many were measured, those left out among them."""
        return sum([each.rounds for each in self.launches]) + len(self.left_out)

    @property
    def meters(self) -> tuple[str, ...]:
        """The energy meters of all launches; none where they are not the same."""
        if not self.launches or not self.launches[0].meters:
            return ()
        metered = {launch.meters for launch in self.launches}
        return metered.pop() if len(metered) == 1 else ()

    @property
    def joules(self) -> float | None:
        """Energy of an epoch: median over launch medians; None if not all have it."""
        if not self.meters:
            return None
        return median(median(launch.joules) for launch in self.launches)


@dataclass(frozen=True)
class Pools:
    """All cases in the axes' order, and a line for those that were refused.

    A case is refused where it was measured on one machine with different code: its
    launches are no sample of one time, and which of them is meant, nobody said.
    """

    cases: tuple[Pooled, ...]
    problems: tuple[str, ...] = ()


def pool(files: Iterable[SavedFile]) -> Pools:
    """Gather ``files`` into one entry a case and machine."""
    files = tuple(file for file in files if file.cases)
    names = labels.of(files)
    called = {file.machine: file.label for file in files if file.label}
    parts: dict[tuple[Combination, Machine], _Tries] = {}
    for file, name in zip(files, names, strict=True):
        codes: dict[str, Code] = {}
        for case in file.cases:
            version = breaking(case.engine_version)
            if (code := codes.get(version)) is None:
                code = codes[version] = replace(file.code, engine=version)
            tries = parts.setdefault((case.combination, file.machine), {})
            tries.setdefault(code, []).append((name, case))
    pooled = []
    refused = []
    for (combination, machine), everything in parts.items():
        tries = _with_times(everything)
        if len(tries) > 1:
            refused.append((combination, tries))
        else:
            ((code, entries),) = tries.items()
            each = _pooled(combination, machine, code, entries)
            label = called.get(machine)
            pooled.append(replace(each, label=label) if label else each)
    pooled.sort(key=lambda each: (each.combination.order, each.source))
    return Pools(tuple(pooled), tuple(_refusals(refused)))


def _with_times(tries: _Tries) -> _Tries:
    """Those of the codes with which the case has a time; all where it has none.

    What came of a case elsewhere does not stand in the way of a time.
    """
    timed = {
        code: entries
        for code, entries in tries.items()
        if any(case.outcome is None for _, case in entries)
    }
    if timed or len(tries) == 1:
        return timed or tries
    last = next(reversed(tries))
    return {last: [each for entries in tries.values() for each in entries]}


def _refusals(refused: list[tuple[Combination, _Tries]]) -> Iterator[str]:
    """A line for each set of files between which cases were refused."""
    groups: dict[tuple[str, ...], list[Combination]] = {}
    for combination, tries in refused:
        where = tuple(
            dict.fromkeys(
                f"{label} ({code})"
                for code, entries in tries.items()
                for label, _ in entries
            )
        )
        groups.setdefault(where, []).append(combination)
    for where, combinations in groups.items():
        more = len(combinations) - 1
        count = f" and {more} more" if more else ""
        files = texts.few(where, " and ")
        yield (
            f"left out {combinations[0].describe()}{count}: measured with different "
            f"code in {files}; name the files of one of them"
        )


def _pooled(
    combination: Combination,
    machine: Machine,
    code: Code,
    entries: list[tuple[str, Case]],
) -> Pooled:
    untimed = [(label, each.outcome) for label, each in entries if each.outcome]
    timed = [(label, case) for label, case in entries if case.outcome is None]
    if not timed:
        return _outcome(combination, machine, code, untimed)
    launches = tuple([each for _, case in timed for each in case.launches])
    distinct = timed
    if len({launch.identity for launch in launches}) < len(launches):
        distinct = _distinct(timed)
        launches = _launches([case for _, case in distinct])
    parts = [case for _, case in distinct]
    failed = tuple([outcome for _, outcome in untimed if outcome.has_run])
    asides = [
        f"{label}: {outcome}; the time is from another try"
        for label, outcome in untimed
    ]
    return Pooled(
        combination=combination,
        machine=machine,
        code=code,
        files=tuple([label for label, _ in distinct]),
        launches=launches,
        repeats=len(timed) - len(distinct),
        left_out=tuple([each for case in parts for each in case.left_out]),
        stopped=tuple([case.stopped for case in parts if case.stopped]),
        warnings=tuple([each for case in parts for each in case.warnings]),
        asides=tuple(dict.fromkeys(asides)),
        versions=parts[0].versions,
        failed=failed,
        tried=len(launches) + len(failed),
    )


def _launches(parts: list[Case]) -> tuple[Launch, ...]:
    """Those of all ``parts``, one that is in several of them once."""
    found = list(parts[0].launches)
    seen = Counter([launch.identity for launch in found])
    for part in parts[1:]:
        here: Counter[int] = Counter()
        for launch in part.launches:
            here[launch.identity] += 1
            # equal ones within a part are as many launches
            if here[launch.identity] > seen[launch.identity]:
                found.append(launch)
        seen |= here
    return tuple(found)


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
    combination: Combination,
    machine: Machine,
    code: Code,
    untimed: list[tuple[str, Outcome]],
) -> Pooled:
    """A case that no file has a time of: the last file's outcome, all messages."""
    # A try that came to something says more than that another one was not made.
    tried = [each for each in untimed if each[1].has_run] or untimed
    messages = (outcome.message for _, outcome in tried if outcome.message)
    return Pooled(
        combination=combination,
        machine=machine,
        code=code,
        files=tuple(label for label, _ in tried),
        launches=(),
        repeats=0,
        outcome=tried[-1][1],
        asides=tuple(dict.fromkeys(messages)),
    )

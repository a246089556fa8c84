"""Facts of where and with what a file was measured, and which forbid a comparison."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reports.cluster import Node
from reports.combination import precision_order
from reports.flat import flatten
from reports.load import SavedFile
from reports.origins import breaking

#: Groups of facts, in the order of a table. Where facts differ, ``hard`` ones are of
#: another machine, ``engine`` is an engine's own version, ``data`` what was trained
#: with; ``package`` and ``soft`` facts are only worth a note.
HARD, ENGINE, DATA, PACKAGE, SOFT = "hard", "engine", "data", "package", "soft"
GROUPS = (HARD, ENGINE, DATA, PACKAGE, SOFT)
#: Those in which a difference may forbid a comparison.
WEIGHTY = (HARD, ENGINE, DATA)

#: Names of the fact that stands for all hard ones, of what else tells a machine from
#: another, and of the time of saving.
FINGERPRINT = "fingerprint"
PLAIN = ("node", "system", "processor", "CPUs")
SAVED = "saved"
#: What is said of a fact that a file does not tell.
NOT_SAVED = "not saved"

_OF_COMMIT = ("git.commit", "git.dirty")

Place = tuple[str, str]


@dataclass(frozen=True)
class Fact:
    """Something that a file tells: as a rule one value, several where cases differ.

    ``group`` is one of `GROUPS`. There is no value of an engine that has cases and does
    not say its version.
    """

    group: str
    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.values) or NOT_SAVED

    @property
    def place(self) -> Place:
        """What facts of two files have in common that are of the same thing."""
        return (self.group, self.name)

    def forbids(self, other: "Fact") -> bool:
        """Whether the two, of one place, are so different that nothing is comparable.

        That is any difference in a hard fact; otherwise it takes that no value, no part
        of an engine's version up to what may break it, is common to both.
        """
        if self.group == HARD:
            return self.values != other.values
        if self.group not in WEIGHTY or not self.values or not other.values:
            return False
        weigh = breaking if self.group == ENGINE else str
        return set(map(weigh, self.values)).isdisjoint(map(weigh, other.values))


@dataclass(frozen=True)
class Difference:
    """A fact that forbids a comparison, and what either file says of it."""

    group: str
    name: str
    first: str
    second: str


def of(file: SavedFile) -> tuple[Fact, ...]:
    """All facts that ``file`` tells, those of one group together."""
    return (*_hard(file), *_engines(file), *_data(file), *_packages(file), *_soft(file))


def forbidding(first: SavedFile, second: SavedFile) -> tuple[Difference, ...]:
    """What forbids to compare the cases of two files; nothing where they may be.

    A hard fact that differs forbids it for all cases, the version of an engine for
    those of that engine. Where one file has no fingerprint, that is the difference.
    """
    return differences(of(first), of(second))


def differences(
    first: Sequence[Fact], second: Sequence[Fact]
) -> tuple[Difference, ...]:
    """As `forbidding`, for the facts of two files."""
    one = {fact.place: fact for fact in first}
    other = {fact.place: fact for fact in second}
    both_saved = all((HARD, FINGERPRINT) in each for each in (one, other))
    found = []
    for place in dict.fromkeys((*one, *other)):
        group, name = place
        a, b = one.get(place), other.get(place)
        if a and b:
            differ = a.forbids(b)
        else:
            differ = group == HARD and (both_saved or name in (FINGERPRINT, *PLAIN))
        if differ:
            told = [str(fact) if fact else NOT_SAVED for fact in (a, b)]
            found.append(Difference(group, name, *told))
    # the digest is of other hard facts: where those are named, it is not news
    named = any(d.group == HARD and d.name not in (FINGERPRINT, *PLAIN) for d in found)
    return tuple([d for d in found if not (named and d.name == FINGERPRINT)])


def _hard(file: SavedFile) -> Iterator[Fact]:
    """What `Machine` tells machines apart by, and what its digest is of."""
    machine = file.machine
    told = (machine.node, machine.system.strip(), machine.cpu, machine.cpus)
    for name, value in zip(PLAIN, told, strict=True):
        if value:
            yield Fact(HARD, name, (value,))
    if machine.hard:
        yield Fact(HARD, FINGERPRINT, (machine.hard,))
        # of a cluster's machine the digest may be all that is told
        if fingerprint := file.info.get("fingerprint"):
            for fact in _flat(HARD, fingerprint["hard"]):
                # nobody's; the digest has them
                if fact.name not in (FINGERPRINT, *PLAIN):
                    yield fact


def _engines(file: SavedFile) -> Iterator[Fact]:
    versions: dict[str, set[str]] = defaultdict(set)
    for case in file.cases:
        versions[case.combination.engine].add(case.engine_version)
    for engine, found in sorted(versions.items()):
        yield Fact(ENGINE, engine, tuple(sorted(found - {""})))


def _data(file: SavedFile) -> Iterator[Fact]:
    combinations = [case.combination for case in file.cases]
    combinations += [frontier.combination for frontier in file.frontiers]
    datasets = {str(c.value("dataset")) for c in combinations if c.value("dataset")}
    precisions = {combination.precision for combination in combinations}
    if datasets:
        yield Fact(DATA, "dataset", tuple(sorted(datasets)))
    if precisions:
        yield Fact(DATA, "precision", tuple(sorted(precisions, key=precision_order)))


def _packages(file: SavedFile) -> Iterator[Fact]:
    """Versions of what engines came with."""
    versions: dict[str, set[str]] = defaultdict(set)
    for case in file.cases:
        engine = case.combination.engine
        for name, version in case.versions:
            if name != engine:
                versions[f"{engine}.{name}"].add(version)
    for name, found in sorted(versions.items()):
        yield Fact(PACKAGE, name, tuple(sorted(found)))


def _soft(file: SavedFile) -> Iterator[Fact]:
    """The suite's commit, the time, and what else the fingerprint tells."""
    if file.code.commit:
        yield Fact(SOFT, "commit", (file.code.commit,))
        yield Fact(SOFT, "dirty", ("yes" if file.code.dirty else "no",))
    if file.when:
        yield Fact(SOFT, SAVED, (file.instant,))
    told_already = _OF_COMMIT if file.code.commit else ()
    fingerprint = file.info.get("fingerprint")
    if file.nodes:
        for fact in soft_of(file.nodes):
            if fact.name not in told_already:
                yield fact
    elif isinstance(fingerprint, dict) and "soft" in fingerprint:
        for fact in _flat(SOFT, fingerprint["soft"]):
            if fact.name not in told_already:
                yield fact
    elif file.info.get("python_version"):
        yield from _flat(SOFT, {"python": file.info["python_version"]})


def soft_of(nodes: Iterable[Node]) -> Iterator[Fact]:
    """The soft facts of the nodes of a machine, of several values where they differ."""
    values: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if node.soft is not None:
            for name, text in flatten(node.soft).items():
                values[name].add(text)
    for name, found in values.items():
        yield Fact(SOFT, name or SOFT, tuple(sorted(found)))


def _flat(group: str, value: object) -> Iterator[Fact]:
    for name, text in flatten(value).items():
        yield Fact(group, name or group, (text,))

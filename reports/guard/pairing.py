"""Which case of head belongs to which of base: the same combination, comparable."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import Struct

from reports import fingerprints
from reports.cases import has_run
from reports.combination import Combination
from reports.comparison import comparable
from reports.fingerprints import ENGINE, HARD, NOT_SAVED, Difference
from reports.origins import Machine
from reports.pool import Pooled
from reports.saved import Saved


# Thousands are made at each run, which a Struct does in C.
class Couple(Struct, frozen=True):
    """One case, measured before and after; either may have an outcome for a time."""

    base: Pooled
    head: Pooled

    @property
    def combination(self) -> Combination:
        """What was measured, the same on both sides."""
        return self.head.combination


@dataclass(frozen=True)
class Pairing:
    """All couples in the axes' order, and what is left.

    ``new`` and ``gone`` count cases that one side alone has, or that can run on one
    side alone; ``untimed`` those with a time on neither side, ``elsewhere`` those of
    base's machines that head has no file of.
    ``refused`` forbid the comparison of cases that would have been couples,
    ``allowed`` would have, had nobody asked to go on.
    """

    couples: tuple[Couple, ...]
    new: int = 0
    gone: int = 0
    untimed: int = 0
    elsewhere: int = 0
    refused: tuple[Difference, ...] = ()
    allowed: tuple[Difference, ...] = ()


_Cases = dict[Combination, Pooled]


def pair(base: Saved, head: Saved, allow: Collection[str] = ()) -> Pairing:
    """Couple the cases of both sides, machine by machine.

    A machine of head is held against itself; where base has no file of it, against that
    one of base's from which it differs in fewest facts, if ``allow`` names all of them.
    So it is with the version of an engine, for the engine's own cases.
    """
    bases, heads = _by_machine(base.cases), _by_machine(head.cases)
    couples: list[Couple] = []
    differences: dict[Difference, None] = {}
    new = gone = 0
    used = set()
    for machine, cases in heads.items():
        partner, found = _partner(machine, head, base, allow)
        used.add(partner)
        others = bases.get(partner, {})
        common = [each for each in cases if each in others]
        if common:
            differences.update(dict.fromkeys(found))
        new += len(cases) - len(common)
        gone += len(others) - len(common)
        if all(each.name in allow for each in found):
            couples += [Couple(others[each], cases[each]) for each in common]
    couples, versions = _comparable(couples, allow)
    differences.update(dict.fromkeys(versions))
    run = [each for each in couples if has_run(each.base) and has_run(each.head)]
    timed = [each for each in run if not (each.base.outcome and each.head.outcome)]
    return Pairing(
        tuple(sorted(timed, key=lambda each: each.combination.order)),
        new + sum(has_run(e.head) and not has_run(e.base) for e in couples),
        gone + sum(has_run(e.base) and not has_run(e.head) for e in couples),
        len(run) - len(timed),
        sum(len(cases) for machine, cases in bases.items() if machine not in used),
        tuple([each for each in differences if each.name not in allow]),
        tuple([each for each in differences if each.name in allow]),
    )


def find(
    couple: Couple,
    among: Mapping[Combination, Sequence[Couple]],
    machines: Collection[Machine],
) -> Couple | None:
    """The same case among fresh couples: of its own machine, else the only one.

    Not that of another one of the ``machines`` that were compared at first.
    """
    fresh = among.get(couple.combination, ())
    own = [each for each in fresh if each.head.machine == couple.head.machine]
    if own or len(fresh) != 1 or fresh[0].head.machine in machines:
        return next(iter(own), None)
    return fresh[0]


def _by_machine(cases: Iterable[Pooled]) -> dict[Machine, _Cases]:
    machines: dict[Machine, _Cases] = {}
    for case in cases:
        machines.setdefault(case.machine, {})[case.combination] = case
    return machines


def _partner(
    machine: Machine, head: Saved, base: Saved, allow: Collection[str]
) -> tuple[Machine, tuple[Difference, ...]]:
    """The machine of ``base`` to compare with, and in what it differs, ``base`` first.

    One whose differences are all allowed comes before one with fewer.
    """
    theirs = {file.machine: file for file in base.files if file.cases}
    if machine in theirs:
        return machine, ()
    own = next(file for file in head.files if file.machine == machine)
    found = []
    for other, file in theirs.items():
        # their cases have no say in what machines they are, and may be thousands
        sides = [replace(each, cases=(), frontiers=()) for each in (file, own)]
        differ = [d for d in fingerprints.forbidding(*sides) if d.group == HARD]
        found.append((other, tuple(differ)))
    return min(
        found,
        key=lambda each: (any(d.name not in allow for d in each[1]), len(each[1])),
    )


def _comparable(
    couples: Sequence[Couple], allow: Collection[str]
) -> tuple[list[Couple], list[Difference]]:
    """Those whose engine is of one version, or may differ; and where it does."""
    kept = []
    differ = []
    for each in couples:
        if comparable(each.base, each.head):
            kept.append(each)
            continue
        engine = each.combination.engine
        versions = [_version(side) for side in (each.base, each.head)]
        differ.append(Difference(ENGINE, engine, *versions))
        if engine in allow:
            kept.append(each)
    return kept, differ


def _version(case: Pooled) -> str:
    known = dict(case.versions).get(case.combination.engine)
    return known or case.code.engine or NOT_SAVED

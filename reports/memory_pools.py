"""What a memory pool buys: GPU cases with one setting beside the same with another."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from reports import stats
from reports.combination import Combination, pool_order
from reports.comparison import comparable
from reports.origins import Machine
from reports.pool import Pooled


@dataclass(frozen=True)
class Pair:
    """A GPU case with the pool that is asked about, and the same ``against`` another.

    At least one of the two was tried; either may have an outcome instead of a time.
    """

    case: Pooled
    against: Pooled

    @cached_property
    def speedup(self) -> stats.Speedup | None:
        """t_against / t_case with its interval; None where either has no time.

        None also where the engine's versions are too far apart to be compared.
        """
        if not self.both_timed or not self.engines_agree:
            return None
        return stats.speedup(self.against.medians, self.case.medians)

    @property
    def row(self) -> Pooled:
        """The case as it stands for the pair in a table: from the files of both."""
        return replace(self.case, files=(*self.case.files, *self.against.files))

    @property
    def both_timed(self) -> bool:
        """Whether there is a time with either pool."""
        return self.case.outcome is None and self.against.outcome is None

    @property
    def engines_agree(self) -> bool:
        """Whether the engine's version is the same down to what may break it."""
        return comparable(self.case, self.against)

    @property
    def codes_differ(self) -> bool:
        """Whether the times compared are of different commits of the suite."""
        same = self.case.code.is_commit_of(self.against.code)
        return self.speedup is not None and not same


@dataclass(frozen=True)
class Group:
    """Pairs that differ in batch size alone; in ``size``, too, where that is None."""

    size: int | None
    pairs: tuple[Pair, ...]

    @property
    def row(self) -> Pooled:
        """Its first case as it stands for all in a table: from the files of all."""
        files = [name for pair in self.pairs for name in pair.row.files]
        return replace(self.pairs[0].case, files=tuple(dict.fromkeys(files)))

    @cached_property
    def compared(self) -> tuple[Pair, ...]:
        """Those that have a speed-up."""
        return tuple(pair for pair in self.pairs if pair.speedup is not None)

    @property
    def codes_differ(self) -> bool:
        """Whether some speed-up is of different commits of the suite."""
        return any(pair.codes_differ for pair in self.compared)

    @cached_property
    def mean(self) -> stats.Speedup | None:
        """Geometric mean of the speed-ups; None where no pair has one."""
        if not self.compared:
            return None
        medians = [(pair.against.medians, pair.case.medians) for pair in self.compared]
        return stats.mean_speedup(medians)


@dataclass(frozen=True)
class Paired:
    """All pairs in the cases' order, and the cases tried that have no counterpart."""

    pairs: tuple[Pair, ...]
    alone: tuple[Pooled, ...]


def tried(cases: Iterable[Pooled]) -> tuple[Pooled, ...]:
    """The GPU cases with a memory pool that have run, to whatever outcome."""
    return tuple(
        case
        for case in cases
        if case.combination.device != "cpu"
        and case.combination.cnmem is not None
        and (case.outcome is None or case.outcome.has_run)
    )


def settings(cases: Iterable[Pooled]) -> tuple[str, ...]:
    """The pools that ``cases`` have, none first, then by size, then by name."""
    found = {pool for case in cases if (pool := case.combination.cnmem) is not None}
    return tuple(sorted(found, key=pool_order))


def paired(cases: Iterable[Pooled], pool: str, against: str) -> Paired:
    """Put the ``cases`` with ``pool`` beside those ``against``; never across machines.

    All but the pool is the same in both: size, batch, loop, precision, dataset, …
    """
    chosen = [each for each in cases if each.combination.cnmem in (pool, against)]
    places = {(each.combination, each.machine): each for each in chosen}
    pairs: list[Pair] = []
    alone: list[Pooled] = []
    for each in chosen:
        with_pool = each.combination.cnmem == pool
        other = replace(each.combination, cnmem=against if with_pool else pool)
        counterpart = places.get((other, each.machine))
        if counterpart is None:
            alone.append(each)
        elif with_pool:
            pairs.append(Pair(each, counterpart))
    return Paired(tuple(pairs), tuple(alone))


def groups(pairs: Iterable[Pair]) -> tuple[Group, ...]:
    """For each setting a group a size, and where there are several one of all.

    A setting is what is not averaged over: engine, loop, precision, machine, … A mean
    over precisions, say, would be of other arithmetic in every file.
    """
    found: dict[tuple[Combination, Machine], dict[int, list[Pair]]] = defaultdict(dict)
    for each in pairs:
        combination = each.case.combination
        setting = replace(combination, size=0, batch=0)
        sizes = found[setting, each.case.machine]
        sizes.setdefault(combination.size, []).append(each)
    every: list[Group] = []
    for sizes in found.values():
        every += [Group(size, tuple(alike)) for size, alike in sorted(sizes.items())]
        if len(sizes) > 1:
            everything = (each for alike in sizes.values() for each in alike)
            every.append(Group(None, tuple(everything)))
    return tuple(every)

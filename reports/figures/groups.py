"""Groups: the GPU cases that one set of figures is of."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.combination import ASSUMED, pool_order
from reports.pool import Pooled

_LONGEST_SLUG = 40  # characters


@dataclass(frozen=True)
class Group:
    """Cases of one engine, loop, precision and machine: all is the same but the grid.

    ``cases`` have a time, ``untimed`` were tried and have an outcome instead. ``slug``
    is safe in file names, and no other group's. ``label`` tells the machine from others
    of a cluster, "" where there are none.
    """

    slug: str
    cases: tuple[Pooled, ...]
    untimed: tuple[Pooled, ...]
    label: str = ""

    @property
    def setting(self) -> str:
        """What is the same in all its cases, in few words."""
        case = self.cases[0].combination
        where = f"{self.device} ({self.label})" if self.label else self.device
        return f"{case.engine}, {case.loop}, {case.precision} on {where}"

    @property
    def device(self) -> str:
        """The GPU's name, the kind of device where the files do not tell it."""
        names = {launch.device for case in self.cases for launch in case.launches}
        told = sorted(names - {""})
        return " or ".join(told) or self.cases[0].combination.device

    @property
    def pools(self) -> tuple[str, ...]:
        """The memory pools with times: none first, then by size, then names."""
        found = {case.combination.cnmem or "" for case in self.cases}
        return tuple(sorted(found, key=pool_order))

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes with times, ascending."""
        return tuple(sorted({case.combination.batch for case in self.cases}))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The image sizes with times in px, ascending."""
        return tuple(sorted({case.combination.size for case in self.cases}))


def groups(cases: Iterable[Pooled]) -> tuple[Group, ...]:
    """The groups of all GPU ``cases``, in their order; those without any time left out.

    Cases of different machines, numbers of images, data sets and the like never are in
    one group, nor are those of engine versions too far apart to be compared.
    """
    found: dict[object, list[Pooled]] = defaultdict(list)
    for case in cases:
        if case.combination.device != "cpu":
            found[_key(case)].append(case)
    several = len({members[0].machine for members in found.values()}) > 1
    taken: set[str] = set()
    made = []
    for members in found.values():
        tried = tuple([case for case in members if _has_run(case)])
        label = members[0].label if several else ""
        made += [
            Group(unique(_slug(timed[0], label), taken), timed, tried, label)
            for timed in _by_version([case for case in members if not case.outcome])
        ]
    return tuple(made)


def slug(text: str) -> str:
    """``text`` as lower-case letters, digits and single dashes: safe in file names."""
    safe = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return safe[:_LONGEST_SLUG].strip("-") or "other"


def unique(name: str, taken: set[str]) -> str:
    """``name``, with a number where it is ``taken`` already; the name is taken then."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found)
    return found


def _by_version(timed: Sequence[Pooled]) -> list[tuple[Pooled, ...]]:
    """One part for each version of the engine, all in one where only one is told."""
    versions = dict.fromkeys(case.code.engine for case in timed)
    if len(versions.keys() - {""}) < 2:
        return [tuple(timed)] if timed else []
    return [tuple([c for c in timed if c.code.engine == each]) for each in versions]


def _has_run(case: Pooled) -> bool:
    return case.outcome is not None and case.outcome.has_run


def _key(case: Pooled) -> object:
    combination = case.combination
    return (
        case.machine,
        combination.engine,
        combination.device,
        combination.loop,
        combination.precision,
        combination.cores,
        combination.images,
        combination.others,
    )


def _slug(case: Pooled, label: str) -> str:
    combination = case.combination
    parts = [combination.engine, combination.loop]
    if combination.precision != ASSUMED["precision"]:
        parts.append(combination.precision)
    return "-".join(map(slug, [*parts, *([label] if label else [])]))

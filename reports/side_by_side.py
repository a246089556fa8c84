"""Files side by side: those that tell the same facts share a side; a row is a fact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from reports import fingerprints, labels
from reports.fingerprints import (
    FINGERPRINT,
    GROUPS,
    HARD,
    PLAIN,
    SAVED,
    WEIGHTY,
    Difference,
    Fact,
    Place,
)
from reports.load import SavedFile

_TIME = (fingerprints.SOFT, SAVED)
_EXAMINED = 2000  # pairs of sides: hundreds of files that all differ take no minutes


@dataclass(frozen=True)
class Side:
    """One file, or several that tell the same but for the time.

    ``files`` names them, ``facts`` has what they tell by group and name.
    """

    files: tuple[str, ...]
    facts: Mapping[Place, Fact]

    @property
    def has_fingerprint(self) -> bool:
        """Whether the suite's own fingerprint is in it."""
        return (HARD, FINGERPRINT) in self.facts


@dataclass(frozen=True)
class Row:
    """One fact on all sides, None where a side does not tell it.

    ``differs`` is whether that is worth a look, ``forbids`` whether it forbids to
    compare some side with some other.
    """

    group: str
    name: str
    facts: tuple[Fact | None, ...]
    differs: bool
    forbids: bool

    @property
    def place(self) -> Place:
        """As of its facts."""
        return (self.group, self.name)


@dataclass(frozen=True)
class Forbidden:
    """Two sets of sides, by number from 0, that may not be compared, and why not."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    because: tuple[Difference, ...]


@dataclass(frozen=True)
class Verdicts:
    """What forbids a comparison; ``is_cut`` if there were more pairs to look at."""

    forbidden: tuple[Forbidden, ...]
    is_cut: bool


def sides(files: Sequence[SavedFile]) -> tuple[Side, ...]:
    """The sides of ``files``, in the order of their first ones."""
    everything = [fingerprints.of(file) for file in files]
    alike: dict[frozenset[Fact], list[int]] = {}
    for number, facts in enumerate(everything):
        timeless = frozenset([fact for fact in facts if fact.place != _TIME])
        alike.setdefault(timeless, []).append(number)
    names = labels.of(files)
    return tuple(
        [
            Side(
                tuple([names[number] for number in numbers]),
                {f.place: f for f in _merged([everything[n] for n in numbers])},
            )
            for numbers in alike.values()
        ]
    )


def rows(every: Sequence[Side]) -> tuple[Row, ...]:
    """A row for each fact that any side tells, those of a group together."""
    told = {place: None for side in every for place in side.facts}
    return tuple([_row(place, every) for place in sorted(told, key=_order)])


def verdicts(every: Sequence[Side]) -> Verdicts:
    """All that may not be compared, with sides that forbid the same taken together.

    Of very many that all differ, only some are looked at.
    """
    alike: dict[frozenset[Fact], list[int]] = {}
    for number, side in enumerate(every):
        alike.setdefault(frozenset(_weighty(side)), []).append(number)
    pairs = combinations(alike.values(), 2)
    found = tuple(_forbidden(every, islice(pairs, _EXAMINED)))
    return Verdicts(found, is_cut=next(pairs, None) is not None)


def _forbidden(
    every: Sequence[Side], pairs: Iterable[tuple[Sequence[int], Sequence[int]]]
) -> Iterator[Forbidden]:
    """Those of ``pairs`` of sets of sides, all of a set alike, that are forbidden."""
    for first, second in pairs:
        facts = [_weighty(every[numbers[0]]) for numbers in (first, second)]
        because = fingerprints.differences(*facts)
        if because:
            yield Forbidden(tuple(first), tuple(second), because)


def _order(place: Place) -> tuple[int, int]:
    """By group, the plain facts first; for the rest it is as they are told."""
    group, name = place
    plain = PLAIN.index(name) if group == HARD and name in PLAIN else len(PLAIN)
    return (GROUPS.index(group), plain)


def _weighty(side: Side) -> list[Fact]:
    return [each for each in side.facts.values() if each.group in WEIGHTY]


def _merged(alike: Sequence[Sequence[Fact]]) -> Iterator[Fact]:
    """The facts of files that tell the same, with the first and the last time."""
    times = sorted({str(f) for facts in alike for f in facts if f.place == _TIME})
    for fact in alike[0]:
        if fact.place == _TIME and len(times) > 1:
            yield Fact(*_TIME, (_period(times[0], times[-1]),))
        else:
            yield fact


def _period(first: str, last: str) -> str:
    """``2026-11-22 07:45 to 08:01 UTC``: what is the same is said once."""
    day, _, _ = first.partition(" ")
    return f"{first.removesuffix(' UTC')} to {last.removeprefix(f'{day} ')}"


def _row(place: Place, every: Sequence[Side]) -> Row:
    group, name = place
    facts = tuple([side.facts.get(place) for side in every])
    distinct = set(facts) - {None}
    # of a machine without a fingerprint nothing else is told either
    silent = [s for s, fact in zip(every, facts, strict=True) if fact is None]
    if group == HARD and name not in (FINGERPRINT, *PLAIN):
        silent = [side for side in silent if side.has_fingerprint]
    missed = bool(silent) and group in WEIGHTY
    return Row(
        group,
        name,
        facts,
        differs=len(distinct) > 1 or missed,
        forbids=(group == HARD and missed) or _any_forbids(distinct),
    )


def _any_forbids(distinct: Iterable[Fact | None]) -> bool:
    pairs = combinations([fact for fact in distinct if fact], 2)
    return any(a.forbids(b) for a, b in pairs)

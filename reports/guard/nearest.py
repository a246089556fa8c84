"""Why there is nothing to compare: the two cases that are most alike, and how not."""

from collections.abc import Iterable
from itertools import product

from reports.combination import FIELDS, Combination
from reports.guard import words
from reports.guard.pairing import Pairing
from reports.guard.sides import Sides

_LOOKED_AT = 300  # cases of a side: each is held against each


def nothing(compared: Sides, pairs: Pairing) -> str:
    """What base and head have instead of a case in common, in a line."""
    told = "; ".join(words.left(pairs))
    sides = [
        [case.combination for case in side.cases[:_LOOKED_AT]]
        for side in (compared.base, compared.head)
    ]
    base, head = min(product(*sides), key=lambda pair: len(_differing(*pair)))
    differ = _differing(base, head)
    if not differ:
        return f"no case to compare: {told}"
    how = ", ".join(
        f"{name} ({_said(base, name)} in base, {_said(head, name)} in head)"
        for name in differ
    )
    return f"no case to compare: {told}; {head.describe()} of head differs in {how}"


def _differing(base: Combination, head: Combination) -> list[str]:
    """Fields in which the two differ, the axes first."""
    names: Iterable[str] = FIELDS
    if base.others != head.others:
        names = (*FIELDS, *sorted({*dict(base.others), *dict(head.others)}))
    return [name for name in names if base.value(name) != head.value(name)]


def _said(case: Combination, name: str) -> str:
    value = case.value(name)
    return "none" if value is None else str(value)

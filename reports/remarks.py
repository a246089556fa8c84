"""Remarks: what is said of single rows, alike ones once, with the range of figures."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from reports.pool import Pooled

_FIGURE = re.compile(r"([0-9]+(?:\.[0-9]+)?)")
_UNTOLD = "by what, the file does not say"

Family = tuple[str, ...]


def of(cases: Sequence[Pooled]) -> list[tuple[str, ...]]:
    """What is to be said of each case: by its launches, of its rounds, of outcomes."""
    disturbances = _disturbances(cases)
    warnings = _warnings(cases)
    return [
        tuple(dict.fromkeys([*case.notes, *disturbed, *warned, *case.asides]))
        for case, disturbed, warned in zip(cases, disturbances, warnings, strict=True)
    ]


def family(sentence: str) -> Family:
    """What sentences have in common that differ in their figures only."""
    return tuple(_FIGURE.split(sentence)[::2])


def ranged(sentences: Sequence[str]) -> str:
    """Sentences of one family as one: ``0.31–0.83`` where a figure is not the same.

    A figure is shown as it was written.
    """
    pieces = []
    for place, each in enumerate(zip(*map(_FIGURE.split, sentences), strict=True)):
        if place % 2 == 0:
            pieces.append(each[0])
            continue
        low, high = min(each, key=float), max(each, key=float)
        pieces.append(low if float(low) == float(high) else f"{low}–{high}")
    return "".join(pieces)


def _disturbances(cases: Sequence[Pooled]) -> list[list[str]]:
    """A remark a family of disturbances, with its rounds in all cases that have it."""
    said: dict[Family, list[str]] = defaultdict(list)
    left_out: dict[Family, Counter[int]] = defaultdict(Counter)  # rounds by row
    for row, case in enumerate(cases):
        for reasons in case.left_out:
            for reason in reasons or (_UNTOLD,):
                said[family(reason)].append(reason)
            for each in {family(reason) for reason in reasons or (_UNTOLD,)}:
                left_out[each][row] += 1
    remarks: list[list[str]] = [[] for _ in cases]
    for each, sentences in said.items():
        rows = left_out[each]
        count, made = rows.total(), sum(cases[row].rounds for row in rows)
        were = "was" if count == 1 else "were"
        how = f"{count} of {made} rounds {were} disturbed and left out"
        remark = f"{how}: {ranged(sentences)}"
        for row in rows:
            remarks[row].append(remark)
    return remarks


def _warnings(cases: Sequence[Pooled]) -> list[list[str]]:
    """A remark a family of warnings, wherever one of it is."""
    said: dict[Family, list[str]] = defaultdict(list)
    for case in cases:
        for warning in case.warnings:
            said[family(warning)].append(warning)
    remarks = {each: ranged(sentences) for each, sentences in said.items()}
    return [[remarks[family(each)] for each in case.warnings] for case in cases]

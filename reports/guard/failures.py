"""Launches that failed beside others of the same case that have a time."""

from collections import Counter

from reports.guard.judging import Row
from reports.pool import Pooled


def of(row: Row) -> tuple[str, ...]:
    """``6 of 10 launches of head failed: crashed (SIGSEGV)``: a line a side and look.

    Nothing is said of a side without a time: its outcome stands in the table. Launches
    that had ended well in a try that failed are no part of any count.
    """
    looks = [("launches", row.first)]
    if row.second is not None:
        looks.append(("fresh launches", row.second))
    return tuple(
        [
            _told(case, launches, name)
            for launches, couple in looks
            for name, case in (("base", couple.base), ("head", couple.head))
            if case.failed
        ]
    )


def _told(case: Pooled, launches: str, side: str) -> str:
    kinds = Counter(map(str, case.failed))
    why = ", ".join([f"{count} {kind}" for kind, count in kinds.items()])
    if len(kinds) == 1:
        (why,) = kinds
    return f"{len(case.failed)} of {case.tried} {launches} of {side} failed: {why}"

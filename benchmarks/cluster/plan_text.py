"""A plan for people who have yet to decide: what it takes, with how many nodes."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from benchmarks.cluster.planning import Part, Plan, Refused

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0  # seconds


def text(plan: Plan) -> str:
    """``plan`` in a few lines: a table, its wall time, what cannot be measured."""
    return "\n".join([*_done(plan), *_left_out(plan.refused)]) or "nothing is due"


def duration(seconds: float) -> str:
    """``seconds`` to two digits or more: ``45 s``, ``12 min``, ``5.2 h``, ``3.1 d``."""
    if seconds < 1.5 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} d"


def _done(plan: Plan) -> list[str]:
    if not plan.parts:
        return []
    counts = list(plan.parts[0].by_nodes)
    headers = ["machine", "nodes", "cases", "launches", "work", "wall\ntime", "busy"]
    headers += [f"with\n{count}" for count in counts]
    table = tabulate(
        [_row(part, counts) for part in plan.parts],
        headers=headers,
        tablefmt="plain",
        colalign=["left"] + ["right"] * (len(headers) - 1),
        disable_numparse=True,
    )
    cases = sum(part.cases for part in plan.parts)
    return [
        table,
        f"expected wall time: {duration(plan.wall_seconds)}, or longer where cases "
        "scatter and get more launches",
        f"what launches take is known of {plan.known} of {cases} cases; that of the "
        "others is estimated",
    ]


def _row(part: Part, counts: Sequence[int]) -> list[str]:
    busy = [100 * use.seconds / part.wall_seconds for use in part.uses]
    return [
        part.machine.label,
        str(len(part.uses)),
        str(part.cases),
        str(part.launches),
        duration(part.seconds),
        duration(part.wall_seconds),
        _span(f"{min(busy):.0f}", f"{max(busy):.0f}"),
        *(duration(part.by_nodes[count]) for count in counts),
    ]


def _span(low: str, high: str) -> str:
    return f"{low} %" if low == high else f"{low}-{high} %"


def _left_out(refused: Iterable[Refused]) -> list[str]:
    """A line for each reason, with how many cases it concerns and one of them."""
    refused = list(refused)
    many = Counter(each.why for each in refused)
    first = {each.why: each.job.id for each in reversed(refused)}
    return [
        f"no node can measure {first[why]}: {why}"
        if number == 1
        else f"no node can measure {number} cases ({first[why]}, …): {why}"
        for why, number in many.most_common()
    ]

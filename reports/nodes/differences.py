"""Differences between nodes of one machine type, each with how sure it is."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

import numpy as np
from scipy.special import stdtr

from reports import labels, stats
from reports.guard import multiplicity
from reports.nodes import model
from reports.origins import Machine
from reports.pool import Pooled

#: Chance that any node is called slower or faster which is neither.
ALPHA = 0.05

_WIDEST = math.log(100)  # of half an interval: beyond it, it tells nothing


class Verdict(StrEnum):
    """What launches tell of a node; the last two are that they do not.

    ``AS_MOST`` is surely off the mean, which odd ones of its like pull, and not off
    their median.
    """

    SLOWER = "slower"
    FASTER = "faster"
    AS_MOST = "as most"
    WITHIN_NOISE = "within noise"
    UNSURE = "too few launches"
    ALONE = "not comparable"


@dataclass(frozen=True)
class Node:
    """A node beside the others of its type.

    ``type`` is what its machine is called, ``cases`` are those measured on it,
    ``shared`` those of them measured on others, too. ``group`` numbers the nodes of a
    type that can be compared, 0 for the first. ``factor`` is its seconds over the
    geometric mean of its group's, with its 95 % interval and the chance ``p`` of such a
    factor without a difference; None where nothing tells. ``scatter`` is a launch's
    standard deviation around case and node, as a share.
    """

    machine: Machine
    type: str
    name: str
    launches: int
    cases: int
    shared: int
    group: int
    factor: float | None
    low: float | None
    high: float | None
    p: float | None
    scatter: float | None
    verdict: Verdict


def differences(cases: Iterable[Pooled]) -> tuple[Node, ...]:
    """All nodes that launches of ``cases`` name, by machine and name, with verdicts.

    Those are by Holm's correction over all nodes that can be compared.
    """
    types: dict[Machine, list[Pooled]] = defaultdict(list)
    for case in cases:
        if any(launch.node for launch in case.launches):
            types[case.machine].append(case)
    called = labels.machines({at: some[0].label for at, some in types.items()})
    found = [node for at, some in types.items() for node in _of_type(called[at], some)]
    tested = np.array([np.nan if node.p is None else node.p for node in found])
    falls = multiplicity.holm(tested, ALPHA) if found else ()
    groups: dict[tuple[Machine, int], list[float]] = defaultdict(list)
    for node in found:
        groups[node.machine, node.group].append(node.factor or 1.0)
    middles = [median(groups[node.machine, node.group]) for node in found]
    judged = [
        replace(node, verdict=_verdict(node, middle, differs=bool(fall)))
        for node, middle, fall in zip(found, middles, falls, strict=True)
    ]
    return tuple(sorted(judged, key=lambda node: (node.type, node.group, node.name)))


def _of_type(called: str, cases: Sequence[Pooled]) -> list[Node]:
    """The nodes of one machine, without verdicts."""
    launches = [
        (number, launch.node, launch.median)
        for number, case in enumerate(cases)
        for launch in case.launches
        if launch.node
    ]
    names = sorted({node for _, node, _ in launches})
    numbers = {name: number for number, name in enumerate(names)}
    of_case = np.unique([case for case, _, _ in launches], return_inverse=True)[1]
    of_node = np.array([numbers[node] for _, node, _ in launches], dtype=np.intp)
    fit = model.fit(of_case, of_node, np.log([seconds for *_, seconds in launches]))
    pairs = np.unique(np.stack([of_case, of_node]), axis=1)
    on_several = np.bincount(pairs[0]) > 1
    made, measured = np.bincount(of_node), np.bincount(pairs[1])
    shared = np.bincount(pairs[1], on_several[pairs[0]])
    sizes = np.bincount(fit.groups)
    return [
        Node(
            cases[0].machine,
            called,
            name,
            int(made[number]),
            int(measured[number]),
            int(shared[number]),
            int(fit.groups[number]),
            *_figures(fit, number, is_alone=sizes[fit.groups[number]] == 1),
            None if fit.variance is None else math.sqrt(fit.variance),
            Verdict.ALONE,
        )
        for name, number in numbers.items()
    ]


def _figures(
    fit: model.Fit, number: int, *, is_alone: bool
) -> tuple[float | None, float | None, float | None, float | None]:
    """The factor, its interval, and p."""
    if is_alone:
        return None, None, None, None
    effect = float(fit.effects[number])
    factor = math.exp(effect)
    if fit.errors is None:
        return factor, None, None, None
    error = float(fit.errors[number])
    half = stats.t_quantile(fit.degrees) * error
    if half > _WIDEST:
        return factor, None, None, None
    p = 2 * float(stdtr(fit.degrees, -abs(effect) / error))
    return factor, math.exp(effect - half), math.exp(effect + half), p


def _verdict(node: Node, middle: float, *, differs: bool) -> Verdict:
    """By whether it ``differs`` from the mean of its group, whose median is given."""
    if node.factor is None:
        return Verdict.ALONE
    if node.low is None or node.high is None:
        return Verdict.UNSURE
    if not differs:
        return Verdict.WITHIN_NOISE
    if node.low <= middle <= node.high:
        return Verdict.AS_MOST
    return Verdict.SLOWER if node.factor > 1 else Verdict.FASTER

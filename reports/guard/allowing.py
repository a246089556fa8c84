"""Whether what was allowed to differ is anything at all: names are easily mistyped."""

from collections.abc import Sequence
from dataclasses import replace

from reports import fingerprints
from reports.errors import InputError, printable
from reports.fingerprints import HARD
from reports.guard.pairing import Pairing
from reports.guard.sides import Sides


def check(allow: Sequence[str], sides: Sides, pairings: Sequence[Pairing]) -> None:
    """Raise if one of ``allow`` is no fact of any side; ``pairings`` tell what differs.

    Raises
    ------
    InputError
        naming the facts that differ, or where none does those there are.
    """
    if not allow:
        return
    there = _facts(sides)
    unknown = [name for name in allow if name not in there]
    if not unknown:
        return
    differ = dict.fromkeys(
        each.name for found in pairings for each in (*found.refused, *found.allowed)
    )
    told = "what differs is" if differ else "nothing differs; there are"
    names = ", ".join(differ or there)
    raise InputError(
        f"--allow '{printable(unknown[0])}' is no fact of base or head: {told} {names}"
    )


def _facts(sides: Sides) -> dict[str, None]:
    """Names of all facts that may forbid a comparison: of machines, and engines."""
    every = (sides.base, sides.head, sides.fresh_base, sides.fresh_head)
    present = [side for side in every if side is not None]
    found = dict.fromkeys(
        fact.name
        for side in present
        for file in side.files
        # of its cases only the engines matter, and they may be thousands
        for fact in fingerprints.of(replace(file, cases=(), frontiers=()))
        if fact.group == HARD
    )
    engines = {case.combination.engine for side in present for case in side.cases}
    return found | dict.fromkeys(sorted(engines))

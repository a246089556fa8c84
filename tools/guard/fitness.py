"""Whether a base can be held against the cases of a session, asked before it begins."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.guard import Problem, advice, made_up
from tools.guard.counts import FEWEST, whole
from tools.guard.judge import Files, Judge

_LOOKS = 2
_LEAST = _LOOKS * FEWEST
_NAMED = 3  # cases of a line
_NEED = f"a case needs {_LEAST} that no other work disturbed, {FEWEST} for each look"


class NotComparable(Problem):
    """Base was measured on another machine; the text has a line for each fact."""


@dataclass(frozen=True)
class Fitness:
    """What cannot be guarded: node ids of cases, and a line that says so, or ""."""

    unguarded: frozenset[str]
    remark: str


def check(judge: Judge, base: Path) -> None:
    """Raise `Problem` where ``base``, or an option, is nothing to hold a run against.

    What takes the run's place is a copy, without the time by which it would be known
    for one.
    """
    files = [base] if base.is_file() else sorted(base.rglob("*.json"))
    if not files:
        raise Problem(f"there is no saved file in {base}")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy.json")
        try:
            document = json.loads(files[0].read_bytes())
            document.pop("datetime", None)
            copy.write_text(json.dumps(document), encoding="utf-8")
        except (OSError, ValueError, AttributeError):
            copy = files[0]  # the judge has the better words for what is wrong
        judge.without("--allow").look(Files([base], [copy]))


def check_launches(option: str, typed: str) -> None:
    """Raise `Problem` where so many launches are no test."""
    try:
        whole(typed, FEWEST)
    except ValueError as error:
        raise Problem(f"{option}: {error}") from None


def of(
    judge: Judge, base: Path, cases: Sequence[made_up.Case], machine: Mapping[str, Any]
) -> Fitness:
    """How ``base``, a file or a folder, suits ``cases`` as `made_up.write` takes them.

    ``machine`` is pytest-benchmark's ``machine_info`` of this one.

    Raises
    ------
    NotComparable
        if ``base`` is of another machine.
    Problem
        if it has none of the cases, or too few launches of each.
    """
    with tempfile.TemporaryDirectory() as scratch:
        head = made_up.write(Path(scratch, "head.json"), cases, machine)
        # Both halves: how many launches there are is the question.
        look = replace(judge, split_base=False).look(Files([base], [head]))
    if not look.rows:
        raise NotComparable("\n".join(advice.lines(look.said, judge.options)))
    launches = {
        row["node_id"]: row["launches_base"]
        for row in look.rows
        if row["outcome_base"] is None
    }
    if not launches:
        raise Problem(f"no selected case has a time in {base}")
    few = {case: count for case, count in launches.items() if count < _LEAST}
    if not few:
        return Fitness(frozenset(), "")
    save = f"save one by --launches {_LEAST} or more"
    if len(few) == len(launches):
        raise Problem(
            f"too few launches in {base} for any case: {_counted(few)}; {_NEED}; {save}"
        )
    remark = (
        f"not guarded, for too few launches in {base}: {_counted(few)}; {_NEED}; {save}"
    )
    return Fitness(frozenset(few), remark)


def _counted(launches: Mapping[str, int]) -> str:
    """The cases with how many each has, the first few of them by name."""
    told = [f"{case} has {count}" for case, count in launches.items()]
    more = len(told) - _NAMED
    return ", ".join(told[:_NAMED]) + (f" and {more} more cases" if more > 0 else "")

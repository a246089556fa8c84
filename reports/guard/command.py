"""What to type for the second look: fresh launches of the suspects and of no others."""

import re
from collections.abc import Sequence

from reports.combination import Value
from reports.guard.judging import Row, Word

# Names come from files that anyone may have written, and this is pasted into a shell,
# by way of make: what either would act upon is not among these.
_SAFE = re.compile(r"[\w./:\[\]@,+=-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_SHORT = 12  # of a commit
_LONGEST = 4000  # characters of names; beyond them the axes have to do
_UNKNOWN = "COMMIT"
#: Options of `pytest benchmarks` by axis: without them its grid may lack a case.
_OPTIONS = {
    "engine": "--engines",
    "device": "--devices",
    "size": "--sizes",
    "batch": "--batches",
    "cnmem": "--cnmem",
    "cores": "--cores",
    "loop": "--loops",
    "precision": "--precision-mode",
    "images": "--images",
}


def lines(rows: Sequence[Row], *, split: bool) -> list[str]:
    """How to decide about the suspects among ``rows``; nothing where there are none.

    With ``split`` the base cannot be measured again: head alone is.
    """
    suspects = [row for row in rows if row.word == Word.SUSPECT]
    if not suspects:
        return []
    words = _selecting(suspects)
    if split:
        launches = max(len(row.couple.head.launches) for row in suspects)
        command = " ".join(
            [
                "python -m pytest",
                words or "benchmarks/test_train.py",
                f"--launches {launches} --benchmark-json=fresh.json",
            ]
        )
        after = ", then this command again with --confirm-head fresh.json"
    else:
        commit = _base(suspects)
        # what follows the two dashes is pytest's
        selecting = f' ARGS="-- {words}"' if words else ""
        command = f"make guard BASE={commit}{selecting}"
        unknown = f" ({_UNKNOWN}: that of base, which its files do not tell)"
        after = unknown if commit == _UNKNOWN else ""
    return [f"to decide about the suspects: {command}{after}"]


def _selecting(suspects: Sequence[Row]) -> str:
    """Options and node ids for a shell; "" where the names are not to be trusted."""
    options = [
        f"{option} {','.join(map(str, values))}"
        for axis, option in _OPTIONS.items()
        if (values := _values(axis, suspects))
    ]
    ids = dict.fromkeys(row.node_id for row in suspects)
    named = [f"'{each}'" for each in ids]
    if not all(_SAFE.fullmatch(each) and "::" in each for each in ids):
        return ""
    if not all(_SAFE.fullmatch(each.split(" ", 1)[1]) for each in options):
        return ""
    fit = sum(map(len, named)) <= _LONGEST
    return " ".join([*options, *(named if fit else ())])


def _values(axis: str, suspects: Sequence[Row]) -> list[Value]:
    """What the suspects have on ``axis``, each once; a GPU's cases have all cores."""
    combinations = [row.couple.combination for row in suspects]
    found = [
        each.value(axis)
        for each in combinations
        if axis != "cores" or each.device == "cpu"
    ]
    return [value for value in dict.fromkeys(found) if value is not None]


def _base(suspects: Sequence[Row]) -> str:
    """The commit that all of them were first measured with, if it is one."""
    commits = {row.couple.base.code.commit for row in suspects}
    commit = commits.pop() if len(commits) == 1 else ""
    return commit[:_SHORT] if _COMMIT.fullmatch(commit) else _UNKNOWN

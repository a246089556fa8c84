"""What to type for the second look: fresh launches of the suspects and of no others."""

import re
from collections.abc import Sequence

from reports import stats, texts
from reports.combination import Value
from reports.guard.judging import Row, Word

# Names come from files that anyone may have written, and this is pasted into a shell,
# by way of make: what either would act upon is not among these. Within quotation marks
# a shell leaves the others alone, too.
_SAFE = re.compile(r"[\w./:\[\]@,+=-]+", re.ASCII)
_QUOTED = re.compile(r"[\w./:\[\]@,+=?&-]+", re.ASCII)
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
    "dataset": "--dataset",
}
#: Those that take one value, so that suspects of several are measured one by one.
_SINGLE = ("images", "dataset")
_NAMED = 10
_FEW = stats.LAUNCHES_FOR_INTERVAL


def lines(rows: Sequence[Row], *, split: bool) -> list[str]:
    """How to decide about the suspects among ``rows``; nothing where there are none.

    With ``split`` the base cannot be measured again: head alone is. Of suspects that
    were looked at again the launches were too few: the line says of which side.
    """
    suspects = [row for row in rows if row.word == Word.SUSPECT]
    new = [row for row in suspects if row.second is None]
    return [*_too_few(suspects, split=split), *_commands(new, split=split)]


def _too_few(suspects: Sequence[Row], *, split: bool) -> list[str]:
    """A line for the suspects of which the second look has as many launches a side."""
    groups: dict[tuple[int, int], list[str]] = {}
    for row in suspects:
        if row.second is not None:
            sides = (row.second.base, row.second.head)
            base, head = (len(side.launches) for side in sides)
            groups.setdefault((base, head), []).append(row.name)
    lines = []
    for (base, head), found in groups.items():
        named = texts.few(found, most=_NAMED)
        remedy = "measure them again, with more"
        if split and base < _FEW:
            remedy = (
                "the second look has half of base's: save a base of "
                f"{2 * _FEW} launches or more"
            )
        lines.append(
            f"not decided by the second look: {named}: launches that count there are "
            f"{base} of base and {head} of head, and it takes {_FEW} of each; {remedy}"
        )
    return lines


def _commands(suspects: Sequence[Row], *, split: bool) -> list[str]:
    """What to type for those that were not looked at again, of which there may be none.

    Of several datasets, or numbers of images, each has a command of its own.
    """
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in suspects:
        combination = row.couple.combination
        key = tuple([combination.value(axis) for axis in _SINGLE])
        groups.setdefault(key, []).append(row)
    if split:
        return [_head_alone(list(groups.values()))] if groups else []
    return [_both_sides(each) for each in groups.values()]


def _head_alone(groups: Sequence[Sequence[Row]]) -> str:
    commands, files = [], []
    for number, suspects in enumerate(groups, 1):
        files.append("fresh.json" if number == 1 else f"fresh-{number}.json")
        launches = max(len(row.couple.head.launches) for row in suspects)
        commands.append(
            f"python -m pytest {_selecting(suspects) or 'benchmarks/test_train.py'} "
            f"--launches {launches} --benchmark-json={files[-1]}"
        )
    return (
        f"to decide about the suspects: {'; '.join(commands)}, then this command again "
        f"with --confirm-head {' '.join(files)}"
    )


def _both_sides(suspects: Sequence[Row]) -> str:
    words, commit = _selecting(suspects), _base(suspects)
    # what follows the two dashes is pytest's
    selecting = f' ARGS="-- {words}"' if words else ""
    unknown = f" ({_UNKNOWN}: that of base, which its files do not tell)"
    after = unknown if commit == _UNKNOWN else ""
    return f"to decide about the suspects: make guard BASE={commit}{selecting}{after}"


def _selecting(suspects: Sequence[Row]) -> str:
    """Options and node ids for a shell; "" where the names are not to be trusted."""
    values = {
        option: ",".join(map(str, found))
        for axis, option in _OPTIONS.items()
        if (found := _values(axis, suspects))
    }
    ids = dict.fromkeys(row.node_id for row in suspects)
    named = [f"'{each}'" for each in ids]
    if not all(_SAFE.fullmatch(each) and "::" in each for each in ids):
        return ""
    if not all(map(_QUOTED.fullmatch, values.values())):
        return ""
    options = [
        f"{option} {value}" if _SAFE.fullmatch(value) else f"{option} '{value}'"
        for option, value in values.items()
    ]
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

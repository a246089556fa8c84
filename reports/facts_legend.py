"""The lines around the table of facts: whose they are, and what may not be compared."""

from collections.abc import Iterator, Sequence

from reports import side_by_side, texts
from reports.errors import printable
from reports.facts_table import LABEL, cut, letters
from reports.fingerprints import DATA, ENGINE, HARD, SOFT
from reports.flat import NOTHING
from reports.load import SavedFile
from reports.side_by_side import Forbidden, Row, Side, Verdicts

_NAMED = 8
_REASONS = 4
_COMMIT = ((SOFT, "commit"), (SOFT, "dirty"))
_MEANINGS = (
    (
        HARD,
        "hard facts that differ are of two machines: no case of one is compared with "
        "one of the other, and their launches are never pooled",
    ),
    (
        ENGINE,
        "an engine's version that differs in what may break it (2 of 2.21, 0.10 of "
        "0.10.2): its cases are not compared",
    ),
    (
        DATA,
        "dataset, precision: only cases of the same are compared, but for tf32 and "
        "bfloat16 on a GPU with float32 on a CPU, which is marked",
    ),
)


def above(sides: Sequence[Side], files: Sequence[SavedFile]) -> Iterator[str]:
    """Which ``files`` the columns are of, where their headings do not say it all."""
    if len(files) == 1:
        yield f"facts of {sides[0].files[0]}"
        return
    paths = {file.path for file in files}
    what = f"{len(paths)} files"
    if len(paths) < len(files):
        where = printable(str(files[0].path)) if len(paths) == 1 else what
        what = f"{len(files)} machines in {where}"
    same = "all tell the same facts" if len(sides) == 1 else f"{len(sides)} columns"
    yield f"{what}; {same}"
    for number, side in enumerate(sides):
        if len(side.files) > 1 or len(side.files[0]) > LABEL:
            yield f"{letters(number)}: {_listed(side.files)}"


def below(rows: Sequence[Row], hidden: int, sides: Sequence[Side]) -> Iterator[str]:
    """What is not in ``rows``, and which ``sides`` may not be compared."""
    if any(fact.values == (NOTHING,) for row in rows for fact in row.facts if fact):
        yield f"{NOTHING} there is none, or nobody tells"
    if hidden:
        facts = "1 more fact" if hidden == 1 else f"{hidden} more facts"
        same = " do not differ" if len(sides) > 1 else ""
        yield f"{facts}{same}; --all shows them"
    bare = [name for side in sides if not side.has_fingerprint for name in side.files]
    if bare:
        yield (
            f"no fingerprint in {_listed(bare)}: what pytest-benchmark itself tells of "
            "the machine is all there is"
        )
    if len(sides) == 1 and any(row.group == ENGINE for row in rows):
        yield dict(_MEANINGS)[ENGINE]
    if any(row.place in _COMMIT and row.differs for row in rows):
        yield (
            "commit, dirty: a case that one machine measured with both is left out of "
            "other tables, since its launches are of different code"
        )
    if sum(len(side.files) for side in sides) > 1:
        yield from _verdicts(side_by_side.verdicts(sides))


def _verdicts(verdicts: Verdicts) -> Iterator[str]:
    """A line for each two sets of sides that may not be compared, and what it means."""
    forbidden = verdicts.forbidden
    if not forbidden:
        which = "those pairs that were looked at" if verdicts.is_cut else "these files"
        yield f"nothing forbids a comparison of {which}"
    for each in forbidden[:_NAMED]:
        first, second = (_listed([*map(letters, s)]) for s in (each.first, each.second))
        yield f"no comparison of {first} with {second}: {_because(each)}"
    if len(forbidden) > _NAMED:
        least = "at least " if verdicts.is_cut else ""
        yield f"and {least}{len(forbidden) - _NAMED} more such pairs"
    groups = {difference.group for each in forbidden for difference in each.because}
    for group, meaning in _MEANINGS:
        if group in groups:
            yield meaning


def _because(forbidden: Forbidden) -> str:
    # the GPU is what a machine is chosen for
    gpus_first = sorted(forbidden.because, key=lambda d: not d.name.startswith("gpus"))
    told = [
        f"{cut(each.name)} ({cut(each.first)} / {cut(each.second)})"
        for each in gpus_first
    ]
    return texts.few(told, most=_REASONS)


def _listed(names: Sequence[str]) -> str:
    return texts.few(names, most=_NAMED)

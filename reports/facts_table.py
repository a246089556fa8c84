"""The columns of the table of facts: for people one a side, for programs the values."""

import re
import string
from collections.abc import Sequence

from reports.fingerprints import DATA, ENGINE, NOT_SAVED, PACKAGE, WEIGHTY, Fact
from reports.side_by_side import Row, Side
from reports.tables import Column

_FORBIDS, _NOTED, _SAME = "forbids a comparison", "noted", "same"
#: Of one side alone, of which nothing differs.
_WOULD_FORBID, _WOULD_NOTE = "would forbid a comparison", "would be noted"
_NO_CASE = "no case"
#: Characters of a file's name in a heading.
LABEL = 24
_WIDEST = 40  # of a cell
_LONGEST = 300  # of a value for programs
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b")  # commits, SHA-1 and longer


def shown(rows: Sequence[Row], sides: Sequence[Side]) -> tuple[Column, ...]:
    """A row for each fact, a column for each of ``sides``."""
    columns = [
        Column(
            _heading(number, side),
            tuple([_cell(row, row.facts[number], side) for row in rows]),
            "left",
        )
        for number, side in enumerate(sides)
    ]
    return (
        Column("group", tuple([row.group for row in rows]), "left"),
        Column("fact", tuple([cut(row.name) for row in rows]), "left"),
        *columns,
        Column(
            "verdict" if len(sides) > 1 else "where it differs",
            tuple([_verdict(row, sides) for row in rows]),
            "left",
        ),
    )


def data(rows: Sequence[Row], sides: Sequence[Side]) -> tuple[Column, ...]:
    """A row for each fact and file."""
    found = [
        (row, name, fact)
        for row in rows
        for side, fact in zip(sides, row.facts, strict=True)
        for name in side.files
    ]
    values = [cut(str(fact), _LONGEST) if fact else None for *_, fact in found]
    return (
        Column("group", tuple([row.group for row, *_ in found]), "left"),
        Column("fact", tuple([cut(row.name, _LONGEST) for row, *_ in found]), "left"),
        Column("source", tuple([name for _, name, _ in found]), "left"),
        Column("value", tuple(values), "left"),
        Column("verdict", tuple([_verdict(row, sides) for row, *_ in found]), "left"),
    )


def letters(number: int) -> str:
    """What side ``number``, from 0, is called: A, B and so on; after Z comes AA."""
    rest, last = divmod(number, len(string.ascii_uppercase))
    return (letters(rest - 1) if rest else "") + string.ascii_uppercase[last]


def cut(text: str, most: int = _WIDEST) -> str:
    """``text`` with its middle left out where it is longer than ``most`` characters."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def _heading(number: int, side: Side) -> str:
    more = f" +{len(side.files) - 1}" if len(side.files) > 1 else ""
    return f"{letters(number)} {cut(side.files[0], LABEL)}{more}"


def _cell(row: Row, fact: Fact | None, side: Side) -> str:
    if fact is not None:
        return _told(fact)
    engine, _, _ = row.name.partition(".")
    of_cases = row.group in (ENGINE, DATA, PACKAGE)
    return _NO_CASE if of_cases and (ENGINE, engine) not in side.facts else NOT_SAVED


def _told(fact: Fact) -> str:
    """``fact`` for people: digests by their first 12 digits, and no longer than 40."""
    return cut(_DIGEST.sub(r"\1", str(fact)))


def _verdict(row: Row, sides: Sequence[Side]) -> str:
    """What the differences in it mean, or on one side what any would."""
    if len(sides) == 1:
        return _WOULD_FORBID if row.group in WEIGHTY else _WOULD_NOTE
    if row.forbids:
        return _FORBIDS
    return _NOTED if row.differs else _SAME

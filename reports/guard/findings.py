"""All that the guard found, and how it is written in each format."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from reports import cases, tables
from reports.guard import command, comment, table, words
from reports.guard.judging import REGRESSIONS, Row, Word
from reports.guard.pairing import Pairing
from reports.guard.sides import Sides
from reports.guard.testing import Limits
from reports.nodes import note
from reports.tables import Table

_FOR_PROGRAMS = ("csv", "json")


@dataclass(frozen=True)
class Findings:
    """``rows`` with what matters first, what was compared, and what was left out.

    ``remarks`` are further lines for people.
    """

    rows: tuple[Row, ...]
    sides: Sides
    pairing: Pairing
    limits: Limits
    split: bool
    remarks: tuple[str, ...] = ()


def text(found: Findings, arguments: argparse.Namespace) -> str:
    """The findings in the format asked for."""
    if arguments.format in _FOR_PROGRAMS:
        below = (*words.legend(found.rows, found.limits), *_further(found))
        whole = Table((), table.data(found.rows), _above(found), below, table.NAME)
        return tables.render([whole], arguments)
    if arguments.format == "github":
        return _comment(found, arguments)
    picked, hidden = table.pick(found.rows, arguments)
    columns, marks = table.shown(found.rows, picked)
    below = (
        *hidden,
        *words.legend(found.rows, found.limits),
        *marks,
        *_further(found),
    )
    return tables.render([Table(columns, (), _above(found), below)], arguments)


def _comment(found: Findings, arguments: argparse.Namespace) -> str:
    """GitHub's: what is the same is folded away, with the legend."""
    same = [row for row in found.rows if row.word == Word.SAME]
    matters = [row for row in found.rows if row.word != Word.SAME]
    above = _above(found)
    return comment.text(
        f"{_state(found.rows)}: {words.counts(found.rows)}",
        _part(found, matters, above[1:2], _further(found), arguments),
        _part(
            found, same, above[2:], words.legend(found.rows, found.limits), arguments
        ),
        f"{words.cases(len(same))} the same; what was compared, and what words mean",
        arguments,
    )


def _part(
    found: Findings,
    rows: Sequence[Row],
    above: tuple[str, ...],
    below: Sequence[str],
    arguments: argparse.Namespace,
) -> Table:
    """A table of some of the rows; without columns where there are none."""
    picked, hidden = table.pick(rows, arguments)
    columns, marks = table.shown(found.rows, picked) if picked else ((), ())
    return Table(columns, (), above, (*hidden, *marks, *below))


def _state(rows: Sequence[Row]) -> str:
    """The mark of a comment's heading."""
    there = {row.word for row in rows}
    if there & set(REGRESSIONS):
        return "Guard failed"
    return "Guard undecided" if Word.SUSPECT in there else "Guard passed"


def _above(found: Findings) -> tuple[str, ...]:
    heads = [row.couple.head for row in found.rows]
    return (
        words.outcome(found.rows),
        words.power(found.rows, found.limits),
        words.sides(found.sides.base, found.sides.head),
        cases.what_was_read(found.sides.head.files, heads),
        words.meaning(found.limits),
    )


def _slow_nodes(sides: Sides) -> tuple[str, ...]:
    """A line if nodes of a cluster, of base and head together, are surely slower."""
    base, head = sides.base, sides.head
    return note.lines((*base.files, *head.files), (*base.cases, *head.cases))


def _further(found: Findings) -> tuple[str, ...]:
    return (
        *words.left(found.pairing),
        *_slow_nodes(found.sides),
        *found.remarks,
        *command.lines(found.rows, split=found.split),
    )

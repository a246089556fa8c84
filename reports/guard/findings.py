"""All that the guard found, and how it is written in each format."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from reports import cases, tables
from reports.fingerprints import Difference
from reports.guard import command, comment, failures, refusal, table, words
from reports.guard.judging import Row, Word
from reports.guard.pairing import Pairing
from reports.guard.sides import Sides
from reports.guard.testing import Limits
from reports.nodes import note
from reports.tables import Table

_FOR_PROGRAMS = ("csv", "json")


@dataclass(frozen=True)
class Findings:
    """``rows`` with what matters first, what was compared, and what was left out.

    ``refused`` are the facts that forbid more, ``remarks`` further lines for people.
    """

    rows: tuple[Row, ...]
    sides: Sides
    pairing: Pairing
    limits: Limits
    split: bool
    refused: tuple[Difference, ...] = ()
    remarks: tuple[str, ...] = ()


def text(found: Findings, arguments: argparse.Namespace) -> str:
    """The findings in the format asked for: why, where nothing could be compared."""
    first = []
    if found.refused:
        first.append(refusal.table(found.refused, is_all=not found.rows))
    if arguments.format == "github":
        return _comment(found, first, arguments)
    rest = [_whole(found, arguments)] if found.rows else []
    return tables.render([*first, *rest], arguments)


def _whole(found: Findings, arguments: argparse.Namespace) -> Table:
    """The table of all rows that the format has room for."""
    if arguments.format in _FOR_PROGRAMS:
        below = (*words.legend(found.rows, found.limits), *_further(found))
        return Table((), table.data(found.rows), _above(found), below, table.NAME)
    picked, hidden = table.pick(found.rows, arguments)
    columns, marks = table.shown(found.rows, picked)
    below = (
        *hidden,
        *words.legend(found.rows, found.limits),
        *marks,
        *_further(found),
    )
    return Table(columns, (), _above(found), below)


def _comment(
    found: Findings, first: Sequence[Table], arguments: argparse.Namespace
) -> str:
    """GitHub's: what is the same is folded away, with the legend."""
    heading = words.heading(found.rows, comparable=not found.refused)
    if not found.rows:
        return comment.alone(heading, first, arguments)
    same = [row for row in found.rows if _is_quiet(row)]
    matters = [row for row in found.rows if not _is_quiet(row)]
    above = _above(found)
    return comment.text(
        heading,
        [*first, _part(found, matters, above[1:2], _further(found), arguments)],
        _part(
            found, same, above[2:], words.legend(found.rows, found.limits), arguments
        ),
        f"{words.cases(len(same))} the same; what was compared, and what words mean",
        arguments,
    )


def _is_quiet(row: Row) -> bool:
    return row.word == Word.SAME and not failures.of(row)


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

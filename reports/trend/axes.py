"""Axes: which case a row is of, on which machine, and how its times are written."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import structs

from reports import cases, labels
from reports.origins import Machine
from reports.pool import Pooled
from reports.tables import Column
from reports.trend import cells
from reports.trend.points import History


def shown(rows: Sequence[Pooled], names: Mapping[Machine, str]) -> tuple[Column, ...]:
    """The columns for people; the machine is one if there are several ``names``."""
    several = len(set(names.values())) > 1
    machine = (_machine(rows, names),) if several else ()
    return (*cases.axis_columns(_as_of_one(rows)), *machine)


def data(rows: Sequence[Pooled], names: Mapping[Machine, str]) -> tuple[Column, ...]:
    """The same for programs."""
    return (*cases.axis_data(_as_of_one(rows)), _machine(rows, names))


def machines(histories: Sequence[History]) -> dict[Machine, str]:
    """A name for each machine, no two alike."""
    return labels.machines({each.machine: each.label for each in histories})


def clock(histories: Sequence[History]) -> Callable[[datetime], str]:
    """How to write times: to the day if that tells the points of a case apart."""
    for history in histories:
        for before, after in pairwise(history.points):
            if before.when.date() == after.when.date():
                return cells.minute
    return cells.day


def _as_of_one(rows: Sequence[Pooled]) -> list[Pooled]:
    """So that the files, of which a history has many, do not stand for the machine."""
    return [structs.replace(each, machine=rows[0].machine) for each in rows]


def _machine(rows: Sequence[Pooled], names: Mapping[Machine, str]) -> Column:
    return Column("machine", tuple([names[each.machine] for each in rows]), "left")

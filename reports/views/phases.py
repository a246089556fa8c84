"""Where the time of launches goes: set-up, compiling, measured training, the rest."""

import argparse
from collections.abc import Sequence

from reports import cases, marks, phase_cells, phase_total, phases, tables, texts
from reports.errors import InputError
from reports.phases import Row
from reports.pool import Pooled
from reports.saved import Saved
from reports.tables import Column, Table

HELP = "Where a launch's time goes, and how much of it is measured training."
EXAMPLE = "python -m reports phases .benchmarks/"

_CASES = "cases"
_REST, _WALL = "rest", "wall"
_MEDIANS = "medians over launches; those of the parts need not add up to the wall time"
_MERGED = (
    "set-up: imports, images and network; first: compiling, and the warm-up epoch; "
    "measured: rounds that count"
)
_LOST = "lost: disturbed rounds, and waiting for a quiet machine"
_OTHER = (
    "other: starting and ending the process, what the loop takes around epochs, "
    "reading back a GPU's memory pool, and the rest"
)
_NO_WALL = "— not told by the file: older ones have no wall time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of tables."""
    tables.add_options(parser, phase_total.NAME, _CASES)


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """The sums over all launches, and each case's medians.

    Raises
    ------
    InputError
        if no file holds a case, or if none of them tells its phases.
    """
    files = cases.training(saved.files)
    timed = [case for case in saved.cases if case.outcome is None]
    rows = phases.rows(timed)
    absent = _absent(saved.cases, rows)
    if not rows:
        raise InputError(f"no phases to show: {'; '.join(absent) or 'no case is left'}")
    read = cases.what_was_read(files, [row.case for row in rows])
    each = _each_case(rows, read, (*saved.slow_nodes, *absent))
    return phase_total.table(rows, read), each


def _absent(pooled: Sequence[Pooled], rows: Sequence[Row]) -> tuple[str, ...]:
    """A line each on cases that have no row, and why."""
    shown = {(row.case.combination, row.case.machine) for row in rows}
    silent = [
        case.combination.describe()
        for case in pooled
        if not case.outcome and (case.combination, case.machine) not in shown
    ]
    untimed = sum(case.outcome is not None for case in pooled)
    lines = []
    if silent:
        named = texts.few(silent, "; ")
        lines.append(f"saved without phases, and not shown: {named}")
    if untimed:
        count = "1 case has" if untimed == 1 else f"{untimed} cases have"
        lines.append(f"{count} no time: what was spent on that, no file tells")
    return tuple(lines)


def _each_case(rows: Sequence[Row], read: str, absent: Sequence[str]) -> Table:
    pooled = [row.case for row in rows]
    marked = marks.of([phase_cells.contradictions([row]) for row in rows])
    lost = any(row.median_of("lost") or 0 for row in rows)
    return Table(
        name=_CASES,
        shown=(*cases.axis_columns(pooled), *_shown(rows, marked, lost=lost)),
        data=(*cases.axis_data(pooled), *_data(rows)),
        above=(read, _MEDIANS),
        below=(
            *cases.loops_explained(pooled),
            _MERGED,
            *([_LOST] if lost else []),
            _OTHER,
            *([_NO_WALL] if any(row.median_of(_WALL) is None for row in rows) else []),
            *absent,
            *marked.lines,
        ),
    )


def _shown(
    rows: Sequence[Row], marked: marks.Marked, *, lost: bool
) -> tuple[Column, ...]:
    """Small parts together; each row to the digits of its wall time."""
    launches = [
        f"{_launches(row)} {mark}".rstrip()
        for row, mark in zip(rows, marked.rows, strict=True)
    ]
    places = [max(map(phase_cells.decimals, row.accounts)) for row in rows]
    names = ("set_up", "first", "measured", *(["lost"] if lost else []), "other", _WALL)
    shares = [phase_cells.percent(row.median_of("measured_percent")) for row in rows]
    return (
        Column("launches", tuple(launches)),
        *(
            Column(f"{name.replace('_', '-')} (s)", _seconds(rows, name, places))
            for name in names
        ),
        Column("measured (%)", tuple(shares)),
    )


def _seconds(rows: Sequence[Row], name: str, places: Sequence[int]) -> tuple[str, ...]:
    pairs = zip(rows, places, strict=True)
    return tuple([phase_cells.seconds(row.median_of(name), n) for row, n in pairs])


def _data(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Every part by itself."""
    names = (*phases.PARTS, _REST, _WALL)
    shares = [row.median_of("measured_percent") for row in rows]
    return (
        Column("launches", tuple([len(row.accounts) for row in rows])),
        *(
            Column(f"{name}_seconds", tuple([row.median_of(name) for row in rows]))
            for name in names
        ),
        Column("measured_percent", tuple(shares)),
    )


def _launches(row: Row) -> str:
    told, made = len(row.accounts), len(row.case.launches)
    return str(told) if told == made else f"{told} of {made}"

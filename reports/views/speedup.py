"""How many times faster a GPU is than CPU cores, and each case than its baseline."""

import argparse
from collections.abc import Sequence

from reports import (
    baseline,
    cases,
    cells,
    digits,
    gpu_table,
    legend,
    marks,
    other_table,
    remarks,
    tables,
)
from reports.comparison import Compared, compare
from reports.errors import InputError, printable
from reports.saved import Saved
from reports.tables import Column, Table

HELP = "Speed-up of a GPU over CPU cores, and of every case over its baseline."
EXAMPLE = "python -m reports speedup --baseline device=cpu,cores=2 .benchmarks/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--baseline`` and the options of tables."""
    parser.add_argument(
        "--baseline",
        metavar="AXIS=VALUE[,…]",
        help="compare each case with the one that differs from it in these axes only "
        f"(default: {baseline.DEFAULT})",
    )
    tables.add_options(parser, gpu_table.NAME, other_table.NAME, "cases")


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """The GPU against CPU cores, other projects' cases, and each case by itself.

    Raises
    ------
    InputError
        if no file holds a case, or if none is a baseline such as was asked for.
    """
    others = other_table.table(saved.files)
    if others is not None and not saved.cases:
        return (others,)
    each = _each_case(saved, arguments.baseline)
    found = (gpu_table.table(saved), others, each)
    return tuple(table for table in found if table is not None)


def _each_case(saved: Saved, asked: str | None) -> Table:
    files = cases.training(saved.files)
    everything = saved.cases
    pooled = [each for each in everything if cases.has_run(each)]
    cannot = legend.unsupported(
        [each for each in everything if not cases.has_run(each)]
    )
    if not pooled:
        raise InputError(f"nothing to show: {'; '.join(cannot) or 'no case is left'}")
    combinations = [case.combination for case in pooled]
    chosen = baseline.parse(baseline.DEFAULT if asked is None else asked, combinations)
    unmeasured = baseline.why_unmeasured(chosen, combinations)
    if unmeasured and asked is not None:
        raise InputError(f"--baseline {printable(asked)}: {unmeasured}")
    rows = [row for row in compare(everything, chosen) if cases.has_run(row.case)]
    said = remarks.of(pooled)
    marked = marks.of(said)
    notes = (*cases.loops_explained(pooled), *legend.lines(rows))
    # a machine with a GPU only still gets its times: nobody asked for the default
    other = "reports speedup --baseline takes another"
    last = f"— no row has a baseline: {unmeasured}; {other}"
    gaps = [last] if unmeasured else legend.gaps(rows)
    return Table(
        name="cases",
        shown=(*cases.axis_columns(pooled), *_shown(rows, marked)),
        data=lambda: (*cases.axis_data(pooled), *_data(rows, said)),
        above=(cases.what_was_read(files, pooled), _meaning(chosen)),
        below=(*notes, *saved.slow_nodes, *gaps, *cannot, *marked.lines),
    )


def _meaning(chosen: baseline.Baseline) -> str:
    return (
        f"speed-up = seconds of the same case with {chosen} / seconds of the row: "
        "above 1 is faster"
    )


def _shown(rows: Sequence[Compared], marked: marks.Marked) -> tuple[Column, ...]:
    launches = [
        f"{_launches(row)} {mark}".rstrip()
        for row, mark in zip(rows, marked.rows, strict=True)
    ]
    speeds = [_number(row.images_per_second) for row in rows]
    energies = [_number(row.case.joules) for row in rows]
    metered = any(row.case.joules is not None for row in rows)
    energy = Column("energy (J/epoch)", tuple(energies))
    return (
        Column("launches ×rounds", tuple(launches)),
        Column("epoch (s)", tuple([cells.epoch(row) for row in rows])),
        Column("images/s", tuple(speeds)),
        *([energy] if metered else []),
        Column("speed-up", tuple([cells.speedup(row) for row in rows])),
    )


def _data(
    rows: Sequence[Compared], said: Sequence[Sequence[str]]
) -> tuple[Column, ...]:
    times = [row.time for row in rows]
    speedups = [row.speedup for row in rows]
    rounds = [row.case.rounds - len(row.case.left_out) for row in rows]
    others = ["yes" if row.codes_differ else None for row in rows]
    precisions = [row.baseline.precision if row.speedup else None for row in rows]
    return (
        Column("launches", tuple([t.launches if t else None for t in times])),
        Column("rounds_total", tuple([count or None for count in rounds])),
        Column("seconds", tuple([t.seconds if t else None for t in times])),
        Column("seconds_low", tuple([t.low if t else None for t in times])),
        Column("seconds_high", tuple([t.high if t else None for t in times])),
        Column("images_per_second", tuple([row.images_per_second for row in rows])),
        Column("speedup", tuple([s.ratio if s else None for s in speedups])),
        Column("speedup_low", tuple([s.low if s else None for s in speedups])),
        Column("speedup_high", tuple([s.high if s else None for s in speedups])),
        Column("baseline_precision", tuple(precisions), "left"),
        Column("other_commit", tuple(others), "left"),
        *_how_measured(rows),
        Column("notes", tuple([" | ".join(each) for each in said]), "left"),
    )


def _how_measured(rows: Sequence[Compared]) -> tuple[Column, ...]:
    """None where all files are from before any of it was saved."""
    pooled = [row.case for row in rows]
    told = [(c.outcome, c.asides, c.stopped, c.left_out, c.meters) for c in pooled]
    if not any(map(any, told)):
        return ()
    kinds = [case.outcome.kind if case.outcome else None for case in pooled]
    stopped = [dict.fromkeys(s.why for s in case.stopped) for case in pooled]
    left_out = [None if case.outcome else len(case.left_out) for case in pooled]
    return (
        Column("outcome", tuple(kinds), "left"),
        Column("disturbed_rounds", tuple(left_out)),
        Column("stopped", tuple([" | ".join(each) for each in stopped]), "left"),
        Column("half_width", tuple([legend.half_width(row) for row in rows])),
        Column("joules", tuple([case.joules for case in pooled])),
    )


def _launches(row: Compared) -> str:
    if row.time is None:
        return "—"
    rounds = [launch.rounds for launch in row.case.launches]
    few, many = min(rounds), max(rounds)
    return f"{len(rounds)}×{few}" if few == many else f"{len(rounds)}×{few}–{many}"


def _number(value: float | None) -> str:
    return "—" if value is None else digits.number(value)

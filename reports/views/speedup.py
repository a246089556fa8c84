"""How long an epoch takes, and how many times faster a case is than its baseline."""

import argparse
from collections.abc import Sequence

from reports import baseline, cases, digits, marks, stats, tables
from reports.comparison import Compared, compare
from reports.errors import InputError, printable
from reports.load import Saved
from reports.pool import pool
from reports.tables import Column, Table

HELP = "Time of an epoch, images/s and speed-up of every case over its baseline."
EXAMPLE = "python -m reports speedup --baseline device=cpu,cores=2 .benchmarks/"

_FEW = stats.LAUNCHES_FOR_INTERVAL
_NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--baseline`` and ``--format``."""
    parser.add_argument(
        "--baseline",
        metavar="AXIS=VALUE[,…]",
        help="compare each case with the one that differs from it in these axes only "
        f"(default: {baseline.DEFAULT})",
    )
    tables.add_format(parser)


def report(saved: Saved, arguments: argparse.Namespace) -> str:
    """The table of all training cases in ``saved``.

    Raises
    ------
    InputError
        if there is none, or if none is a baseline such as was asked for.
    """
    files = cases.training(saved.files)
    pooled = pool(files)
    combinations = [case.combination for case in pooled]
    asked = arguments.baseline
    chosen = baseline.parse(baseline.DEFAULT if asked is None else asked, combinations)
    unmeasured = baseline.why_unmeasured(chosen, combinations)
    if unmeasured and asked is not None:
        raise InputError(f"--baseline {printable(asked)}: {unmeasured}")
    rows = compare(pooled, chosen)
    marked = marks.of([case.notes for case in pooled])
    notes = (*cases.loops_explained(pooled), *_notes(rows))
    # a machine with a GPU only still gets its times: nobody asked for the default
    last = f"— no row has a baseline: {unmeasured}; choose one with --baseline"
    table = Table(
        shown=(*cases.axis_columns(pooled), *_shown(rows, marked)),
        data=(*cases.axis_data(pooled), *_data(rows)),
        above=(cases.what_was_read(files, pooled), _meaning(chosen)),
        below=(*notes, *([last] if unmeasured else _gaps(rows)), *marked.lines),
    )
    return tables.render(table, arguments.format)


def _meaning(chosen: baseline.Baseline) -> str:
    return (
        f"speed-up = seconds of the same case with {chosen} / seconds of the row: "
        "above 1 is faster"
    )


def _shown(rows: Sequence[Compared], marked: marks.Marked) -> tuple[Column, ...]:
    speeds = [digits.number(row.images_per_second) for row in rows]
    launches = [
        f"{_launches(row)} {mark}".rstrip()
        for row, mark in zip(rows, marked.rows, strict=True)
    ]
    return (
        Column("launches ×rounds", tuple(launches)),
        Column("epoch (s)", tuple([_epoch(row.time) for row in rows])),
        Column("images/s", tuple(speeds)),
        Column("speed-up", tuple([_speedup(row) for row in rows])),
    )


def _data(rows: Sequence[Compared]) -> tuple[Column, ...]:
    rounds = [sum(len(each.seconds) for each in row.case.launches) for row in rows]
    times = [row.time for row in rows]
    speedups = [row.speedup for row in rows]
    precisions = [row.baseline.precision if row.speedup else None for row in rows]
    return (
        Column("launches", tuple([time.launches for time in times])),
        Column("rounds_total", tuple(rounds)),
        Column("seconds", tuple([time.seconds for time in times])),
        Column("seconds_low", tuple([time.low for time in times])),
        Column("seconds_high", tuple([time.high for time in times])),
        Column("images_per_second", tuple([row.images_per_second for row in rows])),
        Column("speedup", tuple([s.ratio if s else None for s in speedups])),
        Column("speedup_low", tuple([s.low if s else None for s in speedups])),
        Column("speedup_high", tuple([s.high if s else None for s in speedups])),
        Column("baseline_precision", tuple(precisions), "left"),
        Column("notes", tuple([" | ".join(row.case.notes) for row in rows]), "left"),
    )


def _launches(row: Compared) -> str:
    rounds = [len(launch.seconds) for launch in row.case.launches]
    few, many = min(rounds), max(rounds)
    return f"{len(rounds)}×{few}" if few == many else f"{len(rounds)}×{few}–{many}"


def _epoch(time: stats.EpochTime) -> str:
    if time.launches == 1:
        return digits.number(time.seconds)
    write = digits.with_half_width if time.has_interval else digits.with_extremes
    return write(time.seconds, time.low, time.high)


def _speedup(row: Compared) -> str:
    if row.is_baseline:
        return "1 (baseline)"
    if row.speedup is None:
        return "—"
    ratio, low, high = row.speedup.ratio, row.speedup.low, row.speedup.high
    mark = "†" if row.precisions_differ else ""
    if low is None or high is None:
        return f"{digits.number(ratio)}*{mark}"
    return f"{digits.with_interval(ratio, low, high)}{mark}"


def _notes(rows: Sequence[Compared]) -> list[str]:
    """A line for each mark that the table really shows."""
    notes = []
    if any(row.time.has_interval for row in rows):
        notes.append("epoch ±: half of the 95 % interval over launches")
    if any(row.time.launches == 2 for row in rows):
        notes.append("epoch (low–high): the faster and the slower of two launches")
    speedups = [row.speedup for row in rows if row.speedup and not row.is_baseline]
    if any(each.low is not None for each in speedups):
        notes.append(
            "speed-up (low–high): 95 % interval over launches (Welch, on logs)"
        )
    if any(each.low is None for each in speedups):
        notes.append(
            f"* fewer than {_FEW} launches on a side: the ratio alone, with no word on "
            f"its error; measure with --launches {_FEW} or more"
        )
    others = dict.fromkeys(
        f"{row.case.combination.precision} against {row.baseline.precision}"
        for row in rows
        if row.precisions_differ
    )
    if others:
        notes.append(
            f"† row and baseline differ in precision ({', '.join(others)}): part of "
            "the ratio comes from that"
        )
    together = {row.case.origin for row in rows if len(row.case.files) > 1}
    if together:
        dirty = any(origin.dirty for origin in together)
        changes = "; uncommitted changes may differ between them" if dirty else ""
        notes.append(f"launches of one machine and commit are pooled{changes}")
    repeated = sum(row.case.repeats > 0 for row in rows)
    if repeated:
        notes.append(
            f"timings saved more than once are counted once (rows: {repeated})"
        )
    if len({row.case.origin for row in rows}) > 1:
        notes.append("source: cases are compared only within one machine and commit")
    return notes


def _gaps(rows: Sequence[Compared]) -> list[str]:
    """Which baselines are not there, and how many rows miss them."""
    notes = []
    missing = [row.baseline.describe() for row in rows if row.speedup is None]
    if missing:
        distinct = list(dict.fromkeys(missing))
        more = f" and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
        count = (
            "1 row lacks its" if len(missing) == 1 else f"{len(missing)} rows lack a"
        )
        named = "; ".join(distinct[:_NAMED])
        notes.append(f"— {count} baseline; not measured: {named}{more}")
    return notes

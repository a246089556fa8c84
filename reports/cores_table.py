"""The table of CPU cases by their cores: times, speed-up, parallel efficiency."""

from collections.abc import Sequence

from reports import cases, cells, digits, legend, marks, remarks
from reports.comparison import Compared
from reports.scaling import Curve, efficiency
from reports.tables import Column, Table

NAME = "cores"

_MEANING = (
    "speed-up = seconds on the fewest cores / seconds of the row; efficiency = "
    "speed-up × fewest cores / cores"
)
_LAW = "by law: seconds by the fit of Amdahl's law to the rows of the same case"
_UNCLIPPED = ", its serial fraction as estimated, also where that is outside 0 to 1"
_VERSIONS = (
    "— another major version of the engine than on the fewest cores: not compared"
)


def table(curves: Sequence[Curve], read: str, absent: Sequence[str]) -> Table:
    """A row for each case of ``curves``.

    ``read`` is the line that says what was read; those of ``absent`` tell what is not
    in the table.
    """
    rows = [row for curve in curves for row in curve.rows]
    pooled = [row.case for row in rows]
    said = remarks.of(pooled)
    marked = marks.of(said)
    laws = [_law(curve, row) for curve in curves for row in curve.rows]
    versions = any(row.time and row.speedup is None for row in rows)
    return Table(
        name=NAME,
        shown=(*cases.axis_columns(pooled, ("device",)), *_shown(rows, laws, marked)),
        data=(*cases.axis_data(pooled), *_data(rows, laws, said)),
        above=(read, _MEANING),
        below=(
            *cases.loops_explained(pooled),
            *legend.lines(rows),
            *([_by_law(curves)] if any(laws) else []),
            *([_VERSIONS] if versions else []),
            *absent,
            *marked.lines,
        ),
    )


def _law(curve: Curve, row: Compared) -> float | None:
    """Seconds of ``row`` by the law; None where there is none, or not for this row."""
    if curve.fit is None or row.speedup is None:
        return None
    return curve.fit.seconds(row.case.combination.cores)


def _by_law(curves: Sequence[Curve]) -> str:
    """What the column is; a clipped serial fraction would give other seconds."""
    clipped = any(curve.fit and curve.fit.is_clipped for curve in curves)
    return f"{_LAW}{_UNCLIPPED if clipped else ''}"


def _shown(
    rows: Sequence[Compared], laws: Sequence[float | None], marked: marks.Marked
) -> tuple[Column, ...]:
    launches = [
        f"{len(row.case.launches) or '—'} {mark}".rstrip()
        for row, mark in zip(rows, marked.rows, strict=True)
    ]
    by_law = ["—" if law is None else digits.number(law) for law in laws]
    efficiencies = [_efficiency(row) for row in rows]
    return (
        Column("launches", tuple(launches)),
        Column("epoch (s)", tuple([cells.epoch(row) for row in rows])),
        *([Column("by law (s)", tuple(by_law))] if any(laws) else []),
        Column("speed-up", tuple([cells.speedup(row) for row in rows])),
        Column("efficiency (%)", tuple(efficiencies)),
    )


def _data(
    rows: Sequence[Compared],
    laws: Sequence[float | None],
    said: Sequence[Sequence[str]],
) -> tuple[Column, ...]:
    times = [row.time for row in rows]
    speedups = [row.speedup for row in rows]
    efficiencies = [efficiency(row) for row in rows]
    outcomes = [row.case.outcome.kind if row.case.outcome else None for row in rows]
    fewest = [row.baseline.cores if row.speedup else None for row in rows]
    others = ["yes" if row.codes_differ else None for row in rows]
    return (
        Column("launches", tuple([t.launches if t else None for t in times])),
        Column("seconds", tuple([t.seconds if t else None for t in times])),
        Column("seconds_low", tuple([t.low if t else None for t in times])),
        Column("seconds_high", tuple([t.high if t else None for t in times])),
        Column("law_seconds", tuple(laws)),
        Column("fewest_cores", tuple(fewest)),
        Column("speedup", tuple([s.ratio if s else None for s in speedups])),
        Column("speedup_low", tuple([s.low if s else None for s in speedups])),
        Column("speedup_high", tuple([s.high if s else None for s in speedups])),
        Column("efficiency", tuple([e.ratio if e else None for e in efficiencies])),
        Column("efficiency_low", tuple([e.low if e else None for e in efficiencies])),
        Column("efficiency_high", tuple([e.high if e else None for e in efficiencies])),
        Column("other_commit", tuple(others), "left"),
        Column("outcome", tuple(outcomes), "left"),
        Column("notes", tuple([" | ".join(each) for each in said]), "left"),
    )


def _efficiency(row: Compared) -> str:
    found = efficiency(row)
    if found is None:
        return "—"
    if row.is_baseline:
        return "100"
    if found.low is None or found.high is None:
        return f"{digits.number(found.ratio * 100)}*"
    each = (found.ratio * 100, found.low * 100, found.high * 100)
    return digits.with_interval(*each)

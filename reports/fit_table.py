"""The table of Amdahl's law fitted to every curve: its serial fraction, its limit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from reports import amdahl, cases, digits
from reports.amdahl import Fit
from reports.pool import Pooled
from reports.scaling import Curve
from reports.tables import Cell, Column, Table

NAME = "fit"

_WITHOUT = ("device", "cores")  # a line is of several, or of one always
_GOOD, _POOR, _TOO_FEW, _NONE = "good", "poor", "too few", "no law"
_NEITHER = (None, None)
#: A miss below it is of no time's worth: clocks and medians err by more.
_WORTH = 0.0005


def table(curves: Sequence[Curve], read: str, below: Sequence[str]) -> Table | None:
    """A row for each of ``curves``; None where there is a law for none of them.

    ``read`` is the line that says what was read; the lines ``below`` follow those that
    say what cells and marks mean.
    """
    if not any(curve.fit for curve in curves):
        return None
    return Table(
        name=NAME,
        shown=(*_which(curves, cases.axis_columns), *_shown(curves)),
        data=(*_which(curves, cases.axis_data), *_data(curves)),
        above=(
            read,
            "Amdahl's law: an epoch on n cores takes t(1) × (s + (1 - s) / n), s being "
            "the serial fraction; limit: 1 / s, the most over one core",
        ),
        below=(*cases.loops_explained(_firsts(curves)), *_legend(curves), *below),
    )


def _which(
    curves: Sequence[Curve],
    columns: Callable[[Sequence[Pooled], Sequence[str]], Sequence[Column]],
) -> tuple[Column, ...]:
    """The axes' columns; the source is that of all cases of a curve."""
    sources = tuple([", ".join(_sources(curve)) for curve in curves])
    return tuple(
        replace(column, cells=sources) if column.heading == "source" else column
        for column in columns(_firsts(curves), _WITHOUT)
    )


def _firsts(curves: Sequence[Curve]) -> list[Pooled]:
    return [curve.rows[0].case for curve in curves]


def _sources(curve: Curve) -> dict[str, None]:
    return dict.fromkeys(file for row in curve.rows for file in row.case.files)


def _shown(curves: Sequence[Curve]) -> tuple[Column, ...]:
    fits = [curve.fit for curve in curves]
    return (
        Column("on cores", tuple([_cores(curve, ", ") for curve in curves]), "left"),
        Column("serial fraction", tuple([_of_curve(curve) for curve in curves])),
        Column("speed-up limit", _each(fits, _limit, "—")),
        Column("worst miss", _each(fits, _worst, "—")),
        Column("fit", tuple([_judged(curve) for curve in curves]), "left"),
    )


def _data(curves: Sequence[Curve]) -> tuple[Column, ...]:
    fits = [curve.fit for curve in curves]
    figures: dict[str, Callable[[Fit], Cell]] = {
        "serial_fraction": lambda fit: fit.serial,
        "serial_fraction_low": lambda fit: (fit.serial_interval or _NEITHER)[0],
        "serial_fraction_high": lambda fit: (fit.serial_interval or _NEITHER)[1],
        "serial_fraction_unclipped": lambda fit: fit.estimate,
        "speedup_limit": lambda fit: fit.limit,
        "speedup_limit_low": lambda fit: (fit.limit_interval or _NEITHER)[0],
        "speedup_limit_high": lambda fit: (fit.limit_interval or _NEITHER)[1],
        "one_core_seconds": lambda fit: fit.one_core,
        "worst_miss": lambda fit: fit.misses[fit.worst],
        "worst_miss_cores": lambda fit: fit.cores[fit.worst],
    }
    others = ["yes" if curve.codes_differ else None for curve in curves]
    return (
        Column("fitted_cores", tuple([_cores(curve, " ") for curve in curves]), "left"),
        *(Column(heading, _each(fits, of)) for heading, of in figures.items()),
        Column("other_commit", tuple(others), "left"),
        Column("fit", tuple([_judged(curve) for curve in curves]), "left"),
    )


def _each(
    fits: Sequence[Fit | None], cell: Callable[[Fit], Cell], without: Cell = None
) -> tuple[Cell, ...]:
    return tuple([without if fit is None else cell(fit) for fit in fits])


def _cores(curve: Curve, between: str) -> str:
    return between.join(str(row.case.combination.cores) for row in curve.points)


def _judged(curve: Curve) -> str:
    if curve.fit is None:
        few = len(curve.points) < amdahl.POINTS_FOR_FIT
        return _TOO_FEW if few else _NONE
    return _POOR if curve.fit.is_poor else _GOOD


def _of_curve(curve: Curve) -> str:
    if curve.fit is None:
        return "—"
    return f"{_serial(curve.fit)}{_mark(curve.fit)}{'§' if curve.codes_differ else ''}"


def _serial(fit: Fit) -> str:
    if fit.serial_interval is None:
        return digits.number(fit.serial, 2)
    return digits.with_interval(fit.serial, *fit.serial_interval)


def _mark(fit: Fit) -> str:
    """Of the serial fraction and of the limit, which is by it."""
    return f"{'°' if fit.is_clipped else ''}{'*' if fit.interval is None else ''}"


def _limit(fit: Fit) -> str:
    """A law that times do not keep to has none to tell."""
    return "—" if fit.is_poor else f"{_limited(fit)}{_mark(fit)}"


def _limited(fit: Fit) -> str:
    """``12 (9–18)``, ``12 (≥ 9)`` or ``≥ 9``: a serial fraction of 0 has no limit."""
    low, high = fit.limit_interval or _NEITHER
    if low is None:
        return "no limit" if fit.limit is None else digits.number(fit.limit)
    at_least = f"≥ {digits.number(low, 2)}"
    if fit.limit is None:
        return at_least
    if high is None:
        return f"{digits.number(fit.limit, 2)} ({at_least})"
    return digits.with_interval(fit.limit, low, high)


def _worst(fit: Fit) -> str:
    miss, cores = fit.misses[fit.worst], fit.cores[fit.worst]
    if abs(miss) < _WORTH:
        return "0 %"
    how = "slower" if miss > 0 else "faster"
    return f"{digits.number(abs(miss) * 100, 2)} % {how} on {cores}"


def _legend(curves: Sequence[Curve]) -> Iterator[str]:
    fits = [curve.fit for curve in curves if curve.fit]
    judged = {_judged(curve) for curve in curves}
    percent = f"{amdahl.TOLERANCE * 100:.0f} %"
    if any(fit.serial_interval for fit in fits):
        yield (
            "(low–high), ≥: 95 % interval over the numbers of cores, each of them one "
            "point, so that what the law misses is in it"
        )
    if any(fit.interval is None for fit in fits):
        yield (
            f"* fewer than {amdahl.POINTS_FOR_INTERVAL} numbers of cores, or too "
            "scattered times: the figure alone, with no word on its error"
        )
    if clipped := [fit for fit in fits if fit.is_clipped]:
        yield f"° outside 0 to 1, clipped: estimated {'; '.join(map(_as_is, clipped))}"
    yield (
        "worst miss: by how much of the measured time that time is slower or faster "
        "than the law"
    )
    if _POOR in judged:
        yield (
            f"poor: a time is more than {percent} off the law, and its own interval, "
            "where it has one, does not explain it; so the law tells no limit"
        )
    if any(curve.codes_differ for curve in curves if curve.fit):
        yield "§ fitted to times of different commits of the suite"
    if _TOO_FEW in judged:
        yield (
            f"too few: a fit needs times on {amdahl.POINTS_FOR_FIT} numbers of cores; "
            "measure on more with --cores"
        )
    if _NONE in judged:
        yield "no law: none of this form has a time above 0 on one core"


def _as_is(fit: Fit) -> str:
    """The estimate and its interval where nothing is clipped."""
    if fit.interval is None:
        return f"{fit.estimate:.2g}"
    low, high = fit.interval
    return f"{fit.estimate:.2g} ({low:.2g} to {high:.2g})"

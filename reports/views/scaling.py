"""What more CPU cores buy: speed-up, parallel efficiency, the fit of Amdahl's law."""

import argparse
from collections.abc import Sequence

from reports import amdahl, cases, cores_table, fit_table, legend, tables, texts
from reports.errors import InputError
from reports.load import SavedFile
from reports.saved import Saved
from reports.scaling import Curve, alone, curves
from reports.tables import Table

HELP = "What more CPU cores buy: times, speed-up, efficiency, and the serial fraction."
EXAMPLE = "python -m reports scaling .benchmarks/"

_MEASURE = "pytest benchmarks --devices cpu --cores 4,2,1 --benchmark-autosave"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of tables."""
    tables.add_options(parser, fit_table.NAME, cores_table.NAME)


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """The fits of Amdahl's law where there are any, and each CPU case.

    Raises
    ------
    InputError
        if no case was run on several numbers of cores, or if none of those has a time.
    """
    files = cases.training(saved.files)
    found = curves(saved.cases)
    shown = [row.case for curve in found for row in curve.rows]
    if not any(case.outcome is None for case in shown):
        raise InputError(_nothing(saved))
    used = [file for file in files if _has_cpu(file)]
    read = cases.what_was_read(used, shown)
    fits = fit_table.table(found, read, saved.slow_nodes)
    absent = (*saved.slow_nodes, *_left_out(saved))
    if fits is None:
        return (cores_table.table(found, read, (*_no_fit(found), *absent)),)
    return (fits, cores_table.table(found, read, absent))


def _has_cpu(file: SavedFile) -> bool:
    return any(case.combination.device == "cpu" for case in file.cases)


def _nothing(saved: Saved) -> str:
    """Why there is nothing to show, and what to do."""
    if not saved.cases:
        return "nothing to show: no case is left"
    on_cpu = [case for case in saved.cases if case.combination.device == "cpu"]
    if not on_cpu:
        devices = ", ".join(dict.fromkeys(c.combination.device for c in saved.cases))
        return f"no case on the CPU; measured: {devices}; `{_MEASURE}` measures some"
    if all(case.outcome for case in on_cpu):
        outcomes = ", ".join(dict.fromkeys(str(case.outcome) for case in on_cpu))
        return f"no case on the CPU has a time: {outcomes}"
    cores = dict.fromkeys(c.combination.cores for c in on_cpu if c.outcome is None)
    return (
        "no case has a time and was run on several numbers of cores; measured: cores="
        f"{', '.join(map(str, sorted(cores)))}; `{_MEASURE}` measures some"
    )


def _left_out(saved: Saved) -> tuple[str, ...]:
    """A line each on the cases that are not shown, and why."""
    single = [case.combination.describe() for case in alone(saved.cases)]
    lines = []
    if single:
        named = texts.few(single, "; ")
        lines.append(f"not shown, on one number of cores only: {named}")
    on_cpu = (case for case in saved.cases if case.combination.device == "cpu")
    return (*lines, *legend.unsupported([c for c in on_cpu if not cases.has_run(c)]))


def _no_fit(found: Sequence[Curve]) -> tuple[str, ...]:
    most = max(len(curve.points) for curve in found)
    if most >= amdahl.POINTS_FOR_FIT:
        return ("no fit of Amdahl's law: none has a time above 0 on one core",)
    return (
        f"no fit of Amdahl's law: it needs times on {amdahl.POINTS_FOR_FIT} numbers of "
        f"cores, and there are {most}; measure on more with --cores",
    )

"""How each case's time went from commit to commit, and where it changed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from reports import cases, sources, tables, texts
from reports.errors import InputError, printable, tell
from reports.load import SavedFile
from reports.nodes import note
from reports.saved import Saved
from reports.tables import Table
from reports.trend import cases_table, changes_table, panels, render
from reports.trend.changes import Trend, trend
from reports.trend.points import histories, time_of
from reports.views import Judged

HELP = "Times of each case over commits and days, with the points where they changed."
EXAMPLE = "python -m reports trend .benchmarks/ --figure build/trend.svg"

#: Its points are made of the files: different commits are what it is about.
BY_FILE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--figure`` and the options of tables; without FILES it is of all saved."""
    parser.set_defaults(files=[f"{sources.STORAGE}/"])
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="PATH",
        help="draw the cases, too, each in a panel of its own: an .svg or .png file "
        f"of the {panels.MOST} that changed most",
    )
    tables.add_options(parser, changes_table.NAME, cases_table.NAME)


def report(saved: Saved, arguments: argparse.Namespace) -> list[Table] | Judged:
    """The change points, and all cases; with a figure of them if it was asked for.

    Where no case has two points, the first table alone, which says so.

    Raises
    ------
    InputError
        if no case has a time of which it is known when it was saved, if the figure's
        format is unknown, or if there are change points to look for or a figure to draw
        without the library for it.
    """
    form = _form(arguments.figure)
    files = _with_time(cases.training(saved.files))
    trends = [trend(history) for history in histories(files)]
    if not trends:
        raise InputError(_nothing(files))
    lasts = [each.history.points[-1].case for each in trends]
    read = cases.what_was_read(files, lasts)
    points = [point.case for each in trends for point in each.history.points]
    slow = note.lines(files, points)
    made = [changes_table.table(trends, read, slow)]
    if any(each.since_start for each in trends):
        made.append(cases_table.table(trends, read, slow))
    if not form:
        return made
    drawn = {arguments.figure: _figure(trends, form)}
    return Judged(tables.render(made, arguments), exit_code=0, files=drawn)


def _form(path: Path | None) -> str:
    """The format that the name of the file asks for; "" if there is to be none."""
    if path is None:
        return ""
    form = path.suffix.lower().removeprefix(".")
    if form not in render.FORMATS:
        raise InputError(
            f"--figure {printable(str(path))}: its name has to end with "
            f"{' or '.join(f'.{each}' for each in render.FORMATS)}"
        )
    return form


def _figure(trends: Sequence[Trend], form: str) -> bytes:
    picture = panels.picture(trends)
    if picture.left_out:
        shown = len(picture.panels)
        tell(
            f"--figure shows {shown} of {len(trends)} cases, those that changed most; "
            "name fewer files, or see the tables"
        )
    return render.render(picture, form)


def _with_time(files: Sequence[SavedFile]) -> tuple[SavedFile, ...]:
    """Those that say when they were saved; a line on standard error for the others."""
    without = [printable(str(file.path)) for file in files if time_of(file) is None]
    if without:
        tell(f"{texts.few(without)}: no time of saving (datetime); left out")
    return tuple(file for file in files if time_of(file) is not None)


def _nothing(files: Sequence[SavedFile]) -> str:
    if not files:
        return "nothing to show: no file says when it was saved"
    return "nothing to show: no case has a time"

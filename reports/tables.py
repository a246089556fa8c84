"""Table: columns with the lines around them, in any of six formats."""

import argparse
import csv
import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from reports.errors import InputError

Cell = str | int | float | None

_HYPHENS = re.compile(r"(?<!-)--(?!-)")
_FORMULA = ("=", "+", "-", "@")
_MARKDOWN = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]|~$"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    # a zero-width space: whoever has the name would be notified where it is posted
    | {"@": "@&#8203;"}
)
# Applied after tabulate's own escapes. The braces keep '[' and '*' at the start of a
# row from being read as arguments of the line break before it.
_LATEX = str.maketrans(
    {
        "×": r"$\times$",
        "±": r"$\pm$",
        "≥": r"$\geq$",
        "–": "--",
        "—": "---",
        "†": r"$\dagger$",
        "‡": r"$\ddagger$",
        "…": r"\ldots{}",
        "[": "{[}",
        "*": "{*}",
    }
)


@dataclass(frozen=True)
class Column:
    """A heading and one cell a row; ``align`` is "left" or "right".

    A column that is ``said`` is the same in every row, and a line above says so: it is
    left out where width is dear (plain, github, latex).
    """

    heading: str
    cells: tuple[Cell, ...]
    align: str = "right"
    said: bool = False


@dataclass(frozen=True)
class Table:
    """What a view has to say, free of any format.

    ``shown`` is for people; ``data`` holds the same rows for programs (csv, json):
    numbers apart, units in the headings, None where there is no value. It may be what
    makes them, where that takes long. ``above`` and ``below`` are lines of text around
    the table, ``name`` is what --table calls it.
    """

    shown: tuple[Column, ...]
    data: tuple[Column, ...] | Callable[[], tuple[Column, ...]]
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    name: str = ""

    def columns(self) -> tuple[Column, ...]:
        """Those of ``data``."""
        return self.data() if callable(self.data) else self.data


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Give a view's ``parser`` --format and, for several ``names``, --table."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="plain",
        help="how to write a table (default: %(default)s); latex needs the package "
        "booktabs; csv and json hold the numbers apart, and csv no lines around them",
    )
    parser.set_defaults(table=None)
    if len(names) > 1:
        parser.add_argument(
            "--table",
            choices=names,
            help=f"this one alone (default: all of them; csv holds one: {names[-1]})",
        )


def render(tables: Sequence[Table], arguments: argparse.Namespace) -> str:
    """``tables`` in the format asked for; ends with a newline.

    Names in them come from files: each format escapes what it would act upon.

    Raises
    ------
    InputError
        if the one that was asked for has nothing to show.
    """
    form, wanted = arguments.format, arguments.table
    chosen = [table for table in tables if wanted in (None, table.name)]
    if not chosen:
        there = ", ".join(table.name for table in tables)
        raise InputError(f"--table {wanted}: nothing to show in it; there is {there}")
    if form == "csv":
        chosen = chosen[-1:]
    if form == "json":
        return _json(chosen)
    return "\n".join(_RENDERERS[form](table) for table in chosen)


def _tabulated(table: Table, form: str, escape: dict[int, str] | None = None) -> str:
    # it takes as long to import as all the rest, and plain text and data need it not
    from tabulate import tabulate

    columns = [each for each in table.shown if form == "html" or not each.said]
    cells: Iterable[Iterable[Cell]] = (column.cells for column in columns)
    headings = [column.heading for column in columns]
    if escape:
        cells = ([str(cell).translate(escape) for cell in each] for each in cells)
        headings = [heading.translate(escape) for heading in headings]
    return tabulate(
        list(zip(*cells, strict=True)),
        headers=headings,
        tablefmt=form,
        colalign=[column.align for column in columns],
        disable_numparse=True,  # "1.0" stays so, and it is quicker
    )


def _plain(table: Table) -> str:
    columns = [_padded(column) for column in table.shown if not column.said]
    lines = map("  ".join, zip(*columns, strict=True))
    rows = "\n".join([line.rstrip() for line in lines])
    return _blocks("\n".join(table.above), rows, "\n".join(table.below), gap="\n\n")


def _padded(column: Column) -> list[str]:
    """Heading, rule and cells in one width, which tabulate takes 20 times as long for.

    Headings are on two lines: an ordinary terminal has no room for them on one.
    """
    first, _, second = column.heading.partition(" ")
    cells = [first, second, *map(str, column.cells)]
    width = max(map(len, cells))
    pad = str.ljust if column.align == "left" else str.rjust
    padded = [pad(cell, width) for cell in cells]
    return [*padded[:2], "-" * width, *padded[2:]]


def _github(table: Table) -> str:
    above = [line.translate(_MARKDOWN) for line in table.above]
    below = [line.translate(_MARKDOWN) for line in table.below]
    return _blocks(*above, _tabulated(table, "github", _MARKDOWN), *below, gap="\n\n")


def _latex(table: Table) -> str:
    above = [f"% {line}" for line in table.above]
    tabular = _unligated(_tabulated(table, "latex_booktabs")).translate(_LATEX)
    below = [rf"\par{{\footnotesize {_in_latex(line)}\par}}" for line in table.below]
    return _blocks(*above, tabular, *below)


def _in_latex(line: str) -> str:
    from tabulate import LATEX_ESCAPE_RULES

    escaped = "".join(LATEX_ESCAPE_RULES.get(mark, mark) for mark in line)
    return _unligated(escaped).translate(_LATEX)


def _unligated(text: str) -> str:
    """TeX makes one character of these two, which would change an option's name.

    Three hyphens or more are a rule of tabulate's own.
    """
    return _HYPHENS.sub("-{}-", text).replace("?`", "?{}`").replace("!`", "!{}`")


def _html(table: Table) -> str:
    caption = "<br>\n".join(html.escape(line) for line in table.above)
    rows = _tabulated(table, "html").removeprefix("<table>")
    below = [f"<p>{html.escape(line)}</p>" for line in table.below]
    text = _blocks("<table>", caption and f"<caption>{caption}</caption>", rows, *below)
    # a fragment cannot say its encoding: plain ASCII is read rightly in any
    return text.replace("\n\n", "\n").encode("ascii", "xmlcharrefreplace").decode()


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    data = table.columns()
    writer.writerow([_datum(column.heading) for column in data])
    columns = [[_datum(cell) for cell in column.cells] for column in data]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _json(tables: Sequence[Table]) -> str:
    """A list of tables; a row is an object, with null where there is no value."""
    document = [
        {
            "table": table.name,
            "about": table.above,
            "rows": _objects(table.columns()),
            "notes": table.below,
        }
        for table in tables
    ]
    content = msgspec.json.format(msgspec.json.encode(document), indent=1)
    return f"{content.decode()}\n"


def _objects(columns: Sequence[Column]) -> list[dict[str, Cell]]:
    headings = [column.heading for column in columns]
    cells = [[_rounded(cell) for cell in column.cells] for column in columns]
    rows = zip(*cells, strict=True)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def _rounded(cell: Cell) -> Cell:
    """To the six digits that csv has."""
    return float(f"{cell:.6g}") if isinstance(cell, float) else cell


def _datum(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        # a spreadsheet would run it as a formula
        return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _blocks(*blocks: str, gap: str = "\n") -> str:
    return gap.join(block for block in blocks if block) + "\n"


_RENDERERS: dict[str, Callable[[Table], str]] = {
    "plain": _plain,
    "github": _github,
    "latex": _latex,
    "csv": _csv,
    "html": _html,
}
FORMATS = (*_RENDERERS, "json")

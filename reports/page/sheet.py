"""Sheet: a table as the page shows it, with what its script sorts and filters by."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from reports.combination import AXES
from reports.tables import Cell, Column, Table

_NUMBER = re.compile(r"[\s≥≤≈<>~±]*([-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)")
# Select boxes: for what people look up, in tables too long to read at a glance.
_CHOSEN_BY = (
    *AXES,
    *("dataset", "images", "GPU memory", "source", "machine", "against"),
    "over batches",
)
_ROWS_FOR_CHOICES = 6
_LONGEST_LINE = 40  # characters
_CHOICES = 24


@dataclass(frozen=True)
class Heading:
    """Of a column: how it is set, whether it sorts by number, and has a select box.

    ``setting`` is "n" (numbers, to the right), "t" (texts long enough to be broken into
    lines) or "".
    """

    text: str
    setting: str
    is_numeric: bool
    is_chosen_by: bool


@dataclass(frozen=True)
class Field:
    """A cell: its text, and the number that it sorts by where the text is not that."""

    text: str
    key: str | None


@dataclass(frozen=True)
class Sheet:
    """A table: ``above`` and ``below`` are the lines around it."""

    name: str
    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Field, ...], ...]
    above: tuple[str, ...]
    below: tuple[str, ...]


def sheet(table: Table, title: str, said: Container[str] = ()) -> Sheet:
    """``table`` for the page, without the lines above it that were ``said`` before.

    What a line above says of all rows is no column.
    """
    columns = [column for column in table.shown if not column.said]
    fields = [_fields(column) for column in columns]
    return Sheet(
        name=table.name,
        title=title,
        headings=tuple([_heading(column) for column in columns]),
        rows=tuple(zip(*fields, strict=True)),
        above=tuple([line for line in table.above if line not in said]),
        below=table.below,
    )


def number(cell: Cell) -> float | None:
    """What ``cell`` sorts by: itself, or the number that its text begins with.

    ``2×1 [a]`` is 2, ``≥ 512`` is 512, ``0.485 ± 0.030`` is 0.485; — and words have
    none.
    """
    if isinstance(cell, int | float):
        return float(cell)
    found = _NUMBER.match(cell or "")
    if found is None:
        return None
    return float(found[1].replace(",", "").replace("−", "-"))


def _heading(column: Column) -> Heading:
    return Heading(
        column.heading, _setting(column), _is_numeric(column), _is_chosen_by(column)
    )


def _setting(column: Column) -> str:
    if column.align == "right":
        return "n"
    longest = max((len(str(cell)) for cell in column.cells), default=0)
    return "t" if longest > _LONGEST_LINE else ""


def _is_numeric(column: Column) -> bool:
    numbers = (number(cell) for cell in column.cells)
    return column.align == "right" and any(each is not None for each in numbers)


def _is_chosen_by(column: Column) -> bool:
    axis = column.heading.partition(" (")[0]
    few = 1 < len(set(column.cells)) <= _CHOICES
    return axis in _CHOSEN_BY and few and len(column.cells) >= _ROWS_FOR_CHOICES


def _fields(column: Column) -> Sequence[Field]:
    texts = ["" if cell is None else str(cell) for cell in column.cells]
    if not _is_numeric(column):
        return [Field(text, None) for text in texts]
    return [_field(text) for text in texts]


def _field(text: str) -> Field:
    value = number(text)
    if value is None:
        return Field(text, "")
    key = f"{value:.12g}"
    return Field(text, None if key == text else key)

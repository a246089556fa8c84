"""What forbids a comparison, as a table: the facts in which base and head differ."""

from collections.abc import Sequence

from reports.fingerprints import Difference
from reports.tables import Column, Table

NAME = "not comparable"
_DATA = ("fact", "base", "head")


def table(refused: Sequence[Difference], *, is_all: bool) -> Table:
    """A row for each of ``refused``, one or more; ``is_all``: nothing was compared."""
    cells = [[each.name, each.first, each.second] for each in refused]
    shown, data = (
        tuple(
            [
                Column(heading, column, "left")
                for heading, column in zip(
                    headings, zip(*cells, strict=True), strict=True
                )
            ]
        )
        for headings in (("fact that differs", "in base", "in head"), _DATA)
    )
    what = "base and head" if is_all else "some cases of base and head"
    return Table(
        shown,
        data,
        (f"not comparable: {what} are of machines or engines that differ",),
        ("--allow FACT, once for each of them, compares all the same",),
        NAME,
    )

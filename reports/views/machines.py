"""The facts of all files side by side, and which of them forbid a comparison."""

import argparse
from collections.abc import Sequence

from reports import facts_legend, facts_table, side_by_side, tables
from reports.fingerprints import HARD, PLAIN, SAVED, SOFT, WEIGHTY
from reports.saved import Saved
from reports.side_by_side import Row, Side
from reports.tables import Table

HELP = "Facts of the machines side by side, and which of them forbid a comparison."
EXAMPLE = "python -m reports machines --all .benchmarks/"

#: What was measured with different code is a difference to show, not to refuse.
BY_FILE = True

#: Soft facts that times depend on most: those shown of one file alone.
_TELLING = (
    "commit",
    "dirty",
    SAVED,
    "kernel",
    "is_virtual",
    "governor",
    "gpu_driver",
    "packages.python",
    "packages.histocnn",
    "python",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--all`` and the options of tables."""
    parser.add_argument(
        "--all",
        action="store_true",
        help="show those facts, too, that do not differ; of one file all it tells",
    )
    tables.add_options(parser)


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """One table: a row a fact, a column for each set of files that tell the same."""
    sides = side_by_side.sides(saved.files)
    every = side_by_side.rows(sides)
    rows = [row for row in every if arguments.all or _is_shown(row, sides)]
    table = Table(
        name="machines",
        shown=facts_table.shown(rows, sides),
        data=facts_table.data(rows, sides),
        above=tuple(facts_legend.above(sides, saved.files)),
        below=tuple(facts_legend.below(rows, len(every) - len(rows), sides)),
    )
    return (table,)


def _is_shown(row: Row, sides: Sequence[Side]) -> bool:
    """Whether it is worth a row where not all facts are."""
    if row.differs:
        return True
    if row.group == HARD and row.name in PLAIN:
        # beside a fingerprint, which says the same at more length, they are no news
        return not all(side.has_fingerprint for side in sides)
    if len(sides) > 1:
        return False
    return row.group in WEIGHTY or (row.group == SOFT and row.name in _TELLING)

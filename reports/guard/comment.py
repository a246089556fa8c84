"""A comment for a pull request: what matters in sight, the rest folded away."""

import argparse
from collections.abc import Sequence

from reports import tables
from reports.tables import Table


def text(
    heading: str,
    matters: Sequence[Table],
    rest: Table,
    folded: str,
    arguments: argparse.Namespace,
) -> str:
    """GitHub's Markdown of tables, the ``rest`` below a fold that says ``folded``.

    One without columns is its lines alone. ``heading`` and ``folded`` hold no names.
    """
    return "\n".join(
        [
            alone(heading, matters, arguments),
            f"<details><summary>{folded}</summary>\n",
            tables.render([rest], arguments),
            "</details>\n",
        ]
    )


def alone(heading: str, matters: Sequence[Table], arguments: argparse.Namespace) -> str:
    """The same without a fold."""
    return f"### {heading}\n\n{tables.render(matters, arguments)}"

"""A comment for a pull request: what matters in sight, the rest folded away."""

import argparse

from reports import tables
from reports.tables import Table


def text(
    heading: str,
    matters: Table,
    rest: Table,
    folded: str,
    arguments: argparse.Namespace,
) -> str:
    """GitHub's Markdown of two tables, the ``rest`` below a fold that says ``folded``.

    One without columns is its lines alone. ``heading`` and ``folded`` hold no names.
    """
    return "\n".join(
        [
            f"### {heading}\n",
            tables.render([matters], arguments),
            f"<details><summary>{folded}</summary>\n",
            tables.render([rest], arguments),
            "</details>\n",
        ]
    )

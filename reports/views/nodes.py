"""How nodes of a cluster that look alike differ: in their times, and in soft facts."""

import argparse

from reports import cases, tables
from reports.errors import InputError
from reports.saved import Saved
from reports.tables import Table

HELP = "Differences between nodes of the same machine type, and how sure they are."
EXAMPLE = "python -m reports nodes .benchmarks/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of tables."""
    tables.add_options(parser)


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """One table: a row a node, compared with the others of its type.

    Raises
    ------
    InputError
        if no launch names a node of a cluster.
    """
    from reports.nodes import table
    from reports.nodes.differences import differences
    from reports.nodes.facts import differing

    files = cases.training(saved.files)
    nodes = differences(saved.cases)
    if not nodes:
        raise InputError(
            "no launch tells the node of a cluster that measured it; `pytest "
            "benchmarks --launcher ray --benchmark-autosave` measures on one"
        )
    measured = [case for case in saved.cases if any(e.node for e in case.launches)]
    machines = {case.machine for case in measured}
    used = [file for file in files if file.machine in machines]
    read = cases.what_was_read(used, measured)
    return (table.table(nodes, differing(used), read),)

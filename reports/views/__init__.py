"""The sub-commands, one file each, found by listing this folder."""

import argparse
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from reports.saved import Saved
from reports.tables import Table

Report = Sequence[Table] | Mapping[str, bytes]


class View(Protocol):
    """What a file in this folder has to define; its name is the sub-command's.

    What only some calls need (scipy, matplotlib, Jinja2) is imported where it is used:
    every view is imported whenever any of them is run.
    """

    HELP: str
    """One sentence on what it shows."""
    EXAMPLE: str
    """A command line that works, for ``--help``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the view's own options; FILES and --output are there already.

        One that returns tables calls `tables.add_options`; one that returns files sets
        a folder as the default of --output.
        """

    def report(self, saved: Saved, arguments: argparse.Namespace) -> Report:
        """Tables to print in the format asked for, or the files to write by name.

        Raises InputError if what was asked for cannot be had.
        """


def names() -> tuple[str, ...]:
    """Names of the views, sorted."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(__path__)))


def view(name: str) -> View:
    """The view called ``name``, one of ``names()``."""
    return cast(View, importlib.import_module(f"{__name__}.{name}"))

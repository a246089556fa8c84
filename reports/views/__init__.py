"""The sub-commands, one file each, found by listing this folder."""

import argparse
import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from reports.manifest import Manifest
from reports.saved import Saved
from reports.tables import Table


@dataclass(frozen=True)
class Judged:
    """A report that is a verdict as well: ``text`` to print, ``exit_code`` to end with.

    The ``text`` is rendered already, "" where there is nothing to show. ``files`` are
    written besides it; ``lines`` go to standard error after it, as they are.
    """

    text: str
    exit_code: int
    files: Mapping[Path, bytes] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


Report = Sequence[Table] | Mapping[str, bytes] | Judged


class View(Protocol):
    """What a file in this folder has to define; its name is the sub-command's.

    A view may define ``SIDES`` too: names of its options that hold more files and
    folders. They are read together with FILES and pooled apart, in `Saved.sides`.

    One that takes the files by themselves, as different commits are no fault there,
    may define ``BY_FILE`` as true: it is given no cases, and none is refused.

    One that writes files of names that differ from run to run defines ``OWNED``: a
    pattern that all of these names match. What an earlier run left in the folder goes.

    What only some calls need (scipy, matplotlib, Jinja2) is imported where it is used:
    for ``--help`` every view is imported.
    """

    HELP: str
    """One sentence on what it shows."""
    EXAMPLE: str
    """A command line that works, for ``--help``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the view's own options; FILES and --output are there already.

        One that returns tables calls `tables.add_options`; one that returns files sets
        a folder as the default of --output. One that is of several files sets those of
        FILES.
        """

    def report(self, saved: Saved, arguments: argparse.Namespace) -> Report:
        """Tables to print in the format asked for, files by name, or a verdict.

        Raises InputError if what was asked for cannot be had.
        """


def names() -> tuple[str, ...]:
    """Names of the views, sorted."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(__path__)))


def view(name: str) -> View:
    """The view called ``name``, one of ``names()``."""
    return cast(View, importlib.import_module(f"{__name__}.{name}"))


def sides(view: View) -> tuple[str, ...]:
    """Names of the options with which ``view`` takes further files; mostly none."""
    return cast(tuple[str, ...], getattr(view, "SIDES", ()))


def by_file(view: View) -> bool:
    """Whether ``view`` takes the files by themselves, not the cases pooled of them."""
    return bool(getattr(view, "BY_FILE", False))


def manifest(name: str) -> Manifest | None:
    """Where the view ``name`` keeps which files it wrote; None of most views."""
    owned: re.Pattern[str] | None = getattr(view(name), "OWNED", None)
    return Manifest(f".histocnn-{name}", owned) if owned else None

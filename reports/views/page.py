"""One HTML file: the headline, all tables, the figures, and how they were measured."""

import argparse
from pathlib import Path

from reports.saved import Saved

HELP = "One self-contained HTML file with all tables, the figures and the commands."
EXAMPLE = "python -m reports page .benchmarks/ --output build/report"

FOLDER = Path("build/report")
NAME = "index.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Have ``--output`` name a folder."""
    parser.set_defaults(output=FOLDER)


def report(saved: Saved, arguments: argparse.Namespace) -> dict[str, bytes]:
    """The page by its name; raises `InputError` if there is nothing to show in it."""
    from reports.page import content, rendering

    return {NAME: rendering.html(content.gather(saved))}

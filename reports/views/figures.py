"""The paper's figures 3 to 6 from the saved cases, as files of SVG and PNG."""

import argparse
import re
from pathlib import Path

from reports import figures
from reports.errors import InputError, printable, tell
from reports.figures import Drawing
from reports.saved import Saved

HELP = "The paper's figures 3 to 6 from the data, as SVG and PNG, with captions."
EXAMPLE = "python -m reports figures --style paper --output build/report .benchmarks/"

_FOLDER = Path("build", "report")
_CAPTIONS = "captions.txt"
OWNED = re.compile(rf"figure-[a-z0-9-]+\.(svg|png)|{re.escape(_CAPTIONS)}")
_DPI = 300  # what journals ask of pictures at least
_FEWEST, _MOST = 50, 1200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is drawn, and how, and a folder to write to."""
    parser.set_defaults(output=_FOLDER)
    parser.add_argument(
        "--style",
        choices=figures.STYLES,
        default=figures.STYLES[0],
        help="default: logarithmic axes, the panels of a figure in one file; paper: "
        "its layout, with linear axes, bars, and files 5a, 5b, … (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--if-any",
        action="store_true",
        help="do without where there is nothing to draw, which is an error otherwise",
    )
    formats = ",".join(figures.FORMATS)
    parser.add_argument(
        "--formats",
        default=formats,
        metavar="FORMAT[,…]",
        help=f"what to write, of {formats} (default: all)",
    )
    parser.add_argument(
        "--dpi",
        default=str(_DPI),
        metavar="N",
        help="dots per inch of PNG files, which are 3.5 or 7.2 inches wide (default: "
        "%(default)s)",
    )


def report(saved: Saved, arguments: argparse.Namespace) -> dict[str, bytes]:
    """Each figure as a file of each format, and a file of captions.

    Raises
    ------
    InputError
        if an option has no such value, or no figure can be drawn without ``--if-any``:
        cases without a GPU have none.
    """
    formats, dpi = _formats(arguments.formats), _dpi(arguments.dpi)
    selection = figures.select(saved, arguments.style)
    if not selection.drawings:
        why = "; ".join(selection.gaps) or (
            "figures 3 to 6 are of a GPU, and no GPU case has a time; --devices cuda "
            "measures some"
        )
        if not arguments.if_any:
            raise InputError(f"nothing to draw: {why}")
        tell(f"nothing to draw: {why}")
        return {}
    for line in selection.gaps:
        tell(line)
    files: dict[str, bytes] = {}
    for drawing in selection.drawings:
        files |= figures.files(drawing, formats, dpi)
    return {**files, _CAPTIONS: _captions(selection.drawings).encode()}


def _captions(drawings: tuple[Drawing, ...]) -> str:
    return "\n".join(
        [f"{each.name}\n{each.title}.\n{each.caption}\n" for each in drawings]
    )


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in figures.FORMATS:
            raise InputError(
                f"--formats {printable(text)!r}: {printable(name)!r} is none of "
                f"{', '.join(figures.FORMATS)}"
            )
    return names


def _dpi(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < 5
    if not is_number or not _FEWEST <= int(text) <= _MOST:
        raise InputError(
            f"--dpi {printable(text)!r} is not a whole number from {_FEWEST} to {_MOST}"
        )
    return int(text)

"""``python -m reports VIEW FILES…``: read, show, say what could not be read."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reports import load, sources, views
from reports.errors import InputError, printable, tell


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``argv`` (default: the process's own arguments).

    Returns the exit code: 0, or 2 if anything asked for could not be read, found or
    written. What could be read is shown either way.
    """
    arguments = _parser().parse_args(argv)
    try:
        found = sources.find(arguments.files)
        saved = load.read(found.paths)
        problems = (*found.problems, *saved.problems)
        for line in problems:
            tell(line)
        if saved.files:
            text = views.view(arguments.view).report(saved, arguments)
            _write(text, arguments.output)
    except InputError as error:
        tell(str(error))
        return 2
    return 2 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Tables from files that pytest-benchmark saved.",
    )
    commands = parser.add_subparsers(dest="view", metavar="VIEW", required=True)
    for name in views.names():
        view = views.view(name)
        command = commands.add_parser(
            name,
            help=view.HELP,
            description=view.HELP,
            epilog=f"example:\n  {view.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument(
            "files",
            nargs="*",
            metavar="FILE",
            help="saved files, or folders of them (default: the newest file below "
            ".benchmarks/)",
        )
        view.add_arguments(command)
        command.add_argument(
            "--output", type=Path, metavar="FILE", help="write there, not to stdout"
        )
    return parser


def _write(text: str, output: Path | None) -> None:
    try:
        if output is None:
            _print(text)
        else:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        where = "standard output" if output is None else printable(str(output))
        raise InputError(f"cannot write {where}: {error.strerror}") from None


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal that has no "×" shows "?" rather than nothing at all
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail again, with a traceback, at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


if __name__ == "__main__":
    sys.exit(main())

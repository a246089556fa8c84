"""``python -m reports VIEW FILES…``: read, show, say what could not be read."""

import argparse
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reports import saved, sources, tables, views
from reports.errors import InputError, printable, tell


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``argv`` (default: the process's own arguments).

    Returns the exit code: 0, or 2 if anything asked for could not be read, found or
    written. What could be read is shown either way.
    """
    typed = sys.argv[1:] if argv is None else argv
    arguments = _parser(typed).parse_args(typed)
    try:
        found = sources.find(arguments.files)
        read = saved.read(found.paths)
        problems = (*found.problems, *read.problems)
        for line in problems:
            tell(line)
        if read.files:
            report = views.view(arguments.view).report(read, arguments)
            if isinstance(report, Mapping):
                _write_files(report, arguments.output)
            else:
                _write(tables.render(report, arguments), arguments.output)
    except InputError as error:
        tell(str(error))
        return 2
    return 2 if problems else 0


def _parser(typed: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Tables, figures and a page from what pytest-benchmark saved.",
    )
    commands = parser.add_subparsers(dest="view", metavar="VIEW", required=True)
    # One view alone is imported where it is clear which: all of them take longer than
    # most tables.
    known = views.names()
    for name in typed[:1] if typed and typed[0] in known else known:
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
        output = command.add_argument("--output", type=Path, metavar="PATH")
        view.add_arguments(command)
        usual = command.get_default("output") or "standard output"
        output.help = f"write there (default: {usual})"
    return parser


def _write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write each of ``files`` into ``folder`` and name it on standard output."""
    for name, content in files.items():
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            where = printable(str(path))
            raise InputError(f"cannot write {where}: {error.strerror}") from None
        _print(f"{path}\n")


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
    # What is read stays to the end: to look for cycles in it, again and again, takes a
    # fifth of the time.
    gc.disable()
    sys.exit(main())

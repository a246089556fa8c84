"""``python -m reports VIEW FILES…``: read, show, say what could not be read."""

import argparse
import gc
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reports import saved, sources, tables, views, writing
from reports.errors import InputError, tell


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``argv`` (default: the process's own arguments).

    Returns the exit code: 0, a view's own verdict, or 2 if anything asked for could not
    be read, found or written. What could be read is shown either way.
    """
    typed = sys.argv[1:] if argv is None else argv
    arguments = _parser(typed).parse_args(typed)
    verdict = 0
    try:
        view = views.view(arguments.view)
        found = sources.find(arguments.files)
        sides = {
            name: sources.find(asked)
            for name in views.sides(view)
            if (asked := getattr(arguments, name))
        }
        if views.by_file(view):
            read = saved.read_files(found.paths)
        else:
            read = saved.read(
                found.paths, {name: side.paths for name, side in sides.items()}
            )
        unfound = [line for each in (found, *sides.values()) for line in each.problems]
        problems = (*unfound, *read.problems)
        for line in problems:
            tell(line)
        if read.files:
            inputs = [path for each in (found, *sides.values()) for path in each.paths]
            verdict = _show(view, read, arguments, inputs)
    except InputError as error:
        tell(str(error))
        return 2
    return 2 if problems else verdict


def _show(
    view: views.View,
    read: saved.Saved,
    arguments: argparse.Namespace,
    inputs: Sequence[Path],
) -> int:
    """Print or write what ``view`` makes; the exit code that it asks for."""
    report = view.report(read, arguments)
    if isinstance(report, views.Judged):
        for path, content in report.files.items():
            writing.file(path, content, inputs)
        writing.text(report.text, arguments.output, inputs)
        for line in report.lines:
            print(line, file=sys.stderr)
        return report.exit_code
    if isinstance(report, Mapping):
        own = views.manifest(arguments.view)
        writing.folder(report, arguments.output, own, inputs)
    else:
        writing.text(tables.render(report, arguments), arguments.output, inputs)
    return 0


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
        needs_files = bool(views.sides(view))
        files = command.add_argument(
            "files", nargs="+" if needs_files else "*", metavar="FILE"
        )
        output = command.add_argument("--output", type=Path, metavar="PATH")
        view.add_arguments(command)
        output.help = _where(name, command.get_default("output"))
        files.help = "saved files, or folders of them"
        if not needs_files:
            newest = f"the newest in {sources.STORAGE}/"
            read = ", ".join(command.get_default("files") or [newest])
            files.help += f" (default: {read})"
    return parser


def _where(view: str, folder: Path | None) -> str:
    """The help of ``--output``, which is a folder where the view has one.

    `writing.folder` does as it says.
    """
    if folder is None:
        return "write there (default: standard output)"
    told = "write into this folder, over files of the same names"
    if views.manifest(view):
        told += (
            "; of the others, those that an earlier run wrote there and nobody changed "
            "since are removed"
        )
    else:
        told += "; or to this path, if it ends as the file's own name does"
    return f"{told} (default: {folder})"


if __name__ == "__main__":
    # What is read stays to the end: to look for cycles in it, again and again, takes a
    # fifth of the time.
    gc.disable()
    sys.exit(main())

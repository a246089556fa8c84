"""Measures base and head by turns and says which cases got slower.

`python -m tools.guard BASE [options] -- [options of pytest that select the cases]`, in
the checkout that is the head: its working tree as it is. Options that the guard does
not know are those of `python -m reports guard`, which prints the table.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tools.guard import Problem, flow
from tools.guard.counts import FEWEST, whole
from tools.guard.flow import Request
from tools.guard.selection import Selection
from tools.guard.sessions import tell

_EXAMPLE = """examples:
  python -m tools.guard origin/main --slowdown 5% -- --engines theano
  python -m tools.guard HEAD --launches 3 --head-env HISTOCNN_SLOWED=20%

exit codes: 0 no regression, 1 one was confirmed, 2 bad input, 3 base and head cannot be
compared, 4 it is not sure (with --strict alone)"""


_NO_BASE = "BASE is missing, as in: make guard BASE=origin/main"


class _Ended(Exception):
    """SIGTERM came."""


def main(argv: Sequence[str], root: Path) -> int:
    """Guard the checkout at ``root``; return the exit code."""
    signal.signal(signal.SIGTERM, _end)
    own = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
    try:
        if not own or not own[0].strip():
            raise Problem(_NO_BASE)
        arguments, options = _parser().parse_known_args(own)
        if own[0].startswith("-"):
            raise Problem("BASE comes first, then the options")
        request = Request(
            base=arguments.base,
            launches=arguments.launches,
            confirm_launches=arguments.confirm_launches or arguments.launches,
            rounds=arguments.rounds,
            seed=arguments.seed,
            head_env=dict(arguments.head_env),
            keep=arguments.keep,
            carry_on=arguments.carry_on,
            python=arguments.python,
            summary=arguments.summary,
            options=tuple(options),
            selection=Selection.of(argv[len(own) + 1 :]),
        )
        return flow.guard(request, root)
    except (Problem, OSError) as error:  # OSError: disk full, no permission
        tell(str(error))
        return 2
    except (KeyboardInterrupt, _Ended) as error:
        tell("broken off; the same command with --continue goes on")
        return 143 if isinstance(error, _Ended) else 130


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


class _Parser(argparse.ArgumentParser):
    """Says in a line what is wrong; the usage is for --help."""

    def error(self, message: str) -> NoReturn:
        raise Problem(f"{message}; see python -m tools.guard --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m tools.guard",
        usage="%(prog)s BASE [options] [-- PYTEST-OPTIONS]",
        description=__doc__,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("base", metavar="BASE", help="git's name of the commit to compare with")
    _add_counts(parser)
    add(
        "--head-env",
        action="append",
        default=[],
        type=_variable,
        metavar="NAME=VALUE",
        help="set this variable for the head alone: for trying the guard, as by "
        "HISTOCNN_SLOWED=10%%",
    )
    add(
        "--continue",
        dest="carry_on",
        action="store_true",
        help="keep what the same command has measured before it was broken off",
    )
    add(
        "--keep",
        action="store_true",
        help="leave worktrees of other bases in build/guard/",
    )
    add(
        "--python",
        default="python3",
        metavar="PATH",
        help="the Python that builds the base's environments (default: python3)",
    )
    add(
        "--summary",
        type=Path,
        metavar="FILE",
        help="add the table to this file as Markdown, too",
    )
    return parser


def _add_counts(parser: argparse.ArgumentParser) -> None:
    for option, default, least, text in (
        ("--launches", 10, FEWEST, "fresh processes of each case on each side"),
        (
            "--confirm-launches",
            None,
            FEWEST,
            "the same for suspects (default: --launches)",
        ),
        ("--rounds", 3, 1, "timed epochs of a launch"),
        ("--seed", 0, 0, "of the order of base and head"),
    ):
        shown = f"{text} (default: {default})" if default is not None else text
        parser.add_argument(
            option, type=_Whole(least), default=default, metavar="N", help=shown
        )


class _Whole:
    """Reads a whole number from ``least`` up, below a thousand."""

    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        try:
            return whole(text, self._least)
        except ValueError as error:  # of which argparse would leave the words out
            raise argparse.ArgumentTypeError(str(error)) from None


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[2]))

"""What is said to the person who typed the command, always one clear line."""

import contextlib
import sys


class InputError(ValueError):
    """Something asked for cannot be had.

    The message is one line that names the value, what was expected, and the remedy;
    ``__main__`` prints it as it is, without a traceback, and exits with 2.
    """


def tell(line: str) -> None:
    """Print one ``line`` on standard error, apart from the table."""
    # where nobody can be told, the exit code still tells
    with contextlib.suppress(OSError):
        print(f"reports: {line}", file=sys.stderr)


def printable(text: str) -> str:
    r"""``text`` on one line: what a terminal would obey is spelled out (``\x1b``).

    Names come from files that anyone may have written; after this no newline, escape
    sequence or lone surrogate is left to break a line, a table or an encoder.
    """
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode("ascii")
        for mark in text
    )

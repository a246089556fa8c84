"""Texts of files as cells and footnotes show them: on one line, and not too long."""

from collections.abc import Sequence

from reports.errors import printable

LONGEST_NOTE = 300  # characters
_LONGEST_WORD = 40  # of what has to fit a cell
_FEW = 3


def lines(texts: Sequence[str]) -> tuple[str, ...]:
    """Those of ``texts`` that say anything, each as `shortened`."""
    if not texts:
        return ()
    return tuple([shortened(text) for text in texts if text.strip()])


def word(text: str) -> str:
    """``text`` as `shortened`, to what has to fit a cell."""
    return shortened(text, _LONGEST_WORD)


def few(texts: Sequence[str], separator: str = ", ", most: int = _FEW) -> str:
    """The first of ``texts``, at most ``most``, and how many more there are."""
    more = len(texts) - most
    return separator.join(texts[:most]) + (f" and {more} more" if more > 0 else "")


def shortened(text: str, most: int = LONGEST_NOTE) -> str:
    """``text`` on one line of at most ``most`` characters."""
    # cut first: what is spelled out may be ten times as long
    line = printable(text.strip()[: most + 1])
    return line if len(line) <= most else f"{line[: most - 1]}…"

"""Marks: footnotes of a table, each text once, and which of them a row bears."""

import string
from collections.abc import Sequence
from dataclasses import dataclass

_LETTERS = string.ascii_lowercase
_REST = "…"


@dataclass(frozen=True)
class Marked:
    """``rows``: a mark such as ``[a,c]`` a row, or ""; ``lines``: a line for each."""

    rows: tuple[str, ...]
    lines: tuple[str, ...]


def of(notes: Sequence[Sequence[str]]) -> Marked:
    """Mark rows by their ``notes``; equal notes share a letter.

    There are 26 letters. Notes beyond them share ``[…]`` and one line that counts them.
    """
    distinct = tuple(dict.fromkeys(note for each in notes for note in each))
    letters = dict(zip(distinct, _LETTERS, strict=False))  # as far as they go
    lines = [f"[{letter}] {note}" for note, letter in letters.items()]
    if more := len(distinct) - len(letters):
        lines.append(f"[{_REST}] {more} more; --format csv has them all")
    borne = [{letters.get(note, _REST) for note in each} for each in notes]
    # letters sort before the ellipsis
    rows = [f"[{','.join(sorted(marks))}]" if marks else "" for marks in borne]
    return Marked(tuple(rows), tuple(lines))

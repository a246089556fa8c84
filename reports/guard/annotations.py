"""Workflow commands that GitHub shows beside a run: ``::error title=…::…``.

Source: GitHub's documentation, "Workflow commands for GitHub Actions"; the escapes are
those of actions/toolkit, which nothing else documents.
"""

from collections.abc import Sequence

from reports.fingerprints import Difference
from reports.guard import failures, words
from reports.guard.judging import REGRESSIONS, Row, Word

_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def lines(rows: Sequence[Row], refused: Sequence[Difference]) -> tuple[str, ...]:
    """An error for each regression and each fact that forbids it.

    Suspects are warnings, and cases of which launches failed beside those that count.
    GitHub shows the first ten of each kind.
    """
    found = [command("error", "guard", each) for each in words.refusals(refused)]
    for row in rows:
        if row.word in REGRESSIONS or row.word == Word.SUSPECT:
            kind = "warning" if row.word == Word.SUSPECT else "error"
            found.append(command(kind, f"{row.word}: {row.name}", words.figures(row)))
        elif failed := failures.of(row):
            told = "; ".join(failed)
            found.append(command("warning", f"launches failed: {row.name}", told))
    return tuple(found)


def command(kind: str, title: str, message: str) -> str:
    """One line that GitHub reads as a whole, whatever is in it."""
    escaped = title.translate(_PROPERTY)
    return f"::{kind} title={escaped}::{message.translate(_MESSAGE)}"

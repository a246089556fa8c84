"""The guard's table: a row for each case, for people and for programs."""

import argparse
import math
from collections import Counter
from collections.abc import Sequence

from reports import cases, digits, marks, stats
from reports.guard import failures, percent
from reports.guard.judging import REGRESSIONS, Row, Word
from reports.pool import Pooled
from reports.tables import Column

NAME = "guard"
#: Rows that people get to see of a verdict that asks nobody to do anything.
MOST = 50
_QUIET = (Word.INCONCLUSIVE, Word.FASTER, Word.MENDED, Word.SAME)
#: The same of any verdict in a comment: GitHub cuts it at 65,536 characters.
MOST_IN_COMMENT = 30
_WIDE = 0.06  # of an interval that two decimals do for
_FRESH = "by fresh launches alone; what the first look saw is in csv and json"


def ordered(rows: Sequence[Row]) -> tuple[Row, ...]:
    """``rows`` with what matters first, then as they were."""
    place = {word: number for number, word in enumerate(Word)}
    return tuple(sorted(rows, key=lambda row: place[row.word]))


def pick(
    rows: Sequence[Row], arguments: argparse.Namespace
) -> tuple[list[Row], list[str]]:
    """Those of the ordered ``rows`` that people get to see, and a line on the rest."""
    if arguments.all:
        return list(rows), []
    comment = arguments.format == "github"
    picked = []
    seen: Counter[Word] = Counter()
    hidden: Counter[Word] = Counter()
    for row in rows:
        seen[row.word] += 1
        most = MOST_IN_COMMENT if comment else MOST
        quiet = row.word in _QUIET and not failures.of(row)
        if seen[row.word] > most and (comment or quiet):
            hidden[row.word] += 1
        else:
            picked.append(row)
    told = [f"{hidden[word]} more {word}" for word in Word if hidden[word]]
    return picked, [f"{', '.join(told)}: --all shows them"] if told else []


def notes(row: Row) -> tuple[str, ...]:
    """What has to be known of a row beside its figures."""
    return (
        *([_FRESH] if row.fresh and row.tested else []),
        *failures.of(row),
        *([str(row.threshold)] if row.threshold else []),
        *([str(row.expected)] if row.expected else []),
    )


def shown(
    rows: Sequence[Row], picked: Sequence[Row]
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Columns for people of the ``picked`` among ``rows``, and lines of their marks."""
    marked = marks.of([notes(row) for row in picked])
    words = [
        f"{row.word} {mark}".rstrip()
        for row, mark in zip(picked, marked.rows, strict=True)
    ]
    launches = [
        f"{len(row.couple.base.launches)}/{len(row.couple.head.launches)}"
        for row in picked
    ]
    columns = (
        *_axes(rows, picked),
        Column("launches base/head", tuple(launches)),
        Column("base (s/epoch)", tuple([epoch(row.couple.base) for row in picked])),
        Column("head (s/epoch)", tuple([epoch(row.couple.head) for row in picked])),
        Column("ratio head/base", tuple([ratio(row) for row in picked])),
        Column("verdict", tuple(words), "left"),
        Column("slow-down that shows", tuple([smallest(row) for row in picked])),
    )
    return columns, marked.lines


def _axes(rows: Sequence[Row], picked: Sequence[Row]) -> list[Column]:
    """Those that tell all ``rows`` apart, with the cells of the ``picked``."""
    chosen = {row.name for row in picked}
    kept = [number for number, row in enumerate(rows) if row.name in chosen]
    return [
        Column(
            each.heading, tuple([each.cells[k] for k in kept]), each.align, each.said
        )
        for each in cases.axis_columns([row.couple.head for row in rows])
    ]


def data(rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns for programs; a share of 0.02 is 2 %."""
    tests = [row.tested for row in rows]
    first = [row.screened for row in rows]
    outcomes = [_outcomes(row) for row in rows]
    return (
        *cases.axis_data([row.couple.head for row in rows]),
        Column("node_id", tuple([row.node_id for row in rows]), "left"),
        Column("verdict", tuple([row.word.value for row in rows]), "left"),
        Column(
            "regression",
            tuple(["yes" if row.word in REGRESSIONS else "no" for row in rows]),
            "left",
        ),
        Column("stage", tuple([2 if row.fresh else 1 for row in rows])),
        Column("launches_base", tuple([len(row.couple.base.launches) for row in rows])),
        Column("launches_head", tuple([len(row.couple.head.launches) for row in rows])),
        Column("failed_base", tuple([len(row.couple.base.failed) for row in rows])),
        Column("failed_head", tuple([len(row.couple.head.failed) for row in rows])),
        Column("seconds_base", tuple([seconds(row.couple.base) for row in rows])),
        Column("seconds_head", tuple([seconds(row.couple.head) for row in rows])),
        Column("outcome_base", tuple([base for base, _ in outcomes]), "left"),
        Column("outcome_head", tuple([head for _, head in outcomes]), "left"),
        Column("ratio", tuple([t.ratio if t else None for t in tests])),
        Column("ratio_low", tuple([t.low if t else None for t in tests])),
        Column("ratio_high", tuple([t.high if t else None for t in tests])),
        Column("p", tuple([t.p if t else None for t in tests])),
        Column("slowdown", tuple([t.slowdown if t else None for t in tests])),
        Column("smallest_slowdown", tuple([t.smallest if t else None for t in tests])),
        Column("stage1_ratio", tuple([t.ratio if t else None for t in first])),
        Column("stage1_p", tuple([t.p if t else None for t in first])),
        Column(
            "expected_ratio",
            tuple([row.expected.factor if row.expected else None for row in rows]),
        ),
        Column("notes", tuple([" | ".join(notes(row)) for row in rows]), "left"),
    )


def seconds(case: Pooled) -> float | None:
    """Of an epoch: geometric mean over launch medians; None if it has an outcome."""
    return None if case.outcome else math.exp(stats.log_mean(case.medians))


def epoch(case: Pooled) -> str:
    """Its time, with three digits, or what came of it."""
    time = seconds(case)
    return str(case.outcome) if time is None else digits.number(time)


def epoch_in_words(case: Pooled) -> str:
    """``0.801 s an epoch``, or what came of it."""
    return str(case.outcome) if case.outcome else f"{epoch(case)} s an epoch"


def ratio(row: Row) -> str:
    """With its interval, in steps of 0.01 or 0.001; ``*`` for too few launches."""
    test = row.tested
    if test is None:
        return "—"
    if test.low is None or test.high is None:
        return f"{digits.number(test.ratio)}*"
    places = 2 if test.high - test.low > _WIDE else 3
    return f"{test.ratio:.{places}f} ({test.low:.{places}f}–{test.high:.{places}f})"


def smallest(row: Row) -> str:
    """The smallest slow-down that would have shown, with two digits."""
    if row.tested is None or row.tested.smallest is None:
        return "—"
    return share(row.tested.smallest)


def share(value: float) -> str:
    """``4.1 %``, with two digits; a limit that was asked for has its own."""
    return (
        f"{digits.number(value * 100, 2)} %" if value >= 1e-6 else percent.text(value)
    )


def _outcomes(row: Row) -> tuple[str | None, str | None]:
    base, head = row.couple.base.outcome, row.couple.head.outcome
    return (base.kind if base else None, head.kind if head else None)

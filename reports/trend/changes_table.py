"""The table of change points: when, with which commit, and by how much."""

from collections.abc import Sequence
from dataclasses import replace

from reports import marks
from reports.tables import Column, Table
from reports.trend import axes, cells, partitions
from reports.trend.changes import Change, Trend

NAME = "changes"

_MEANING = (
    "change: how much longer an epoch takes than before, above 0 is slower; newest "
    "first"
)
_LEGEND = (
    "±: half of the 95 % interval, by how the points of a level scatter or, where that "
    "is more, their launches",
    "commits a..b: the last of the old level and the first of the new; points a, b: of "
    "the two levels",
    "by chance, up to 4 in 100 cases without a change show one",
)


def table(trends: Sequence[Trend], read: str, below: Sequence[str]) -> Table:
    """A row for each change point in ``trends``; ``read`` says what was read.

    The lines ``below`` follow those that say what cells mean.
    """
    found = sorted(
        [change for trend in trends for change in trend.changes],
        key=lambda change: change.first.when,
        reverse=True,
    )
    names = axes.machines([trend.history for trend in trends])
    rows = [change.first.case for change in found]
    notes = [_notes(change) for change in found]
    marked = marks.of(notes)
    write = axes.clock([trend.history for trend in trends])
    whens = [write(change.first.when) for change in found]
    columns = _shown(found, whens, marked)
    return Table(
        name=NAME,
        shown=(*axes.shown(rows, names), *columns) if found else _without_rows(columns),
        data=(*axes.data(rows, names), *_data(found, notes)),
        above=(read, _MEANING if found else _none(trends)),
        below=(*(_LEGEND if found else ()), *below, *marked.lines),
    )


def _none(trends: Sequence[Trend]) -> str:
    """Instead of rows."""
    few = partitions.FEWEST
    tested = sum([len(trend.history.points) >= few for trend in trends])
    if not tested:
        return (
            f"no change points: they need {few} points, of as many commits or days, "
            "and no case has as many"
        )
    count = "1 case" if tested == 1 else f"{tested} cases"
    return f"no change point in {count} of {few} points or more"


def _without_rows(columns: Sequence[Column]) -> tuple[Column, ...]:
    """With a row that says so: without any, tabulate's LaTeX and HTML are broken."""
    first, *others = columns
    return (
        replace(first, cells=("none",)),
        *[replace(each, cells=("",)) for each in others],
    )


def _notes(change: Change) -> list[str]:
    """What else changed with it; and where commits do not tell what did."""
    before, after = change.last.case, change.first.case
    new = dict(after.versions)
    said = [
        f"with it {name} went from {old} to {new[name]}"
        for name, old in before.versions
        if new.get(name, old) != old
    ]
    if before.code.dirty or after.code.dirty:
        said.append("+: measured with uncommitted changes")
    elif before.code.commit and before.code.is_commit_of(after.code):
        said.append("the commit is the same: what changed is not the code")
    return said


def _shown(
    found: Sequence[Change], whens: Sequence[str], marked: marks.Marked
) -> tuple[Column, ...]:
    commits = [
        f"{each.last.commit}..{each.first.commit} {mark}".rstrip()
        for each, mark in zip(found, marked.rows, strict=True)
    ]
    points = [f"{len(e.before.points)}, {len(e.after.points)}" for e in found]
    return (
        Column("when (UTC)", tuple(whens), "left"),
        Column("commits", tuple(commits), "left"),
        Column("before (s)", tuple([cells.level(each.before) for each in found])),
        Column("after (s)", tuple([cells.level(each.after) for each in found])),
        Column("change (%)", tuple([cells.step(each.step) for each in found])),
        Column("points a, b", tuple(points)),
    )


def _data(
    found: Sequence[Change], notes: Sequence[Sequence[str]]
) -> tuple[Column, ...]:
    steps = [each.step for each in found]
    whens = [each.first.when.isoformat() for each in found]
    commits = [
        [each.case.code.commit or None for each in (change.last, change.first)]
        for change in found
    ]
    sides = [("before", [c.before for c in found]), ("after", [c.after for c in found])]
    return (
        Column("when", tuple(whens), "left"),
        Column("commit_before", tuple([before for before, _ in commits]), "left"),
        Column("commit_after", tuple([after for _, after in commits]), "left"),
        *[
            column
            for side, levels in sides
            for column in (
                Column(f"seconds_{side}", tuple([each.seconds for each in levels])),
                Column(f"seconds_{side}_low", tuple([each.low for each in levels])),
                Column(f"seconds_{side}_high", tuple([each.high for each in levels])),
                Column(f"points_{side}", tuple([len(e.points) for e in levels])),
                Column(f"launches_{side}", tuple([each.launches for each in levels])),
            )
        ],
        Column("change_percent", tuple([each.percent for each in steps])),
        Column("change_percent_low", tuple([each.low for each in steps])),
        Column("change_percent_high", tuple([each.high for each in steps])),
        Column("notes", tuple([" | ".join(each) for each in notes]), "left"),
    )

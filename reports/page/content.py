"""Content: all that a page says, gathered from the files and from the other views."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports import views
from reports.errors import InputError
from reports.page import cpu_headline, drawn, facts, gpu_headline, provenance
from reports.page import sheet as sheets
from reports.page.drawn import Figures
from reports.page.facts import Fact
from reports.page.headline import Headline
from reports.page.provenance import Source
from reports.page.sheet import Sheet
from reports.saved import Saved
from reports.tables import Table

# What readers ask first; views that are not named here follow by name.
_ORDER = (
    "speedup",
    "scaling",
    "pool",
    "frontier",
    "phases",
    "trend",
    "machines",
)
# Of views and, where one has several, of its tables; else their names do.
_TITLES = {
    "speedup": "Speed-up",
    "speedup-gpu": "GPU against CPU cores",
    "speedup-others": "Other cases",
    "speedup-cases": "Each case against its baseline",
    "scaling-fit": "Amdahl's law, fitted",
    "scaling-cores": "Each number of cores",
    "pool": "Memory pool",
    "pool-means": "Means over batch sizes",
    "pool-cases": "Each case",
    "phases-total": "All launches together",
    "phases-cases": "Each case",
    "frontier": "Memory frontier",
    "trend-changes": "Changes",
    "trend-cases": "Each case",
}


@dataclass(frozen=True)
class Section:
    """The tables of the view ``name``; ``about`` is what it says of itself."""

    name: str
    title: str
    about: str
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True)
class Content:
    """A whole page. ``not_shown`` has a name and a line for each thing left out."""

    headline: Headline
    facts: tuple[Fact, ...]
    figures: Figures
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    not_shown: tuple[tuple[str, str], ...]


def gather(saved: Saved) -> Content:
    """Run every view that gives tables, draw the figures, and say what has no data.

    Raises
    ------
    InputError
        if no view has anything to show.
    """
    sections: list[Section] = []
    not_shown = [("in the files", line) for line in saved.problems]
    said: set[str] = set()
    for name in _names():
        try:
            tables = _tables(name, saved)
        except InputError as error:
            not_shown.append((name, str(error)))
            continue
        sections.append(_section(name, tables, said))
    if not sections:
        raise InputError("; ".join(f"{name}: {line}" for name, line in not_shown))
    try:
        figures = drawn.drawn(saved)
    except InputError as error:
        figures = Figures((), ())
        not_shown.append(("figures", str(error)))
    not_shown += [("figures", line) for line in figures.gaps]
    return Content(
        headline=_headline(saved),
        facts=facts.of(saved),
        figures=figures,
        sections=tuple(sections),
        sources=provenance.of(saved.files),
        not_shown=tuple(not_shown),
    )


def _headline(saved: Saved) -> Headline:
    found = gpu_headline.of(saved.cases) or cpu_headline.of(saved.cases)
    return found or Headline("No two cases in these files tell of a speed-up.")


def _names() -> list[str]:
    """Views that give tables, in the page's order."""
    each = [name for name in views.names() if not views.sides(views.view(name))]
    found = [name for name in each if "format" in _defaults(name)]
    return sorted(found, key=lambda name: (_place(name), name))


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _defaults(name: str) -> argparse.Namespace:
    """The view's arguments where none is given."""
    parser = argparse.ArgumentParser()
    views.view(name).add_arguments(parser)
    return parser.parse_args([])


def _tables(name: str, saved: Saved) -> Sequence[Table]:
    report = views.view(name).report(saved, _defaults(name))
    assert not isinstance(report, Mapping | views.Judged), "--format gives tables"
    return report


def _section(name: str, tables: Sequence[Table], said: set[str]) -> Section:
    """The view's ``tables``, with lines that several have above the first alone."""
    made = []
    for table in tables:
        title = _TITLES.get(f"{name}-{table.name}", table.name.capitalize())
        made.append(sheets.sheet(table, title, said))
        said.update(table.above)
    title = _TITLES.get(name, name.capitalize())
    return Section(name, title, views.view(name).HELP, tuple(made))

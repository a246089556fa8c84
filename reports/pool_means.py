"""The table of what a memory pool buys on average over batch sizes, and over all."""

from collections.abc import Callable, Iterator, Sequence

from reports import cases, cells, digits, legend, stats
from reports.memory_pools import Group, Pair
from reports.tables import Column, Table

NAME = "means"

_WITHOUT = ("size", "batch")  # a line is of several


def table(
    groups: Sequence[Group], above: Sequence[str], below: Sequence[str], *without: str
) -> Table:
    """A row for each of ``groups``; axes but those ``without``.

    The lines ``below`` follow those that say what cells and marks mean.
    """
    rows = [group.row for group in groups]
    sizes = tuple([group.size for group in groups])
    engine, *rest = cases.axis_columns(rows, (*_WITHOUT, *without))
    named, *others = cases.axis_data(rows, _WITHOUT)
    words = tuple(["all" if size is None else size for size in sizes])
    return Table(
        name=NAME,
        shown=(engine, Column("size (px)", words), *rest, *_shown(groups)),
        data=(
            named,
            Column("size_px", sizes),
            *others,
            *_data(groups),
        ),
        above=tuple(above),
        below=(*_legend(groups), *below),
    )


def _shown(groups: Sequence[Group]) -> tuple[Column, ...]:
    return (
        Column("over cases", tuple([_count(group) for group in groups])),
        Column("speed-up", tuple([_mean(group) for group in groups])),
        Column("lowest (px × batch)", tuple([_extreme(g, min) for g in groups])),
        Column("highest (px × batch)", tuple([_extreme(g, max) for g in groups])),
    )


def _count(group: Group) -> str:
    """How many the mean is of, and of how many if some have no speed-up."""
    all_of, compared = len(group.pairs), len(group.compared)
    return str(all_of) if compared == all_of else f"{compared} of {all_of}"


def _mean(group: Group) -> str:
    if group.mean is None:
        return "—"
    return f"{cells.ratio(group.mean)}{'§' if group.codes_differ else ''}"


def _extreme(group: Group, choose: Callable[..., Pair]) -> str:
    if not group.compared:
        return "—"
    pair = choose(group.compared, key=_ratio)
    combination = pair.case.combination
    return f"{digits.number(_ratio(pair))} ({combination.size} × {combination.batch})"


def _ratio(pair: Pair) -> float:
    return pair.speedup.ratio if pair.speedup else 0.0


def _data(groups: Sequence[Group]) -> tuple[Column, ...]:
    means = [group.mean for group in groups]
    others = ["yes" if group.codes_differ else None for group in groups]
    ratios = [[_ratio(pair) for pair in group.compared] for group in groups]
    pools = [group.pairs[0].against.combination.cnmem for group in groups]
    batches = [
        sorted({pair.case.combination.batch for pair in group.compared})
        for group in groups
    ]
    return (
        Column("against_cnmem", tuple(pools)),
        Column("cases", tuple([len(group.pairs) for group in groups])),
        Column("compared", tuple([len(each) for each in ratios])),
        Column("batches", tuple([" ".join(map(str, e)) for e in batches]), "left"),
        Column("speedup", tuple([m.ratio if m else None for m in means])),
        Column("speedup_low", tuple([m.low if m else None for m in means])),
        Column("speedup_high", tuple([m.high if m else None for m in means])),
        Column("other_commit", tuple(others), "left"),
        Column("lowest_speedup", tuple([min(r, default=None) for r in ratios])),
        Column("highest_speedup", tuple([max(r, default=None) for r in ratios])),
    )


def _legend(groups: Sequence[Group]) -> Iterator[str]:
    means = [group.mean for group in groups if group.mean]
    yield "speed-up: geometric mean over the batch sizes measured with both pools"
    if any(group.size is None for group in groups):
        yield "all: over the sizes, too"
    yield "lowest, highest: of single cases"
    if any(each.low is not None for each in means):
        yield "(low–high): 95 % interval over launches (Welch, on logs)"
    if any(each.low is None for each in means):
        few = stats.LAUNCHES_FOR_INTERVAL
        yield f"* fewer than {few} launches of some case: the ratio alone"
    yield from legend.outside(means)
    if any(group.codes_differ for group in groups):
        yield "§ of speed-ups between different commits of the suite, one at least"
    if any(len(group.compared) < len(group.pairs) for group in groups):
        yield "n of m: the rest have no time with one of the two, or none to compare"

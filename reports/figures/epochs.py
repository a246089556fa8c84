"""Figures 3 to 5: training time on the GPU against image size."""

from collections.abc import Callable, Iterable

from reports import paper, stats
from reports.figures import words
from reports.figures.drawing import Drawing, Panel, Point, Series
from reports.figures.groups import Group, slug
from reports.pool import Pooled

_Grid = dict[tuple[int, str], tuple[Point, ...]]


def drawings(group: Group, say: Callable[[str, str], None]) -> list[Drawing]:
    """Figure 3, figure 4 for each pool, and figure 5, as far as there are data.

    ``say`` is called with the figure and the reason for each that cannot be drawn.
    """
    if len(group.sizes) < 2:
        size = f"one image size only, {group.sizes[0]} px"
        say("figures 3 to 5", f"{size}, and they are of several")
        return []
    grid = _grid(group)
    found = [_one_pool(group, cnmem, grid) for cnmem in group.pools]
    if "0" not in group.pools:
        say("figure 3", f"no case with a time has {words.pool('0')}")
    if group.pools == ("0",):
        say("figure 4", "no case with a time has a memory pool")
    if len(group.pools) > 1:
        found.append(_all_pools(group, grid))
    else:
        only = words.pool(group.pools[0])
        say("figure 5", f"it compares memory pools, and there is {only} alone")
    return found


def _grid(group: Group) -> _Grid:
    """The points of each batch size and pool, by image size."""
    grid: dict[tuple[int, str], list[Point]] = {}
    for case in sorted(group.cases, key=lambda case: case.combination.size):
        key = (case.combination.batch, case.combination.cnmem or "")
        grid.setdefault(key, []).append(_point(case))
    return {key: tuple(points) for key, points in grid.items()}


def _point(case: Pooled) -> Point:
    time = stats.epoch_time(case.medians)
    alone = time.launches == 1
    return Point(
        x=case.combination.size,
        y=time.seconds,
        low=None if alone else time.low,
        high=None if alone else time.high,
        is_interval=time.has_interval,
        launches=time.launches,
        label=words.time_label(case, time),
    )


def _one_pool(group: Group, cnmem: str, grid: _Grid) -> Drawing:
    """Figure 3 (no pool) or 4: a line for each batch size."""
    figure = "3" if cnmem == "0" else "4"
    apart = "" if cnmem in paper.POOLS else f"cnmem-{slug(cnmem)}-"
    lines = tuple(
        [
            Series(f"batch {batch}", str(batch), grid[batch, cnmem])
            for batch in group.batches
            if (batch, cnmem) in grid
        ]
    )
    of = group.setting
    untimed = [c for c in group.untimed if (c.combination.cnmem or "") == cnmem]
    return Drawing(
        name=f"figure-{figure}-{apart}{group.slug}",
        title=f"Figure {figure}: training time {words.with_pool(cnmem)}: {of}",
        conditions=_conditions(group, untimed),
        heading=_capital(words.with_pool(cnmem)),
        setting=of,
        panels=(Panel("", lines),),
        ordered=True,
        beside=tuple([point for points in grid.values() for point in points]),
    )


def _all_pools(group: Group, grid: _Grid) -> Drawing:
    """Figure 5: a panel for each batch size, a line for each pool."""
    panels = tuple(
        [
            Panel(
                f"batch {batch}",
                tuple(
                    [
                        Series(words.pool(cnmem), cnmem, grid[batch, cnmem])
                        for cnmem in group.pools
                        if (batch, cnmem) in grid
                    ]
                ),
            )
            for batch in group.batches
        ]
    )
    return Drawing(
        name=f"figure-5-{group.slug}",
        title=f"Figure 5: training time with each memory pool: {group.setting}",
        conditions=_conditions(group, group.untimed),
        heading="Training time by memory pool",
        setting=group.setting,
        panels=panels,
        panels_of="batch size",
    )


def _conditions(group: Group, untimed: Iterable[Pooled]) -> str:
    return f"{words.conditions(group)} {words.without_time(tuple(untimed))}".rstrip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""Figure 6: speed-up of the GPU over so many CPU cores, against batch size."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from reports import gpu, paper, stats
from reports.combination import pool_order
from reports.figures import words
from reports.figures.drawing import Drawing, Panel, Point, Series
from reports.figures.groups import Group
from reports.gpu import Pair, Row

_Rows = Mapping[tuple[int, str, str], Row]


def drawings(
    group: Group, rows: Iterable[Row], say: Callable[[str, str], None]
) -> list[Drawing]:
    """A figure for each image size, and one against the best CPU engine if it differs.

    ``rows`` are all that could be compared; ``say`` is called with the figure and the
    reason where none of ``group`` could, or at a size with one batch size only.
    """
    own = {
        (row.gpus[0].combination.size, _pool(row), row.against): row
        for row in rows
        if row.gpus[0] in group.cases
    }
    if not own:
        say("figure 6", "no CPU case of this machine to compare with has a time")
    found = []
    for against in (gpu.SAME, gpu.BEST):
        for size in sorted({size for size, _, whom in own if whom == against}):
            drawing = _drawing(group, size, against, own)
            batches = {point.x for point in drawing.points}
            if len(batches) > 1:
                found.append(drawing)
            else:
                there = f"against {_whom(against)} at {size} px"
                only = f"batch size {min(batches)} alone"
                say("figure 6", f"{there} there is {only}, and it is of several")
    return found


def _pool(row: Row) -> str:
    return row.gpus[0].combination.cnmem or ""


def _drawing(group: Group, size: int, against: str, rows: _Rows) -> Drawing:
    pools = sorted({cnmem for each, cnmem, _ in rows if each == size}, key=pool_order)
    # there is no row against the best engine where it is the same one
    chosen = {
        cnmem: row
        for cnmem in pools
        if (
            row := rows.get((size, cnmem, against)) or rows.get((size, cnmem, gpu.SAME))
        )
    }
    cores = sorted({n for row in chosen.values() for n in row.cells}, reverse=True)
    panels = tuple([_panel(chosen, n, against) for n in cores])
    pairs = [p for row in chosen.values() for cell in row.cells.values() for p in cell]
    apart = "" if size == paper.SIZE else f"{size}px-"
    apart += "against-best-" if against == gpu.BEST else ""
    whom = _whom(against)
    over = "CPU cores" if against == gpu.SAME else whom
    return Drawing(
        name=f"figure-6-{apart}{group.slug}",
        title=f"Figure 6: speed-up over CPU cores at {size} px, against {whom}: "
        f"{group.setting}",
        conditions=f"{words.against(pairs)} {words.conditions(group)}",
        heading=f"Speed-up over {over} at {size} px",
        setting=f"{group.setting}; CPU: {_names(pairs)}",
        panels=panels,
        panels_of="number of CPU cores",
        is_speedup=True,
    )


def _whom(against: str) -> str:
    return "the same engine" if against == gpu.SAME else "the best CPU engine"


def _panel(rows: Mapping[str, Row], cores: int, against: str) -> Panel:
    series = [
        Series(words.pool(cnmem), cnmem, tuple([_point(pair) for pair in pairs]))
        for cnmem, row in rows.items()
        if (pairs := row.cells.get(cores, ()))
    ]
    return Panel(words.cores(cores), tuple(series), _reference(rows, cores, against))


def _reference(rows: Mapping[str, Row], cores: int, against: str) -> float | None:
    """The paper's value, where it printed one for the like of a row that is drawn.

    It did not choose the fastest of several CPU engines.
    """
    like = (
        against == gpu.SAME
        and cores in row.cells
        and paper.applies(row.gpus[0].combination)
        for row in rows.values()
    )
    return paper.HIGHEST.get(cores) if any(like) else None


def _point(pair: Pair) -> Point:
    speedup = pair.speedup
    low, high = speedup.low, speedup.high
    gpus, cpus = pair.gpu.medians, pair.cpu.medians
    fewest = min(len(gpus), len(cpus))
    if low is None and fewest > 1:
        low, high = min(cpus) / max(gpus), max(cpus) / min(gpus)
    return Point(
        x=pair.gpu.combination.batch,
        y=speedup.ratio,
        low=low,
        high=high,
        is_interval=fewest >= stats.LAUNCHES_FOR_INTERVAL,
        launches=fewest,
        label=words.speedup_label(pair, low, high),
    )


def _names(pairs: Sequence[Pair]) -> str:
    return ", ".join(dict.fromkeys(pair.cpu_name for pair in pairs))

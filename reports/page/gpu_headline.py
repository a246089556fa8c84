"""The headline of files with a GPU: its speed-up over CPU cores, the paper's beside."""

from collections.abc import Iterator, Sequence

from reports import gpu, paper
from reports.combination import ASSUMED
from reports.gpu import Pair, Row
from reports.page import headline
from reports.page.headline import Figure, Headline, Line
from reports.pool import Pooled


def of(cases: Sequence[Pooled]) -> Headline | None:
    """What the GPU cases among ``cases`` bear out; None where no two can be compared.

    One setting speaks for all: the paper's own (image size, pool, engine, loop) if it
    was measured, else the nearest to it. The choice does not look at the speed-ups.
    """
    rows = gpu.rows(cases)
    if not rows:
        return None
    chosen = max(rows, key=_nearness)
    # the same GPU cases, against whomever they were compared with
    alike = [row for row in rows if row.gpus == chosen.gpus]
    cores = sorted(chosen.cells, reverse=True)
    lines = [_mean(row, cores) for row in alike]
    with_paper = _applies(chosen)
    if with_paper:
        lines += [_highest(chosen, cores), _paper(cores)]
    return Headline(
        claim=_claim(chosen, cores),
        caption="Times as fast as",
        headings=tuple(map(headline.cores, cores)),
        lines=tuple(lines),
        notes=tuple(_notes(alike, cores, with_paper)),
    )


def _applies(row: Row) -> bool:
    return paper.applies(row.gpus[0].combination)


def _nearness(row: Row) -> tuple[object, ...]:
    """How near to what the paper printed; of several as near the fullest, the first."""
    setting = row.gpus[0].combination
    return (
        _applies(row),
        row.against == gpu.SAME,
        setting.engine == paper.ENGINE,
        setting.loop == ASSUMED["loop"],
        setting.precision == ASSUMED["precision"],
        len(row.cells),
        len(row.batches),
        setting.size,
    )


def _claim(row: Row, cores: Sequence[int]) -> str:
    whose = "" if row.against == gpu.SAME else " with the best CPU engine"
    ends = dict.fromkeys((cores[0], cores[-1]))
    told = [
        (mean, f"{n} CPU core{'s' if n > 1 else ''}{whose}")
        for n in ends
        if (mean := row.mean(n)) is not None
    ]
    devices = {launch.device for case in row.gpus for launch in case.launches} - {""}
    name = devices.pop() if len(devices) == 1 else "GPU"
    engine = row.gpus[0].combination.engine
    return headline.claim(f"With {engine}, one {name}", told)


def _mean(row: Row, cores: Sequence[int]) -> Line:
    figures = [_marked(row, n, headline.figure(row.mean(n))) for n in cores]
    many = len(row.batches)
    over = "" if many == 1 else f"mean over {many} batch sizes, "
    return Line(f"Measured: {over}{_against(row)}", tuple(figures))


def _highest(row: Row, cores: Sequence[int]) -> Line:
    figures = []
    for n in cores:
        pair = row.highest(n)
        figure = headline.figure(pair.speedup if pair else None)
        figures.append(_marked(row, n, figure))
    return Line(
        f"Measured: highest of {len(row.batches)}, {_against(row)}", tuple(figures)
    )


def _paper(cores: Sequence[int]) -> Line:
    printed = [paper.HIGHEST.get(n) for n in cores]
    return Line(
        f"Paper: highest of {len(paper.BATCHES)}, {paper.ENGINE} on a {paper.GPU}, "
        f"{paper.CPU_ENGINE} on a {paper.CPU}",
        tuple([None if each is None else Figure(f"{each:.2f}") for each in printed]),
        is_paper=True,
    )


def _against(row: Row) -> str:
    names = ", ".join(sorted({pair.cpu_name for pair in _pairs(row)}))
    if row.against == gpu.SAME:
        return f"{names} on both sides"
    return f"against the best CPU engine of each: {names}"


def _marked(row: Row, cores: int, figure: Figure | None) -> Figure | None:
    if figure is None:
        return None
    return Figure(f"{figure.value}{row.marks(cores)}", figure.range)


def _notes(
    rows: Sequence[Row], cores: Sequence[int], with_paper: bool
) -> Iterator[str]:
    setting = rows[0].gpus[0].combination
    pool = "" if setting.cnmem is None else f"cnmem {setting.cnmem}, "
    batches = sorted({pair.gpu.combination.batch for r in rows for pair in _pairs(r)})
    yield (
        f"{setting.engine}, {setting.size} px, {pool}loop {setting.loop}, "
        f"{setting.precision}; batch sizes {', '.join(map(str, batches))}; CPU: "
        f"{rows[0].gpus[0].where}. Speed-up = seconds on the CPU / seconds on the "
        "GPU; means are geometric."
    )
    means = [mean for row in rows for n in cores if (mean := row.mean(n)) is not None]
    yield from headline.legend(means)
    borne = {mark for row in rows for n in cores for mark in row.marks(n)}
    for mark, text in gpu.MARKS.items():
        if mark in borne:
            yield f"{mark} {text[0].upper()}{text[1:]}."
    if with_paper:
        yield (
            "The paper prints the highest of its five batch sizes alone and no "
            "interval; compare it with the highest here, not with the mean."
        )
    else:
        yield (
            f"The paper printed speed-ups for {paper.SIZE} px with cnmem {paper.POOL} "
            f"only, as Keras trains in {ASSUMED['precision']}, so none stands beside "
            "these."
        )


def _pairs(row: Row) -> Iterator[Pair]:
    for pairs in row.cells.values():
        yield from pairs

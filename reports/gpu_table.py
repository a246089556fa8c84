"""The table of GPUs against CPU cores, with the paper's row where it applies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reports import cases, cells, gpu, legend, paper, stats
from reports.gpu import Pair, Row
from reports.saved import Saved
from reports.tables import Column, Table

NAME = "gpu"

_MEAN, _HIGHEST = "mean", "highest"
_NAMED = 5  # batch sizes
_PRINTED = ("size (px)", "cnmem", "loop", "precision")  # what the paper's line is of
_WITHOUT = ("device", "batch", "cores")  # a line is of several, or of one always


@dataclass(frozen=True)
class _Line:
    """A line of the table: a row's means or highest speed-ups, or the paper's."""

    row: Row
    over: str
    is_paper: bool = False


def table(saved: Saved) -> Table | None:
    """The GPU cases against CPU cores; None where no two can be compared."""
    rows = gpu.rows(saved.cases)
    if not rows:
        return None
    lines = _lines(rows)
    cores = sorted({n for row in rows for n in row.cells}, reverse=True)
    return Table(
        name=NAME,
        shown=(*_settings(lines), *(_cells(lines, n) for n in cores)),
        data=_data(lines, cores),
        above=(
            cases.what_was_read(
                [file for file in saved.files if file.cases],
                [case for case in saved.cases if cases.has_run(case)],
            ),
            "speed-up of a GPU over so many CPU cores = seconds on the CPU / seconds "
            "on the GPU",
        ),
        below=(*_legend(lines, cores), *saved.slow_nodes),
    )


def _lines(rows: Sequence[Row]) -> list[_Line]:
    """The rows' means and, where the paper has its like, the highest; its own first."""
    lines: list[_Line] = []
    for row in rows:
        like = paper.applies(row.gpus[0].combination)
        if len(row.batches) > 1 or not like:
            lines.append(_Line(row, _MEAN))
        if like:
            lines.append(_Line(row, _HIGHEST))
    highest = [line for line in lines if line.over == _HIGHEST]
    # it is no engine's of ours, so that among one's rows it would be taken for theirs
    return [replace(line, is_paper=True) for line in highest[:1]] + lines


def _settings(lines: Sequence[_Line]) -> tuple[Column, ...]:
    """Which GPU case a line is of, over which batch sizes, against whom."""
    columns = cases.axis_columns([line.row.gpus[0] for line in lines], _WITHOUT)
    return (
        *[_papers_own(column, lines) for column in columns],
        Column("over batches", tuple([_over(line) for line in lines]), "left"),
        Column("against", tuple([_against(line) for line in lines]), "left"),
    )


def _papers_own(column: Column, lines: Sequence[_Line]) -> Column:
    """``column`` with what the paper says in its line, where it says anything."""
    printed = {"engine": f"paper: {paper.ENGINE}, {paper.GPU}"}
    cells = [
        printed.get(column.heading, cell if column.heading in _PRINTED else "")
        if line.is_paper
        else cell
        for line, cell in zip(lines, column.cells, strict=True)
    ]
    return replace(column, cells=tuple(cells))


def _over(line: _Line) -> str:
    batches = paper.BATCHES if line.is_paper else line.row.batches
    if len(batches) == 1:
        return f"batch {batches[0]}"
    named = ", ".join(map(str, batches))
    if len(batches) > _NAMED:
        named = f"{batches[0]}–{batches[-1]} ({len(batches)})"
    return f"{line.over} of {named}"


def _against(line: _Line) -> str:
    if line.is_paper:
        return f"{paper.CPU_ENGINE}, {paper.CPU}"
    names = {pair.cpu_name for pairs in line.row.cells.values() for pair in pairs}
    return f"{line.row.against}: {', '.join(sorted(names))}"


def _cells(lines: Sequence[_Line], cores: int) -> Column:
    heading = "1 core" if cores == 1 else f"{cores} cores"
    return Column(heading, tuple([_cell(line, cores) for line in lines]))


def _cell(line: _Line, cores: int) -> str:
    if line.is_paper:
        printed = paper.HIGHEST.get(cores)
        return "—" if printed is None else f"{printed:.2f}"
    speedup = _speedup(line, cores)
    if speedup is None:
        return "—"
    mark = line.row.marks(cores, _pairs(line, cores))
    return f"{cells.ratio(speedup)}{mark}"


def _speedup(line: _Line, cores: int) -> stats.Speedup | None:
    if line.over == _MEAN:
        return line.row.mean(cores)
    pair = line.row.highest(cores)
    return pair.speedup if pair else None


def _data(lines: Sequence[_Line], cores: Sequence[int]) -> tuple[Column, ...]:
    """A row for each line and number of cores that something was measured on."""
    found = [
        (line, n, speedup)
        for line in lines
        if not line.is_paper
        for n in cores
        if (speedup := _speedup(line, n)) is not None
    ]
    printed = [
        paper.HIGHEST.get(n) if line.over == _HIGHEST else None for line, n, _ in found
    ]
    pairs = [_pairs(line, n) for line, n, _ in found]
    return (
        *cases.axis_data([line.row.gpus[0] for line, _, _ in found], _WITHOUT),
        Column("over", tuple([line.over for line, _, _ in found]), "left"),
        Column("batches", tuple([_batches(each) for each in pairs]), "left"),
        Column("against", tuple([line.row.against for line, _, _ in found]), "left"),
        Column("cpu_engines", tuple([_names(each) for each in pairs]), "left"),
        Column("cpu_cores", tuple([n for _, n, _ in found])),
        Column("speedup", tuple([each.ratio for _, _, each in found])),
        Column("speedup_low", tuple([each.low for _, _, each in found])),
        Column("speedup_high", tuple([each.high for _, _, each in found])),
        Column("other_commit", tuple([_other_commit(each) for each in pairs]), "left"),
        Column("paper_speedup", tuple(printed)),
    )


def _pairs(line: _Line, cores: int) -> tuple[Pair, ...]:
    if line.over == _MEAN:
        return line.row.cells[cores]
    pair = line.row.highest(cores)
    return (pair,) if pair else ()


def _batches(pairs: Sequence[Pair]) -> str:
    return " ".join(str(pair.batch) for pair in pairs)


def _other_commit(pairs: Sequence[Pair]) -> str | None:
    return "yes" if any(pair.codes_differ for pair in pairs) else None


def _names(pairs: Sequence[Pair]) -> str:
    return ", ".join(sorted({pair.cpu_name for pair in pairs}))


def _legend(lines: Sequence[_Line], cores: Sequence[int]) -> Iterator[str]:
    speedups = [
        each
        for line in lines
        if not line.is_paper
        for n in cores
        if (each := _speedup(line, n)) is not None
    ]
    few = stats.LAUNCHES_FOR_INTERVAL
    if any(line.over == _MEAN and len(line.row.batches) > 1 for line in lines):
        yield "mean: geometric, over the batch sizes measured on both sides"
    if any(each.low is not None for each in speedups):
        yield "(low–high): 95 % interval over launches (Welch, on logs)"
    if any(each.low is None for each in speedups):
        yield f"* fewer than {few} launches of some case: the ratio alone"
    borne = {mark for line in lines for n in cores for mark in line.row.marks(n)}
    told = [f"{mark} {text}" for mark, text in gpu.MARKS.items() if mark in borne]
    if "°" in borne:  # it is told before the engines are
        yield told.pop(0)
    if any(line.row.against == gpu.BEST for line in lines):
        yield "best CPU engine: the fastest, at batch sizes that all were measured at"
    yield from told
    yield from legend.outside(speedups)
    if any(line.is_paper for line in lines):
        yield (
            "paper: the highest over its batch sizes is all that it prints, and no "
            "interval"
        )

"""The table of GPU cases with one memory pool beside another: times and memory."""

from collections.abc import Iterator, Sequence

from reports import cases, cells, digits, gpu_memory, legend, marks, remarks, stats
from reports.gpu_memory import Held
from reports.memory_pools import Pair
from reports.pool import Pooled
from reports.tables import Cell, Column, Table

NAME = "cases"

_MEBIBYTE = 2**20
_FEW = stats.LAUNCHES_FOR_INTERVAL


def table(
    pairs: Sequence[Pair], above: Sequence[str], below: Sequence[str], *without: str
) -> Table:
    """A row for each of ``pairs``, of the same two pools; axes but those ``without``.

    The lines ``below`` follow those that say what cells and marks mean.
    """
    rows = [each.row for each in pairs]
    said = remarks.of([case for each in pairs for case in (each.against, each.case)])
    marked = marks.of(said)
    notes = [(*a, *b) for a, b in zip(said[::2], said[1::2], strict=True)]
    return Table(
        name=NAME,
        shown=(*cases.axis_columns(rows, without), *_shown(pairs, marked.rows)),
        data=(*cases.axis_data(rows), *_data(pairs), _notes(notes)),
        above=tuple(above),
        below=(
            *_legend(pairs),
            *cases.loops_explained(rows),
            *below,
            *marked.lines,
        ),
    )


def _shown(pairs: Sequence[Pair], marked: Sequence[str]) -> tuple[Column, ...]:
    """Both times, what is between them, and both memories; ``marked``: two a pair."""
    first = pairs[0]
    base, asked = first.against.combination.cnmem, first.case.combination.cnmem
    bases, all_asked = [p.against for p in pairs], [p.case for p in pairs]
    return (
        Column(f"epoch at {base} (s)", _epochs(bases, marked[::2])),
        Column(f"epoch at {asked} (s)", _epochs(all_asked, marked[1::2])),
        Column("speed-up", tuple([_speedup(pair) for pair in pairs])),
        Column(f"reserved at {base} (MB)", _megabytes(_reserved(bases))),
        Column(f"reserved at {asked} (MB)", _megabytes(_reserved(all_asked))),
        Column(f"peak at {base} (MB)", _megabytes(_peak(bases))),
        Column(f"peak at {asked} (MB)", _megabytes(_peak(all_asked))),
    )


def _epochs(pooled: Sequence[Pooled], marked: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        [
            f"{_epoch(case)} {mark}".rstrip()
            for case, mark in zip(pooled, marked, strict=True)
        ]
    )


def _epoch(case: Pooled) -> str:
    """The time, or what came of the case instead."""
    if case.outcome is not None:
        return str(case.outcome)
    time = stats.epoch_time(case.medians)
    if not time.has_interval:
        return f"{digits.number(time.seconds)}*"
    if time.is_outside:
        interval = digits.with_interval(time.seconds, time.low, time.high)
        return f"{interval}{cells.OUTSIDE}"
    return digits.with_half_width(time.seconds, time.low, time.high)


def _speedup(pair: Pair) -> str:
    if pair.speedup is None:
        return "—¶" if pair.both_timed else "—"
    return f"{cells.ratio(pair.speedup)}{'§' if pair.codes_differ else ''}"


def _reserved(pooled: Sequence[Pooled]) -> list[Held | None]:
    return [gpu_memory.reserved(case) for case in pooled]


def _peak(pooled: Sequence[Pooled]) -> list[Held | None]:
    return [gpu_memory.peak(case) for case in pooled]


def _megabytes(held: Sequence[Held | None]) -> tuple[str, ...]:
    return tuple(
        [
            f"{each.bytes / _MEBIBYTE:.0f}{'†' if each.by_driver else ''}"
            if each
            else "—"
            for each in held
        ]
    )


def _data(pairs: Sequence[Pair]) -> tuple[Column, ...]:
    speedups = [pair.speedup for pair in pairs]
    pools = [pair.against.combination.cnmem for pair in pairs]
    others = ["yes" if pair.codes_differ else None for pair in pairs]
    return (
        Column("against_cnmem", tuple(pools)),
        *_times([pair.case for pair in pairs], ""),
        *_times([pair.against for pair in pairs], "against_"),
        Column("speedup", tuple([s.ratio if s else None for s in speedups])),
        Column("speedup_low", tuple([s.low if s else None for s in speedups])),
        Column("speedup_high", tuple([s.high if s else None for s in speedups])),
        Column("other_commit", tuple(others), "left"),
        *_memory([pair.case for pair in pairs], ""),
        *_memory([pair.against for pair in pairs], "against_"),
    )


def _times(pooled: Sequence[Pooled], side: str) -> Iterator[Column]:
    times = [None if c.outcome else stats.epoch_time(c.medians) for c in pooled]
    kinds = [case.outcome.kind if case.outcome else None for case in pooled]
    columns: dict[str, list[Cell]] = {
        "launches": [t.launches if t else None for t in times],
        "seconds": [t.seconds if t else None for t in times],
        "seconds_low": [t.low if t else None for t in times],
        "seconds_high": [t.high if t else None for t in times],
    }
    for name, values in columns.items():
        yield Column(f"{side}{name}", tuple(values))
    yield Column(f"{side}outcome", tuple(kinds), "left")


def _memory(pooled: Sequence[Pooled], side: str) -> Iterator[Column]:
    for name, held in (("reserved", _reserved(pooled)), ("peak", _peak(pooled))):
        counts = [round(each.bytes) if each else None for each in held]
        by = [
            ("driver" if each.by_driver else "engine") if each else None
            for each in held
        ]
        yield Column(f"{side}{name}_bytes", tuple(counts))
        yield Column(f"{side}{name}_by", tuple(by), "left")


def _notes(notes: Sequence[Sequence[str]]) -> Column:
    joined = [" | ".join(dict.fromkeys(each)) for each in notes]
    return Column("notes", tuple(joined), "left")


def _legend(pairs: Sequence[Pair]) -> Iterator[str]:
    pooled = [case for pair in pairs for case in (pair.case, pair.against)]
    times = [stats.epoch_time(c.medians) for c in pooled if c.outcome is None]
    launches = [time.launches for time in times]
    speedups = [pair.speedup for pair in pairs if pair.speedup]
    held = [*_reserved(pooled), *_peak(pooled)]
    if any(count >= _FEW for count in launches):
        yield "epoch ±: half of the 95 % interval over launches"
    if any(each.low is not None for each in speedups):
        yield "speed-up (low–high): 95 % interval over launches (Welch, on logs)"
    if any(count < _FEW for count in launches):
        yield (
            f"* fewer than {_FEW} launches, on a side for a speed-up: the figure "
            f"alone, with no word on its error; measure with --launches {_FEW} or more"
        )
    if any(held):
        yield (
            "reserved: what the pool has before training; peak: the most that was in "
            "use; medians over launches by the engine's own count, 1 MB is 2^20 bytes"
        )
    if any(each.by_driver for each in held if each):
        yield (
            "† the engine does not tell: what the driver counts for the process, with "
            "CUDA's own part and the whole pool, before training and after it"
        )
    yield from legend.outside([*times, *speedups])
    if any(map(gpu_memory.hides_peak, pooled)):
        yield (
            "peak —: of a pool that is reserved at once the driver counts all, and the "
            "engine tells no peak"
        )
    if any(pair.codes_differ for pair in pairs):
        yield "§ the two were measured with different commits of the suite"
    if any(pair.both_timed and not pair.engines_agree for pair in pairs):
        yield "¶ measured with versions of the engine too far apart to be compared"

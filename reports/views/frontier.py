"""The memory frontier: the largest batch that a GPU trains, for each size and pool."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports import digits, labels, tables, texts
from reports.combination import Combination, varying
from reports.errors import InputError, printable
from reports.frontiers import Frontier
from reports.load import SavedFile
from reports.saved import Saved
from reports.tables import Column, Table

HELP = "Largest batch that trains in a GPU's memory, and the next, which does not."
EXAMPLE = "python -m reports frontier .benchmarks/"
#: Frontiers are pooled with nothing, so that different commits are no fault.
BY_FILE = True

_SHOWN = ("engine", "size", "cnmem", "loop", "precision")
_HEADINGS = {"size": "size (px)", "gpu_memory": "GPU memory (MB)"}
_DATA = {"size": "size_px", "gpu_memory": "gpu_memory_mb"}
_NUMBERS = ("size", "cnmem", "gpu_memory")
_SAID = ("loop", "precision")  # above the table where they are the same in all rows
_IN_WORDS = (
    ("loop", "loop {}"),
    ("precision", "{}"),
    ("gpu_memory", "GPU memory {} MB"),
)
_MEBIBYTE = 2**20
_MEANING = (
    "largest: the largest batch found that trains, images a step; refused: the next "
    "one tried, which ran out of memory"
)
_ASKED = (
    "asked: by the allocation that failed; free: the driver's and the pool's memory "
    "then; — where the engine does not tell"
)
_BLOCK = "free of theano: the pool's largest block, or what the driver has, if more"


@dataclass(frozen=True)
class _Row:
    """A frontier and what the file that it is from is called."""

    found: Frontier
    source: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of tables."""
    tables.add_options(parser)


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """The table of all frontiers in ``saved``; raises `InputError` if there is none."""
    files = _with_frontiers(saved.files)
    rows = _rows(files)
    source = Column("source", tuple([row.source for row in rows]), "left")
    table = Table(
        name="frontier",
        shown=(
            *_axes(rows),
            *([Column("GPU", tuple(_gpus(rows)), "left")] if _several(rows) else []),
            *_shown(rows),
            *([source] if len(files) > 1 else []),
        ),
        data=(*_axis_data(rows), *_figures(rows), source),
        above=(_what_was_read(files, rows), _MEANING),
        below=_legend(rows),
    )
    return (table,)


def _with_frontiers(files: Sequence[SavedFile]) -> tuple[SavedFile, ...]:
    """The files that hold frontiers; the others are for other views."""
    found = tuple(file for file in files if file.frontiers)
    if not found:
        names = texts.few([printable(str(file.path)) for file in files])
        raise InputError(
            f"no memory frontier in {names}; `pytest "
            "benchmarks/test_frontier.py --devices cuda --benchmark-autosave` finds "
            "and saves some"
        )
    return found


def _rows(files: Sequence[SavedFile]) -> tuple[_Row, ...]:
    """All frontiers in the axes' order, one that was saved twice once."""
    # --benchmark-autosave beside --benchmark-json saves a run under two names
    named = list(zip(files, labels.of(files), strict=True))
    first = {
        (found, file.machine, file.code): _Row(found, name)
        for file, name in reversed(named)
        for found in reversed(file.frontiers)
    }
    return tuple(
        sorted(
            first.values(),
            key=lambda row: (
                row.found.combination.order,
                row.source,
                row.found.largest,
            ),
        )
    )


def _axes(rows: Sequence[_Row]) -> tuple[Column, ...]:
    """The columns that say which case a row is: the axes, and whatever else differs."""
    combinations = [row.found.combination for row in rows]
    return tuple(
        replace(
            _axis(axis, _HEADINGS, combinations),
            said=axis in _SAID and len({c.value(axis) for c in combinations}) == 1,
        )
        for axis in (*_SHOWN, *varying(combinations))
    )


def _axis_data(rows: Sequence[_Row]) -> tuple[Column, ...]:
    """The same for programs: what the GPU was made to have is always there."""
    combinations = [row.found.combination for row in rows]
    usual = (*_SHOWN, "gpu_memory", "dataset")
    rest = (axis for axis in varying(combinations) if axis not in usual)
    return tuple(_axis(axis, _DATA, combinations) for axis in (*usual, *rest))


def _axis(
    axis: str, headings: dict[str, str], combinations: Sequence[Combination]
) -> Column:
    values = [combination.value(axis) for combination in combinations]
    cells = ["" if value is None else value for value in values]
    align = "right" if axis in _NUMBERS else "left"
    return Column(headings.get(axis, axis), tuple(cells), align)


def _gpus(rows: Sequence[_Row]) -> list[str]:
    return [row.found.device or "—" for row in rows]


def _several(rows: Sequence[_Row]) -> bool:
    """Whether there are frontiers of several GPUs."""
    return len({row.found.device for row in rows} - {""}) > 1


def _shown(rows: Sequence[_Row]) -> tuple[Column, ...]:
    found = [row.found for row in rows]
    return (
        Column("largest (batch)", tuple([_largest(each) for each in found])),
        Column("images/s", tuple(_number(each.images_per_second) for each in found)),
        Column("refused (batch)", tuple(_number(each.refused) for each in found)),
        Column("asked (MB)", tuple(_megabytes(each.asked_bytes) for each in found)),
        Column("free (MB)", tuple(_megabytes(each.free_bytes) for each in found)),
    )


def _figures(rows: Sequence[_Row]) -> tuple[Column, ...]:
    found = [row.found for row in rows]
    return (
        Column("largest_batch", tuple(each.largest for each in found)),
        Column("refused_batch", tuple(each.refused for each in found)),
        Column("asked_bytes", tuple(each.asked_bytes for each in found)),
        Column("free_bytes", tuple(each.free_bytes for each in found)),
        Column("images_per_second", tuple(each.images_per_second for each in found)),
        Column("probes", tuple(each.probes for each in found)),
        Column("gpu", tuple(each.device for each in found), "left"),
    )


def _what_was_read(files: Sequence[SavedFile], rows: Sequence[_Row]) -> str:
    where = printable(str(files[0].path)) if len(files) == 1 else f"{len(files)} files"
    count = "1 case" if len(rows) == 1 else f"{len(rows)} cases"
    devices = [] if _several(rows) else dict.fromkeys(r.found.device for r in rows)
    combinations = [row.found.combination for row in rows]
    parts = [f"{count} from {where}"]
    for axis, words in _IN_WORDS:
        values = {combination.value(axis) for combination in combinations}
        if len(values) == 1 and None not in values:
            parts.append(words.format(values.pop()))
    return "; ".join([*parts, *filter(None, devices)])


def _legend(rows: Sequence[_Row]) -> tuple[str, ...]:
    lines = []
    if any(row.found.combination.value("gpu_memory") for row in rows):
        lines.append(
            "GPU memory: what processes could have beside CUDA's own part of each; the "
            "rest of the GPU was held"
        )
    if any(row.found.largest == 0 for row in rows):
        lines.append("0: not even one image trains")
    told = [row.found for row in rows if _tells(row.found)]
    if told:
        lines.append(_ASKED)
    if any(found.combination.value("engine") == "theano" for found in told):
        lines.append(_BLOCK)
    if any(row.found.refused is None for row in rows):
        lines.append("≥: no batch was refused up to this, the most that was tried")
    return tuple(lines)


def _tells(found: Frontier) -> bool:
    """Whether it is known what was asked for or free."""
    return found.asked_bytes is not None or found.free_bytes is not None


def _largest(found: Frontier) -> str:
    return f"{'≥ ' if found.refused is None else ''}{found.largest}"


def _number(value: float | None) -> str:
    if value is None:
        return "—"
    return str(value) if isinstance(value, int) else digits.number(value)


def _megabytes(count: int | None) -> str:
    return "—" if count is None else f"{count / _MEBIBYTE:.0f}"

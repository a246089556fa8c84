"""The grid of cases: its presets, and what the command line changes of them."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from benchmarks import theanorc
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.memory import MemoryPool


@dataclass(frozen=True)
class Grid:
    """Values of each axis, and how much is measured of each case.

    ``sizes`` in px; ``cnmem`` applies to the device cuda alone and ``cores`` to cpu
    alone, since a GPU case uses all cores that the machine lends. ``rounds`` are the
    timed epochs of a launch, behind one warm-up epoch. ``launches`` is a number of
    fresh processes, None where as many are made as the precision needs; ``time_cap``
    is how many seconds a case's launches take by then at most. Where it is ``paired``,
    the first size goes with the first batch size, the second with the second, …
    """

    engines: tuple[str, ...]
    devices: tuple[str, ...]
    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    cnmem: tuple[str, ...]
    cores: tuple[int, ...]
    loops: tuple[str, ...]
    precision_mode: tuple[str, ...]
    images: int
    launches: int | None
    rounds: int
    time_cap: int
    paired: bool = False


PRESETS = {
    # Minutes on a laptop, three launches and more of each case: both stacks of the
    # paper, a small workload and a larger one, on one core and on two.
    "quick": Grid(
        engines=("theano", "tensorflow"),
        devices=("cpu",),
        sizes=(32, 64),
        batches=(10, 50),
        cnmem=("0", "1"),
        cores=(2, 1),
        loops=("fit",),
        precision_mode=("float32",),
        images=300,
        launches=None,
        rounds=2,
        time_cap=15,
        paired=True,
    ),
    # The paper's figures 3 to 6.
    "paper": Grid(
        engines=("theano", "tensorflow"),
        devices=("cpu", "cuda"),
        sizes=(32, 64, 128, 180, 200),
        batches=(10, 20, 50, 100, 150),
        cnmem=("0", "1"),
        cores=(16, 8, 4, 2, 1),
        loops=("fit",),
        precision_mode=("float32",),
        images=300,
        launches=None,
        rounds=3,
        time_cap=600,
    ),
}

_AXES = (
    *("engines", "devices", "sizes", "batches", "cnmem", "cores"),
    *("loops", "precision_mode"),
)
_NUMBERS = ("images", "launches", "rounds", "time_cap")


def select(preset: str, overrides: dict[str, str | None]) -> Grid:
    """The preset with what the command line says in its place.

    Parameters
    ----------
    overrides
        for an axis a comma list, for ``images``, ``launches`` and ``rounds`` a number;
        None leaves the preset's.

    Raises
    ------
    InputError
        for an unknown preset, a value that is none, or one that comes twice;
        for the pool ``theanorc`` where the user has no such setting (`theanorc`);
        for options that have no effect beside others.
    """
    if preset not in PRESETS:
        raise InputError(f"unknown grid {preset!r}; there are: {', '.join(PRESETS)}")
    changed: dict[str, object] = {}
    for name, text in overrides.items():
        if text is None:
            continue
        if name in _NUMBERS:
            changed[name] = _whole(name, text)
        elif name in ("sizes", "batches", "cores"):
            changed[name] = tuple(_whole(name, item) for item in _items(name, text))
        elif name == "cnmem":
            changed[name] = tuple(str(_pool(item)) for item in _items(name, text))
        else:
            changed[name] = tuple(_items(name, text))
    if {"sizes", "batches"} & changed.keys():
        changed["paired"] = False
    grid = replace(PRESETS[preset], **changed)  # type: ignore[arg-type]
    for axis in _AXES:
        values = getattr(grid, axis)
        if len(set(values)) < len(values):
            raise InputError(f"{flag(axis)} names a value twice: {overrides[axis]}")
    _check_effects(grid, {name for name, text in overrides.items() if text is not None})
    return grid


def _check_effects(grid: Grid, asked: set[str]) -> None:
    """Of two options that the command line names neither may undo the other."""
    if {"launches", "time_cap"} <= asked:
        raise InputError(
            "--launches fixes their number, --time-cap ends them by the time they took;"
            " leave one out"
        )
    if {"cnmem", "devices"} <= asked and "cuda" not in grid.devices:
        raise InputError(
            f"--cnmem is for GPU cases, and --devices asks for {','.join(grid.devices)}"
            " alone; add cuda, or leave --cnmem out"
        )


def jobs(
    grid: Grid, dataset: str, all_cores: int, gpu_memory: int | None = None
) -> Iterator[Job]:
    """Every case of the grid; ``all_cores`` and ``gpu_memory`` are what a GPU case has.

    Raises `InputError` for the first combination that cannot be.
    """
    axes = (grid.engines, grid.devices, grid.loops, grid.precision_mode)
    for engine, device, loop, precision in itertools.product(*axes):
        for size, batch in _workloads(grid):
            for cnmem, cores in _last_axis(grid, device, all_cores):
                yield Job(
                    engine=engine,
                    device=device,
                    size=size,
                    batch=batch,
                    cnmem=cnmem,
                    cores=cores,
                    images=grid.images,
                    dataset=dataset,
                    loop=loop,
                    precision=precision,
                    gpu_memory=None if device == "cpu" else gpu_memory,
                )


def _workloads(grid: Grid) -> list[tuple[int, int]]:
    """Pairs of size and batch size."""
    if grid.paired:
        return list(zip(grid.sizes, grid.batches, strict=True))
    return list(itertools.product(grid.sizes, grid.batches))


def _last_axis(grid: Grid, device: str, all_cores: int) -> list[tuple[str | None, int]]:
    if device == "cpu":
        return [(None, cores) for cores in grid.cores]
    return [(cnmem, all_cores) for cnmem in grid.cnmem]


def _items(name: str, text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise InputError(
            f"{flag(name)} {text!r} has an empty value; write a comma list"
        )
    return items


def _pool(text: str) -> MemoryPool:
    if theanorc.asks(text):
        return theanorc.required().pool
    return MemoryPool.parse(text)


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise InputError(
            f"{flag(name)}: {text!r} is not a whole number from 1 up, and below a "
            "million"
        )
    return int(text)


def flag(name: str) -> str:
    """The option that changes the grid's ``name``."""
    return f"--{name.replace('_', '-')}"


OPTIONS = tuple(field.name for field in fields(Grid) if field.name != "paired")

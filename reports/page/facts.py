"""Facts that hold for all figures of a page: machines, software, grid and times."""

from collections.abc import Iterator, Sequence

from reports.combination import (
    COUNTS,
    Combination,
    Value,
    pool_order,
    precision_order,
)
from reports.load import SavedFile
from reports.pool import Pooled
from reports.saved import Saved

Fact = tuple[str, tuple[str, ...]]

_GRID = (
    ("size", "image size {} px"),
    ("batch", "batch {}"),
    ("cnmem", "cnmem {}"),
    ("cores", "cores {}"),
    ("loop", "loop {}"),
    ("precision", "{}"),
    ("dataset", "dataset {}"),
    ("images", "{} images an epoch"),
)


def of(saved: Saved) -> tuple[Fact, ...]:
    """Names with their lines, those left out that the files tell nothing of."""
    timed = [case for case in saved.cases if case.outcome is None]
    found: tuple[Fact, ...] = (
        ("Machines", tuple(dict.fromkeys(_machines(saved)))),
        ("Software", tuple(dict.fromkeys(map(_software, timed)))),
        ("Grid", tuple(_grid([case.combination for case in timed]))),
        ("Sample", tuple(_sample(saved, timed))),
        ("Saved", tuple(_when(saved.files))),
    )
    return tuple((name, lines) for name, lines in found if lines)


def _machines(saved: Saved) -> Iterator[str]:
    devices: dict[object, dict[str, None]] = {}
    for case in saved.cases:
        if case.combination.device != "cpu":
            names = devices.setdefault(case.machine, {})
            names.update(dict.fromkeys(launch.device for launch in case.launches))
    for file in saved.files:
        names = devices.setdefault(file.machine, {})
        names.update(dict.fromkeys(frontier.device for frontier in file.frontiers))
    for file in saved.files:
        gpus = [name for name in devices[file.machine] if name]
        yield "; ".join([file.where, *gpus])


def _software(case: Pooled) -> str:
    """The engine and, beside it, the Keras on top of it."""
    versions = dict(case.versions)
    names = dict.fromkeys((case.combination.engine, "keras"))
    told = [f"{name} {versions[name]}" for name in names if name in versions]
    return ", ".join(told) or case.combination.engine


def _grid(combinations: Sequence[Combination]) -> Iterator[str]:
    parts = []
    for axis, words in _GRID:
        values = {c.value(axis) for c in combinations} - {None}
        if values:
            listed = ", ".join(map(str, _in_order(axis, values)))
            parts.append(words.format(listed))
    if parts:
        yield "; ".join(parts)


def _in_order(axis: str, values: set[Value]) -> list[Value]:
    if axis in COUNTS:
        return sorted(values, key=lambda value: int(value or 0))
    order = pool_order if axis == "cnmem" else precision_order
    return sorted(values, key=lambda value: order(str(value)))


def _sample(saved: Saved, timed: Sequence[Pooled]) -> Iterator[str]:
    if timed:
        launches = [len(case.launches) for case in timed]
        rounds = sum(case.rounds - len(case.left_out) for case in timed)
        fewest, most = min(launches), max(launches)
        each = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        yield (
            f"{count(len(timed), 'case', 'cases')} of "
            f"{count(sum(launches), 'launch', 'launches')} ({each} a case) and "
            f"{count(rounds, 'timed epoch', 'timed epochs')}"
        )
    untimed = len(saved.cases) - len(timed)
    if untimed:
        yield f"{count(untimed, 'case', 'cases')} without a time"


def _when(files: Sequence[SavedFile]) -> Iterator[str]:
    times = sorted({file.instant for file in files} - {""})
    if times:
        first, last = times[0], times[-1]
        yield first if first == last else f"{first} to {last}"


def count(number: int, one: str, several: str) -> str:
    """``1 launch``, ``3 launches``."""
    return f"{number} {one if number == 1 else several}"

"""Files that are large are read in processes of their own, at once."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

# To start processes and hand over what they read takes as long as to read so much.
_LARGE_BYTES = 8_000_000

_Result = TypeVar("_Result")
_Packed = TypeVar("_Packed")


def each(
    read: Callable[[Path], _Result],
    paths: Sequence[Path],
    pack: Callable[[_Result], _Packed],
    unpack: Callable[[_Packed], _Result],
    meanwhile: Callable[[], object],
) -> Iterable[_Result]:
    """What ``read`` makes of each of ``paths``, in their order; it must not raise.

    ``pack`` makes of it what goes quickly from process to process, ``unpack`` undoes
    that; ``meanwhile`` is done while others read, and not where nobody else does.
    """
    processes = min(len(paths), len(os.sched_getaffinity(0)))
    if processes < 2 or sum(map(_size, paths)) < _LARGE_BYTES:
        return map(read, paths)
    # as small files are the rule, its 30 ms are not everybody's
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(processes, get_context("fork"))
    try:
        packed = pool.map(partial(_packed, read, pack), paths)
        meanwhile()
        return [unpack(result) for result in packed]
    finally:
        # They give back a lot of memory before they end: nobody waits for that.
        pool.shutdown(wait=False, cancel_futures=True)


def _packed(
    read: Callable[[Path], _Result], pack: Callable[[_Result], _Packed], path: Path
) -> _Packed:
    return pack(read(path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

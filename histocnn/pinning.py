"""Cores: which CPUs a worker gets, what tells libraries so, and what came of it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from histocnn.errors import InputError
from histocnn.measurement import CoresSeen, ThreadPool

#: For engines that take their buffers from malloc and give them back after each
#: operation. Under glibc's defaults large ones go back to the kernel, which clears the
#: pages anew each time: Theano on two cores takes 2.7 times as long, PyTorch twice.
KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**30),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 2**30),
}
_SYSFS = Path("/sys/devices/system/cpu")


def usable_cpus() -> tuple[int, ...]:
    """CPUs that this process may run on, ascending; a container's, not the host's."""
    return tuple(sorted(os.sched_getaffinity(0)))


def choose(
    cores: int, usable: Sequence[int], siblings: Mapping[int, frozenset[int]]
) -> tuple[int, ...]:
    """``cores`` of the ``usable`` CPUs, one a physical core before any second thread.

    Parameters
    ----------
    siblings
        for a CPU, the CPUs of its physical core; a CPU that is missing stands alone.

    Raises
    ------
    InputError
        if there are not that many.
    """
    if not 1 <= cores <= len(usable):
        raise InputError(
            f"cores={cores}: this machine lends 1 to {len(usable)}; lower --cores"
        )
    firsts: list[int] = []
    seconds: list[int] = []
    seen: set[int] = set()
    for cpu in sorted(usable):
        (seconds if cpu in seen else firsts).append(cpu)
        seen |= siblings.get(cpu, frozenset({cpu}))
    return tuple(sorted((firsts + seconds)[:cores]))


def cpu_siblings(cpus: Iterable[int]) -> dict[int, frozenset[int]]:
    """The hardware threads that share each CPU's physical core, as the kernel says."""
    found = {}
    for cpu in cpus:
        listed = _SYSFS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        if listed.exists():
            found[cpu] = frozenset(parse_cpu_list(listed.read_text()))
    return found


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """The kernel's list format: ``0-2,5`` is (0, 1, 2, 5)."""
    cpus: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return tuple(cpus)


def environment(cores: int) -> dict[str, str]:
    """Thread variables that numerical libraries read when they are loaded."""
    count = str(cores)
    return {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "NUMEXPR_NUM_THREADS": count,
        # A library that adapts its threads to the load would leave the axis.
        "OMP_DYNAMIC": "FALSE",
        "MKL_DYNAMIC": "FALSE",
    }


def seen(engine_threads: int) -> CoresSeen:
    """What is really in force in this process, all its threads looked at.

    ``engine_threads`` is the engine's own read-back (`Runtime.threads`).
    """
    # Imported here: only an engine's environment has it.
    from threadpoolctl import threadpool_info

    affinity: set[int] = set()
    tasks = list(Path("/proc/self/task").iterdir())
    for task in tasks:
        try:
            status = (task / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # the thread ended meanwhile
            continue
        for line in status.splitlines():
            if line.startswith("Cpus_allowed_list:"):
                affinity.update(parse_cpu_list(line.partition(":")[2]))
    return CoresSeen(
        affinity=tuple(sorted(affinity)),
        threads=len(tasks),
        engine_threads=engine_threads,
        pools=tuple(
            ThreadPool(
                library=str(pool["internal_api"]),
                version=str(pool.get("version")),
                threads=int(pool["num_threads"]),
            )
            for pool in threadpool_info()
        ),
    )

"""The verdict on a round: what disturbed it, by the conditions under which it ran."""

import math
from collections.abc import Iterator, Mapping

from histocnn.measurement import Conditions, GpuConditions

#: Cores that others had, of a case on one. Threads meet at the end of each operation,
#: so that one slowed core slows all; it is not a share of them. Yet what each CPU of a
#: quiet machine does now and then, and what is lost in rounding to hundredths of a
#: second, adds up as the square root of their number, and so does this. Beside a worker
#: on two CPUs of a quiet machine 0.01 is usual and 0.02 rare, over half a second.
FOREIGN_CORES = 0.05
#: The same for the hypervisor.
STEAL_CORES = 0.05
#: Share of the time in which all that wanted to run waited for memory. A worker that
#: fits has none at all.
MEMORY_PRESSURE = 0.05
#: The same for disks. Training reads none once its arrays are in memory: beside a
#: process that wrote as fast as the disk let it (13 %) it was no slower on its own CPU.
IO_PRESSURE = 0.25
#: Share of its usual that a clock may lose. Boost clocks wander by some percent with
#: the temperature; a limit of power or heat takes more.
CLOCK_LOSS = 0.10
#: Share of a GPU's time that others may have: a desktop repaints in less.
GPU_SHARE = 0.05
#: Reasons that a GPU names in trouble. The others (a power cap, clocks that were set)
#: are how it works on any day.
TROUBLES = (
    "hw power brake",
    "hw slowdown",
    "hw thermal slowdown",
    "sw thermal slowdown",
)


def disturbances(
    conditions: Conditions,
    cores: int,
    usual_mhz: float | None = None,
    usual_sm_mhz: float | None = None,
) -> tuple[str, ...]:
    """What disturbed a case on ``cores`` CPUs, each in a phrase; none where nothing.

    ``usual_mhz`` and ``usual_sm_mhz`` are the clocks of CPUs and GPU that the case's
    rounds have otherwise; None compares with nothing. What could not be told disturbs
    nobody. Pressure on CPUs is not looked at: a worker's own threads wait for each
    other.
    """
    found = [
        *_taken(conditions, math.sqrt(cores)),
        *_stalled(conditions.pressure),
        *_slowed("clock", conditions.cpu_mhz, usual_mhz),
    ]
    if conditions.gpu is not None:
        found += _gpu(conditions.gpu)
        found += _slowed("GPU clock", conditions.gpu.sm_mhz, usual_sm_mhz)
    return tuple(found)


def _taken(conditions: Conditions, allowed: float) -> Iterator[str]:
    foreign, steal = conditions.foreign_cores, conditions.steal_cores
    if foreign is not None and foreign > FOREIGN_CORES * allowed:
        yield f"other processes used {foreign:.2f} of its cores"
    if steal is not None and steal > STEAL_CORES * allowed:
        yield f"the hypervisor took {steal:.2f} of its cores"


def _stalled(pressure: Mapping[str, float]) -> Iterator[str]:
    for name, most, words in (
        ("memory", MEMORY_PRESSURE, "memory pressure"),
        ("io", IO_PRESSURE, "I/O pressure"),
    ):
        if (share := pressure.get(name, 0.0)) > most:
            yield f"{words} {100 * share:.0f} %"


def _slowed(what: str, mhz: float | None, usual: float | None) -> Iterator[str]:
    if mhz is not None and usual and mhz < (1 - CLOCK_LOSS) * usual:
        yield f"{what} {100 * (1 - mhz / usual):.0f} % below its usual"


def _gpu(gpu: GpuConditions) -> Iterator[str]:
    # One that only holds memory takes no time; without its share, that is all we know.
    if gpu.foreign_share is not None and gpu.foreign_share > GPU_SHARE:
        count = gpu.foreign_processes or 1  # it may have left since
        others = "1 other process" if count == 1 else f"{count} other processes"
        share = f"{100 * gpu.foreign_share:.0f} % of its time"
        yield f"{others} computed on the GPU ({share})"
    if troubles := [reason for reason in gpu.throttled if reason in TROUBLES]:
        yield f"GPU throttled: {', '.join(troubles)}"

"""The case's CPUs as Linux counts them: time unused, time stolen, pressure, clock."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sentinel.files import KernelFile, Seldom

#: Seconds: /proc tells times in these, whatever the kernel's own tick is (proc(5)).
JIFFY = 1 / os.sysconf("SC_CLK_TCK")
_LINE = 160  # bytes: the most that a line ``cpuN`` of /proc/stat takes, and more
_STALLS = {
    # Those who wait for a CPU are told by ``some``: while anybody waits, another runs.
    "cpu": re.compile(rb"^some .*total=(\d+)", re.M),
    "memory": re.compile(rb"^full .*total=(\d+)", re.M),
    "io": re.compile(rb"^full .*total=(\d+)", re.M),
}
_CLOCK_SECONDS = 1.0  # some kernels interrupt a CPU to read its clock


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since the start of the machine, summed over the CPUs that are watched.

    ``counted`` is the time that the kernel accounts for at all, ``unused`` what nobody
    ran in, ``stolen`` what the hypervisor gave to others.
    """

    counted: float
    unused: float
    stolen: float


class Times:
    """`CpuTimes` of some CPUs, from /proc/stat.

    How long they were busy is best taken as what is left: the kernel knows to the
    nanosecond when a CPU goes idle and rounds only what it prints, but finds out who
    runs by looking once a tick. Beside a busy process the sum of user, system and the
    like strayed half as far again (standard deviation over 0.1 s: 0.023 cores against
    0.014, November 2026). /proc/schedstat, which has run times in nanoseconds,
    is of no use here: it counts a task's time when the task leaves the CPU, so that a
    worker alone on its CPU is not seen for seconds and then all at once.
    """

    def __init__(self, cpus: Collection[int], root: Path) -> None:
        self._names = [b"cpu%d " % cpu for cpu in cpus]
        last = max(cpus, default=0)
        self._file = KernelFile(root / "proc/stat", size=_LINE * (last + 2))

    def read(self) -> bytes | None:
        """The text, to be parsed when there is time for it."""
        return self._file.read()

    def parse(self, text: bytes | None) -> CpuTimes | None:
        """``text`` of /proc/stat; None where a CPU is missing in it."""
        if text is None:
            return None
        counted = unused = stolen = 0
        for name in self._names:
            start = text.find(b"\n" + name) + 1
            line = text[start : text.find(b"\n", start)] if start else b""
            try:
                # user nice system idle iowait irq softirq steal; user includes guests
                columns = [int(word) for word in line.split()[1:9]]
                counted += sum(columns)
                unused += columns[3] + columns[4]
                stolen += columns[7]
            except (IndexError, ValueError):
                return None
        return CpuTimes(counted * JIFFY, unused * JIFFY, stolen * JIFFY)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Pressure:
    """Pressure stall information of the whole machine, from /proc/pressure."""

    def __init__(self, root: Path) -> None:
        self._files = {
            name: KernelFile(root / "proc/pressure" / name, size=512)
            for name in _STALLS
        }

    def read(self) -> dict[str, float]:
        """Seconds stalled since the start of the machine, for what can be told."""
        stalled = {}
        for name, file in self._files.items():
            # some avg10=0.00 avg60=0.00 avg300=0.00 total=521130
            if found := _STALLS[name].search(file.read() or b""):
                stalled[name] = int(found[1]) / 1e6  # of microseconds
        return stalled

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


class Clock:
    """The clock of the fastest of some CPUs, looked at once a second at most.

    Not their mean: idle ones, as most of a GPU case's, may tell any clock.
    """

    def __init__(self, cpus: Collection[int], root: Path) -> None:
        self._cpus = frozenset(cpus)
        folder = root / "sys/devices/system/cpu"
        self._files = [
            KernelFile(folder / f"cpu{cpu}/cpufreq/scaling_cur_freq", size=64)
            for cpu in self._cpus
        ]
        self._cpuinfo = root / "proc/cpuinfo"
        self._seldom = Seldom(self._now, _CLOCK_SECONDS)

    def read(self, now: float) -> float | None:
        """MHz, by the last reading before ``now``; None where the kernel tells none."""
        return self._seldom.read(now)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _now(self) -> float | None:
        clocks = [mhz for file in self._files if (mhz := _scaled(file.read()))]
        return max(clocks or self._from_cpuinfo(), default=None)

    def _from_cpuinfo(self) -> list[float]:
        """What x86 says where nothing scales the clock, as in virtual machines."""
        try:
            text = self._cpuinfo.read_text(errors="replace")
        except OSError:
            return []
        pairs = re.findall(
            r"^processor\s*: (\d+)$.*?^cpu MHz\s*: ([\d.]+)$", text, re.M | re.S
        )
        return [float(mhz) for cpu, mhz in pairs if int(cpu) in self._cpus]


def _scaled(text: bytes | None) -> float | None:
    """MHz of a cpufreq file, which tells kHz."""
    try:
        return int(text or b"") / 1e3
    except ValueError:  # ``<unknown>`` is what some drivers say
        return None

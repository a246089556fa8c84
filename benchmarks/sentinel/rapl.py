"""Energy of processors and their memory: RAPL's counters in /sys/class/powercap.

Since 2020 only root may read them (they leak what is computed); then there are none.
"""

import re
from pathlib import Path

from benchmarks.sentinel.files import KernelFile

# A package holds its cores and what lies beside them (``uncore``), so that those are
# counted already; memory is not in it, and ``psys`` is the whole computer.
_METERS = re.compile(r"(package|dram)\b")


class _Zone:
    """One meter: microjoules, which begin again at 0 past ``most``."""

    def __init__(self, folder: Path, most: int) -> None:
        self._file = KernelFile(folder / "energy_uj", size=32)
        self._most = most
        self._before: int | None = None
        self._total = 0

    def joules(self) -> float | None:
        """Since the first reading; None where it cannot be read."""
        try:
            counted = int(self._file.read() or b"")
        except ValueError:
            return None
        if self._before is not None:
            # It starts again after minutes, and is read several times a second.
            self._total += (counted - self._before) % self._most
        self._before = counted
        return self._total / 1e6

    def close(self) -> None:
        self._file.close()


class Rapl:
    """All packages, and the memory of each where it has a meter of its own."""

    def __init__(self, root: Path) -> None:
        self._zones: dict[str, _Zone] = {}
        for folder in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
            try:
                name = (folder / "name").read_text().strip()
                most = int((folder / "max_energy_range_uj").read_text())
            except (OSError, ValueError):
                continue
            if not _METERS.match(name) or most <= 0:
                continue
            # ``intel-rapl:1:0`` is of package 1, but is named ``dram`` alone.
            package = folder.name.split(":")[1]
            key = name if "-" in name else f"{name}-{package}"
            self._zones[key] = _Zone(folder, most)

    def read(self) -> dict[str, float]:
        """Joules since the first reading, of each meter that can be read."""
        read = {name: zone.joules() for name, zone in self._zones.items()}
        return {name: joules for name, joules in read.items() if joules is not None}

    def close(self) -> None:
        """Close the files."""
        for zone in self._zones.values():
            zone.close()

"""What Linux tells of the machine in /proc and /sys; None for what it does not tell."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from histocnn.pinning import parse_cpu_list

_CPUS = "sys/devices/system/cpu"
#: What /proc/cpuinfo calls the model: on x86, POWER and RISC-V, and what ARM tells.
_MODEL = ("model name", "cpu", "uarch")
_ARM = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part")
#: Files of a control group, by the version of the groups.
_QUOTA = {2: ("cpu.max",), 1: ("cpu.cfs_quota_us", "cpu.cfs_period_us")}
_MEMORY = {2: ("memory.max",), 1: ("memory.limit_in_bytes",)}
_NO_LIMIT = 2**62  # bytes, and fewer than version 1 has for none
_IN_CGROUP = re.compile(r"kubepods|docker|libpod|containerd|lxc")


@dataclass(frozen=True)
class Kernel:
    """The kernel's files below ``root``, and the ``cpus`` that this process may use.

    Only what is told of single CPUs needs them.
    """

    root: Path = Path("/")
    cpus: tuple[int, ...] = ()

    @property
    def release(self) -> str | None:
        """Such as ``6.1.0-18-amd64``."""
        return self._text("proc/sys/kernel/osrelease")

    @property
    def cpu_model(self) -> str | None:
        """The processors' names, or on ARM the numbers that stand for them."""
        for key in _MODEL:
            if key in self._cpuinfo:
                return " + ".join(self._cpuinfo[key])
        told = {key: self._cpuinfo[key] for key in _ARM if key in self._cpuinfo}
        return ", ".join(f"{key} {'/'.join(told[key])}" for key in told) or None

    @property
    def microcode(self) -> str | None:
        """Revisions of all processors."""
        return ", ".join(self._cpuinfo.get("microcode", ())) or None

    @property
    def is_virtual(self) -> bool | None:
        """Whether a hypervisor is beneath; ARM does not tell."""
        flags = self._cpuinfo.get("flags")
        return None if flags is None else "hypervisor" in flags[0].split()

    @property
    def physical_cores(self) -> int | None:
        """Cores that the usable CPUs are threads of."""
        lists = [
            self._cpu_text(cpu, "topology/thread_siblings_list") for cpu in self.cpus
        ]
        try:
            cores = {parse_cpu_list(each) for each in lists if each is not None}
        except ValueError:
            return None
        return len(cores) if cores and None not in lists else None

    @property
    def smt(self) -> bool | None:
        """Whether cores have more than one thread each."""
        return self._switch(f"{_CPUS}/smt/active")

    @property
    def governor(self) -> str | None:
        """What governs the clocks of the usable CPUs."""
        found = (self._cpu_text(cpu, "cpufreq/scaling_governor") for cpu in self.cpus)
        return ", ".join(sorted({each for each in found if each})) or None

    @property
    def boost(self) -> bool | None:
        """Whether clocks may pass the base clock."""
        no_turbo = self._switch(f"{_CPUS}/intel_pstate/no_turbo")
        if no_turbo is not None:
            return not no_turbo
        return self._switch(f"{_CPUS}/cpufreq/boost")

    @property
    def base_mhz(self) -> float | None:
        """The highest base clock of the usable CPUs."""
        return self._highest_mhz("cpufreq/base_frequency")

    @property
    def max_mhz(self) -> float | None:
        """The highest clock that any usable CPU may reach."""
        return self._highest_mhz("cpufreq/cpuinfo_max_freq")

    @property
    def memory_bytes(self) -> int | None:
        """All but what the kernel took for itself at the start."""
        return self._memory("MemTotal")

    @property
    def swap_bytes(self) -> int | None:
        """Swap space, used or not."""
        return self._memory("SwapTotal")

    @property
    def huge_pages(self) -> str | None:
        """Transparent huge pages: ``always``, ``madvise`` or ``never``."""
        text = self._text("sys/kernel/mm/transparent_hugepage/enabled") or ""
        chosen = re.search(r"\[(\w+)\]", text)
        return chosen[1] if chosen else None

    @property
    def numa_nodes(self) -> int | None:
        """Parts of the machine with memory of their own."""
        online = self._text("sys/devices/system/node/online")
        try:
            return len(parse_cpu_list(online)) if online else None
        except ValueError:
            return None

    @property
    def container(self) -> str | None:
        """What contains this process, by its marks; None where there are none."""
        told = self._text("run/systemd/container")
        if told and re.fullmatch(r"[a-z-]{1,20}", told):
            return told
        if (self.root / ".dockerenv").exists():
            return "docker"
        if (self.root / "run/.containerenv").exists():
            return "podman"
        found = _IN_CGROUP.search(self._text("proc/self/cgroup") or "")
        return found[0] if found else None

    @property
    def cpu_quota(self) -> float | None:
        """Cores' worth of time that the control groups allow; None without a limit."""
        quotas = [_quota(text) for text in self._groups("cpu", _QUOTA)]
        return min((each for each in quotas if each is not None), default=None)

    @property
    def memory_limit(self) -> int | None:
        """Bytes that the control groups allow; None without a limit."""
        limits = [_number(text) for text in self._groups("memory", _MEMORY)]
        real = (each for each in limits if each is not None and each < _NO_LIMIT)
        return min(real, default=None)

    @cached_property
    def _cpuinfo(self) -> dict[str, list[str]]:
        """Each field of /proc/cpuinfo with its distinct values, in their order."""
        found: dict[str, list[str]] = {}
        for line in (self._text("proc/cpuinfo") or "").splitlines():
            name, colon, value = line.partition(":")
            values = found.setdefault(name.strip(), [])
            value = " ".join(value.split())
            if colon and value and value not in values:
                values.append(value)
        return {name: values for name, values in found.items() if values}

    def _groups(
        self, controller: str, files: Mapping[int, tuple[str, ...]]
    ) -> Iterable[str]:
        """What ``files`` say in this process's control groups and all above them."""
        for line in (self._text("proc/self/cgroup") or "").splitlines():
            _, controllers, path = (*line.split(":", 2), "?", "?")[:3]
            if not controllers:  # version 2 of the groups has one tree for all
                tree, names = "", files[2]
            elif controller in controllers.split(","):
                tree, names = f"{controller}/", files[1]
            else:
                continue
            for group in _with_parents(path):
                folder = f"sys/fs/cgroup/{tree}{group}"
                yield " ".join(self._text(f"{folder}/{name}") or "" for name in names)

    def _text(self, path: str) -> str | None:
        try:
            text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            return None
        return text.strip() or None

    def _cpu_text(self, cpu: int, path: str) -> str | None:
        return self._text(f"{_CPUS}/cpu{cpu}/{path}")

    def _switch(self, path: str) -> bool | None:
        return {"0": False, "1": True}.get(self._text(path) or "")

    def _highest_mhz(self, path: str) -> float | None:
        clocks = [_number(self._cpu_text(cpu, path)) for cpu in self.cpus]
        highest = max((clock for clock in clocks if clock and clock > 0), default=None)
        return None if highest is None else highest / 1000  # the kernel's are kHz

    def _memory(self, name: str) -> int | None:
        text = self._text("proc/meminfo") or ""
        found = re.search(rf"^{name}:\s+([0-9]+) kB$", text, re.MULTILINE)
        return int(found[1]) * 1024 if found else None


def _with_parents(path: str) -> Iterable[str]:
    """A control group and those it is in, the outermost (``""``) too."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
    return ("/".join(parts[:depth]) for depth in range(len(parts), -1, -1))


def _quota(text: str) -> float | None:
    """``50000 100000`` (microseconds of each) is 0.5; ``max`` and -1 are no limit."""
    quota, period = (*map(_number, text.split()), None, None)[:2]
    return round(quota / period, 3) if quota and period and quota > 0 else None


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None

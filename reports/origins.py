"""Where numbers come from: the machine, and the code that was measured on it."""

import hashlib
import json
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reports.combination import text_of

_DIGEST = 16  # hexadecimal digits
#: The last two are pytest-benchmark's words: without a repository, and where git is
#: not there or refuses.
_UNKNOWN = ("", "unversioned", "unknown")
_SHORT = 7  # of a commit, as git shows it


class Machine(Struct, frozen=True):
    """Only numbers of one machine may be compared.

    What changes from run to run on it (clock rate, load) is not in it. ``hard`` is a
    digest of the facts that forbid a comparison where they differ (GPUs, memory, …);
    "" in files saved before there was such a fingerprint. ``file`` is the one that does
    not tell which machine it is of, and so is of its own; "" where it does.
    """

    node: str
    system: str
    cpu: str
    cpus: str
    hard: str = ""
    file: str = ""

    def __str__(self) -> str:
        """The processor in words, for a table's heading."""
        if not self.cpu:
            return "CPU not recorded"
        return f"{self.cpu}, {self.cpus} CPUs" if self.cpus else self.cpu


class Code(Struct, frozen=True):
    """What was measured: launches of different code are never pooled.

    ``engine`` is the engine's version, down to the part whose change may break it.
    ``file`` is the one that does not tell its commit, and is pooled with no other.
    """

    commit: str
    dirty: bool
    engine: str = ""
    file: str = ""

    def is_commit_of(self, other: "Code") -> bool:
        """Whether both are known to be of one commit."""
        return (self.commit, self.file) == (other.commit, other.file)

    def __str__(self) -> str:
        commit = f"commit {self.commit[:_SHORT]}" if self.commit else "unknown commit"
        changed = ", changed" if self.dirty else ""
        return f"{commit}{changed}{f', version {self.engine}' if self.engine else ''}"


def machine_of(info: dict[str, Any], file: str) -> Machine:
    """The machine that the ``machine_info`` of ``file`` tells of."""
    cpu = info.get("cpu")
    if not isinstance(cpu, dict):
        cpu = {}
    machine = Machine(
        node=_text(info, "node"),
        system=f"{_text(info, 'system')} {_text(info, 'machine')}",
        cpu=_text(cpu, "brand_raw") or _text(info, "processor"),
        cpus=_text(info, "usable_cpus") or _text(cpu, "count"),
        hard=_digest(info.get("fingerprint")),
    )
    told = machine.node or machine.cpu or machine.hard
    return machine if told else replace(machine, file=file)


def machine_by(hard: dict[str, Any]) -> Machine:
    """The machine that its ``hard`` facts tell of, as its own files would.

    The suite pins workers to cores as Linux alone lets it.
    """
    architecture = _text(hard, "architecture")
    return Machine(
        node="",
        system=f"Linux {architecture}" if architecture else "",
        cpu=_text(hard, "cpu_model"),
        cpus=_text(hard, "usable_cpus"),
        hard=digest(hard),
    )


def named(machine: Machine, label: str) -> str:
    """``machine`` in words, after the ``label`` that a cluster has for it if any."""
    return f"{label}: {machine}" if label else str(machine)


def code_of(commit: dict[str, Any], file: str) -> Code:
    """The code that the ``commit_info`` of ``file`` tells of."""
    known = _text(commit, "id")
    if known in _UNKNOWN:
        return Code("", False, file=file)
    return Code(known, commit.get("dirty") is True)


def breaking(version: str) -> str:
    """``version`` down to the part whose change may break: 2 of 2.21.0, 0.10 of 0.10.2.

    Source: Semantic Versioning 2.0.0, sections 4 and 8.
    """
    major, _, rest = version.partition(".")
    return f"{major}.{rest.partition('.')[0]}" if major == "0" and rest else major


def _digest(fingerprint: object) -> str:
    """Of the hard facts of a machine; "" where there are none."""
    hard = fingerprint.get("hard") if isinstance(fingerprint, dict) else None
    return digest(hard) if hard else ""


def digest(hard: object) -> str:
    """16 hexadecimal digits that differ where any of the ``hard`` facts does."""
    try:
        stable = json.dumps(hard, sort_keys=True, separators=(",", ":"))
    except RecursionError:  # nobody's facts; whatever they are, they are one thing
        stable = "…"
    return hashlib.sha256(stable.encode()).hexdigest()[:_DIGEST]


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else text_of(value)

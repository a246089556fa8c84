"""Saved pytest-benchmark files to frozen dataclasses; bad ones are named and left."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import decoding, frontiers, records
from reports.combination import text_of
from reports.errors import InputError, printable
from reports.frontiers import Frontier
from reports.records import Case

_DIGEST = 16  # hexadecimal digits


@dataclass(frozen=True)
class Origin:
    """Where numbers come from: only those of one origin may be pooled or compared.

    What changes from run to run on one machine (clock rate, load) is not in it.
    ``hard`` is a digest of the facts that forbid a comparison where they differ (GPUs,
    memory, …); "" in files saved before there was such a fingerprint.
    """

    node: str
    system: str
    cpu: str
    cpus: str
    commit: str
    dirty: bool
    hard: str = ""

    @property
    def machine(self) -> str:
        """The processor in words, for a table's heading."""
        if not self.cpu:
            return "CPU not recorded"
        return f"{self.cpu}, {self.cpus} CPUs" if self.cpus else self.cpu


@dataclass(frozen=True)
class SavedFile:
    """One file: its training cases, its memory frontiers, and the names of the rest."""

    path: Path
    origin: Origin
    cases: tuple[Case, ...]
    others: tuple[str, ...]
    frontiers: tuple[Frontier, ...] = ()


@dataclass(frozen=True)
class Saved:
    """All that could be read, and a line for each file that is bad or partly so."""

    files: tuple[SavedFile, ...]
    problems: tuple[str, ...]


def read(paths: Iterable[Path]) -> Saved:
    """Read every file; one that cannot be read costs a line, never the others."""
    files: list[SavedFile] = []
    problems: list[str] = []
    for path in paths:
        label = printable(str(path))
        try:
            file, faults = read_file(path)
        except InputError as error:
            problems.append(f"{label}: {error}")
            continue
        if faults:
            more = f" (and {len(faults) - 1} more cases)" if len(faults) > 1 else ""
            problems.append(f"{label}: left out {faults[0]}{more}")
        files.append(file)
    return Saved(tuple(files), tuple(problems))


def read_file(path: Path) -> tuple[SavedFile, tuple[str, ...]]:
    """Read one file, and say in a line each which of its cases had to be left out.

    Raises
    ------
    InputError
        if it cannot be opened, is no JSON, or is JSON of another kind.
    """
    try:
        document = decoding.decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from None
    if not document.benchmarks and not document.outcomes:
        raise InputError("holds no benchmarks; was every case skipped?")
    cases: list[Case] = []
    found: list[Frontier] = []
    others: list[str] = []
    faults: list[str] = []
    for benchmark in document.benchmarks:
        name = printable(benchmark.fullname or benchmark.name)
        try:
            case = records.timed(name, benchmark)
            frontier = None if case else frontiers.frontier(benchmark)
        except InputError as error:
            faults.append(f"{name}: {error}")
            continue
        if case is not None:
            cases.append(case)
        elif frontier is not None:
            found.append(frontier)
        else:
            others.append(name)
    for number, content in enumerate(document.outcomes):
        name = printable(decoding.name_of(content)) or f"outcomes[{number}]"
        try:
            cases.append(records.untimed(name, content))
        except InputError as error:
            faults.append(f"{name}: {error}")
    origin = _origin(document.machine_info, document.commit_info)
    file = SavedFile(path, origin, tuple(cases), tuple(others), tuple(found))
    return file, tuple(faults)


def _origin(machine: dict[str, Any], commit: dict[str, Any]) -> Origin:
    cpu = machine.get("cpu")
    if not isinstance(cpu, dict):
        cpu = {}
    return Origin(
        node=_text(machine, "node"),
        system=f"{_text(machine, 'system')} {_text(machine, 'machine')}",
        cpu=_text(cpu, "brand_raw") or _text(machine, "processor"),
        cpus=_text(machine, "usable_cpus") or _text(cpu, "count"),
        commit=_text(commit, "id"),
        dirty=commit.get("dirty") is True,
        hard=_digest(machine.get("fingerprint")),
    )


def _digest(fingerprint: object) -> str:
    """Of the hard facts of a machine; "" where there are none."""
    hard = fingerprint.get("hard") if isinstance(fingerprint, dict) else None
    if not hard:
        return ""
    try:
        stable = json.dumps(hard, sort_keys=True, separators=(",", ":"))
    except RecursionError:  # nobody's facts; whatever they are, they are one thing
        stable = "…"
    return hashlib.sha256(stable.encode()).hexdigest()[:_DIGEST]


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else text_of(value)

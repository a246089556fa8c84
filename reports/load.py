"""Saved pytest-benchmark files to frozen dataclasses; bad ones are named and left."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reports import schema
from reports.combination import Combination, text_of
from reports.errors import InputError, printable

#: What a worker was launched as where nothing says otherwise.
_USUALLY = {"launcher": "local", "interpreter": "locked"}
LONGEST_NOTE = 300  # characters


@dataclass(frozen=True)
class Origin:
    """Where numbers come from: only those of one origin may be pooled or compared.

    What changes from run to run on one machine (clock rate, load) is not in it.
    """

    node: str
    system: str
    cpu: str
    cpus: str
    commit: str
    dirty: bool

    @property
    def machine(self) -> str:
        """The processor in words, for a table's heading."""
        if not self.cpu:
            return "CPU not recorded"
        return f"{self.cpu}, {self.cpus} CPUs" if self.cpus else self.cpu


@dataclass(frozen=True)
class Launch:
    """One worker process: the seconds of each of its timed epochs, in order.

    ``notes`` say in what its loop fell short of its best (streamed, not compiled, …),
    each a printable line of at most `LONGEST_NOTE` characters.
    """

    seconds: tuple[float, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One training case as one file holds it."""

    name: str
    combination: Combination
    launches: tuple[Launch, ...]


@dataclass(frozen=True)
class SavedFile:
    """One file: its training cases, and the names of the benchmarks that are none."""

    path: Path
    origin: Origin
    cases: tuple[Case, ...]
    others: tuple[str, ...]


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
        document = schema.decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from None
    if not document.benchmarks:
        raise InputError("holds no benchmarks; was every case skipped?")
    cases: list[Case] = []
    others: list[str] = []
    faults: list[str] = []
    for benchmark in document.benchmarks:
        name = printable(benchmark.fullname or benchmark.name)
        try:
            case = _case(name, benchmark)
        except InputError as error:
            faults.append(f"{name}: {error}")
            continue
        if case is None:
            others.append(name)
        else:
            cases.append(case)
    origin = _origin(document.machine_info, document.commit_info)
    file = SavedFile(path, origin, tuple(cases), tuple(others))
    return file, tuple(faults)


def _case(name: str, benchmark: schema.Benchmark) -> Case | None:
    """The training case that ``benchmark`` is; None if it is something else."""
    extra = schema.decode_extra(benchmark.extra_info)
    if extra.launches is msgspec.UNSET:
        return None
    job = {**_plain(benchmark.params), **extra.job}
    # Times of a container, or of a site's own Python, are not pooled with others.
    for fact, usual in _USUALLY.items():
        values = {str(one.launched.get(fact, usual)) for one in extra.launches}
        if values != {usual}:
            job[fact] = ", ".join(sorted(values))
    launches = [
        Launch(
            tuple([epoch.seconds for epoch in launch.rounds]),
            tuple([_shortened(note) for note in launch.notes if note.strip()]),
        )
        for launch in extra.launches
    ]
    return Case(name, Combination.of(job), tuple(launches))


def _shortened(note: str) -> str:
    # cut first: what is spelled out may be ten times as long
    line = printable(note.strip()[: LONGEST_NOTE + 1])
    return line if len(line) <= LONGEST_NOTE else f"{line[: LONGEST_NOTE - 1]}…"


def _plain(params: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters that JSON can hold; objects are saved as their useless repr."""
    return {
        name: value
        for name, value in (params or {}).items()
        if not (isinstance(value, str) and value.startswith("UNSERIALIZABLE["))
    }


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
    )


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else text_of(value)

"""Saved pytest-benchmark files to frozen values; bad ones are named and left."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from reports import (
    decoding,
    frontiers,
    origins,
    others,
    parallel,
    placing,
    records,
    stats,
)
from reports.cluster import Node
from reports.combination import text_of
from reports.errors import InputError, printable
from reports.frontiers import Frontier
from reports.origins import Code, Machine
from reports.others import Other
from reports.placing import Placed
from reports.records import Case
from reports.schema import Unchecked


@dataclass(frozen=True)
class SavedFile:
    """One file: its training cases, its memory frontiers, what else was timed in it.

    The file of a cluster is as many as the machines that measured it: ``label`` is what
    it calls this one, ``nodes`` are those of its nodes that it tells the facts of.
    ``info`` is the file's ``machine_info`` as it stands, or as much of a cluster's
    machine, ``command`` what was typed to measure it and ``when`` its time of saving;
    "" where the file does not tell.
    """

    path: Path
    machine: Machine
    code: Code
    cases: tuple[Case, ...]
    others: tuple[Other, ...] = ()
    frontiers: tuple[Frontier, ...] = ()
    info: dict[str, Any] = field(default_factory=dict, compare=False)
    command: str = ""
    when: str = ""
    label: str = ""
    nodes: tuple[Node, ...] = ()

    @property
    def where(self) -> str:
        """Its machine in words."""
        return origins.named(self.machine, self.label)

    @property
    def instant(self) -> str:
        """Its time of saving to the minute, in UTC; as it stands if it is no time."""
        try:
            time = datetime.fromisoformat(self.when)
            if time.tzinfo is not None:
                return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        except (ValueError, OverflowError):  # the latter in the year 1 or 9999
            return self.when
        return f"{time:%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class Content:
    """What one file holds, a `SavedFile` for each machine that it is of.

    ``left_out`` has a line for each case that is in none, ``damage`` one for each other
    fault.
    """

    files: tuple[SavedFile, ...]
    left_out: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Both in a line each, of which there is none where nothing is wrong."""
        lines = []
        if self.left_out:
            first, *more = self.left_out
            count = f" (and {len(more)} more cases)" if more else ""
            lines.append(f"left out {first}{count}")
        if self.damage:
            first, *more = self.damage
            count = f" (and {len(more)} more faults)" if more else ""
            lines.append(f"{first}{count}; its cases keep to what else is known")
        return tuple(lines)


_Result = Content | str
_CASES = msgspec.msgpack.Decoder(list[tuple[Case, ...]])


@dataclass(frozen=True)
class Read:
    """All that could be read, and a line for each file that is bad or partly so."""

    files: tuple[SavedFile, ...]
    problems: tuple[str, ...]


def read(paths: Sequence[Path]) -> Read:
    """Read every file; one that cannot be read costs a line, never the others."""
    files: list[SavedFile] = []
    problems: list[str] = []
    results = parallel.each(_result, paths, _pack, _unpack, stats.load_quantiles)
    for path, result in zip(paths, results, strict=True):
        label = printable(str(path))
        if isinstance(result, str):
            problems.append(f"{label}: {result}")
            continue
        problems += [f"{label}: {line}" for line in result.problems]
        files += result.files
    return Read(tuple(files), tuple(problems))


def _result(path: Path) -> _Result:
    """As `read_file`, with an error as what it says."""
    try:
        return read_file(path)
    except InputError as error:
        return str(error)


def _pack(result: _Result) -> tuple[_Result, bytes]:
    """With the cases apart, for which msgspec takes a third of the time of pickle."""
    if isinstance(result, str):
        return result, b""
    files = tuple([replace(file, cases=()) for file in result.files])
    cases = msgspec.msgpack.encode([file.cases for file in result.files])
    return replace(result, files=files), cases


def _unpack(packed: tuple[_Result, bytes]) -> _Result:
    result, cases = packed
    if isinstance(result, str):
        return result
    files = [
        replace(file, cases=each)
        for file, each in zip(result.files, _CASES.decode(cases), strict=True)
    ]
    return replace(result, files=tuple(files))


def read_file(path: Path) -> Content:
    """Read one file, and say in a line each what is wrong in it.

    Raises
    ------
    InputError
        if it cannot be opened, is no JSON, or is JSON of another kind.
    """
    return interpret(path, _content(path))


def _content(path: Path) -> bytes:
    try:
        # Nobody may ever write into it, but into the shell's own.
        if path.is_fifo() and path.parts[:2] != ("/", "dev"):
            raise InputError("is a pipe, not a file")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from None


def interpret(path: Path, content: bytes) -> Content:
    """As `read_file`, for ``content`` that is at hand already, called ``path``."""
    document = decoding.decode(content)
    del content  # as large as all that is made of it
    if not document.benchmarks and not document.outcomes:
        raise InputError("holds no benchmarks; was every case skipped?")
    cases: list[Case] = []
    found: list[Frontier] = []
    rest: list[Other] = []
    faults: list[str] = []
    for benchmark in document.benchmarks:
        name = printable(benchmark.fullname or benchmark.name)
        try:
            case = records.timed(name, benchmark)
            frontier = None if case else frontiers.frontier(benchmark)
            other = None
            if case is None and frontier is None and isinstance(benchmark, Unchecked):
                other = others.other(name, benchmark)
        except InputError as error:
            faults.append(f"{name}: {error}")
            continue
        if case is not None:
            cases.append(case)
        elif frontier is not None:
            found.append(frontier)
        elif other is not None:
            rest.append(other)
    for number, content_ in enumerate(document.outcomes):
        name = printable(decoding.name_of(content_)) or f"outcomes[{number}]"
        try:
            if (frontier := frontiers.untimed(content_)) is not None:
                found.append(frontier)
            else:
                cases.append(records.untimed(name, content_))
        except InputError as error:
            faults.append(f"{name}: {error}")
    info = _facts(document.machine_info)
    machine = origins.machine_of(info, str(path.absolute()))
    placed = placing.place(cases, document.cluster, machine, str(path.absolute()))
    file = SavedFile(
        path,
        machine,
        origins.code_of(_facts(document.commit_info), str(path.absolute())),
        placed.own,
        tuple(rest),
        tuple(found),
        info,
        command="" if document.command is None else text_of(document.command),
        when="" if document.datetime is None else text_of(document.datetime),
    )
    left_out = (*faults, *placed.left_out)
    return Content(_parts(file, placed), left_out, placed.damage)


def _parts(file: SavedFile, placed: Placed) -> tuple[SavedFile, ...]:
    """``file``, and one for each site; not itself where those have all that it has."""
    sites = [
        replace(
            file,
            machine=site.machine,
            cases=cases,
            others=(),
            frontiers=(),
            info=site.info,
            label=site.label,
            nodes=site.nodes,
        )
        for site, cases in placed.sites
    ]
    if sites and not (file.cases or file.others or file.frontiers):
        return tuple(sites)
    return (file, *sites)


def _facts(value: Any) -> dict[str, Any]:
    """What a file tells by name; nothing where it is null, or something else."""
    return value if isinstance(value, dict) else {}

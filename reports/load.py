"""Saved pytest-benchmark files to frozen values; bad ones are named and left."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from reports import decoding, frontiers, origins, others, parallel, records, stats
from reports.combination import text_of
from reports.errors import InputError, printable
from reports.frontiers import Frontier
from reports.origins import Code, Machine
from reports.others import Other
from reports.records import Case
from reports.schema import Unchecked


@dataclass(frozen=True)
class SavedFile:
    """One file: its training cases, its memory frontiers, what else was timed in it.

    ``info`` is the file's ``machine_info`` as it stands, ``command`` what was typed to
    measure it and ``when`` its time of saving; "" where the file does not tell.
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


_Result = tuple[SavedFile, tuple[str, ...]] | str
_CASES = msgspec.msgpack.Decoder(tuple[Case, ...])


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
        file, faults = result
        if faults:
            more = f" (and {len(faults) - 1} more cases)" if len(faults) > 1 else ""
            problems.append(f"{label}: left out {faults[0]}{more}")
        files.append(file)
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
    file, faults = result
    return (replace(file, cases=()), faults), msgspec.msgpack.encode(file.cases)


def _unpack(packed: tuple[_Result, bytes]) -> _Result:
    result, cases = packed
    if isinstance(result, str):
        return result
    file, faults = result
    return replace(file, cases=_CASES.decode(cases)), faults


def read_file(path: Path) -> tuple[SavedFile, tuple[str, ...]]:
    """Read one file, and say in a line each which of its cases had to be left out.

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


def interpret(path: Path, content: bytes) -> tuple[SavedFile, tuple[str, ...]]:
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
    machine = _facts(document.machine_info)
    file = SavedFile(
        path,
        origins.machine_of(machine, str(path.absolute())),
        origins.code_of(_facts(document.commit_info), str(path.absolute())),
        tuple(cases),
        tuple(rest),
        tuple(found),
        machine,
        command="" if document.command is None else text_of(document.command),
        when="" if document.datetime is None else text_of(document.datetime),
    )
    return file, tuple(faults)


def _facts(value: Any) -> dict[str, Any]:
    """What a file tells by name; nothing where it is null, or something else."""
    return value if isinstance(value, dict) else {}

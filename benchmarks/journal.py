"""The journal of a run: its finished launches, each safe before the next one starts."""

import errno
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks import durable
from benchmarks.durable import DurableLines
from benchmarks.outcomes import Outcome
from histocnn.errors import InputError
from histocnn.measurement import Launch

#: Raised with every change that would read an older journal wrongly.
FORMAT = 1
_PLAN = 12  # characters of the plan's id in a file's name
_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
}


@dataclass(frozen=True)
class Record:
    """What came of one launch: either ``launch`` or ``outcome``.

    ``case`` is the job's id, ``number`` counts the case's launches from 0, ``seconds``
    is the wall time that it took. A launch tells itself what it was launched as;
    ``launched`` is that of an outcome, where it was not this machine.
    """

    case: str
    number: int
    launch: Launch | None
    outcome: Outcome | None
    seconds: float
    launched: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.launch is None) == (self.outcome is None):
            raise ValueError("a record has either a launch or an outcome")


@dataclass(frozen=True)
class Header:
    """The first line: whose journal it is.

    ``plan`` is the SHA-256, in hexadecimal digits, of all that makes two runs the same;
    ``started`` is UTC in ISO 8601; ``what`` says the plan in words for messages.
    """

    format: int
    plan: str
    started: str
    what: dict[str, str]


class JournalFailed(InputError):
    """A finished launch could not be made safe; those before it are."""


class _Unreadable(ValueError):
    """The header is damaged or of another format; which."""


class Journal:
    """The journal of this run; no other can write it until `close` or this one's end.

    Attributes
    ----------
    path, header
        the file and its first line.
    records
        what `resume` read back, in the order of writing. Of two for one launch the
        first counts, unless it is an outcome after which another try was due.
    """

    def __init__(
        self, path: Path, lines: DurableLines, header: Header, problems: list[str]
    ) -> None:
        """For the open file, whose lines after the header are read, if there are any.

        ``problems`` are those found on the way to it.
        """
        self.path = path
        self.header = header
        self._lines = lines
        self._problems = problems
        self.records = self._read()
        self._safe = len(self.records)

    @property
    def problems(self) -> tuple[str, ...]:
        """What was damaged and what the file system cannot do, a sentence each."""
        return (*self._problems, *self._lines.problems)

    @classmethod
    def create(cls, folder: Path, plan: str, what: Mapping[str, str]) -> "Journal":
        """A new journal in ``folder``, made where it is missing; both are on disk.

        Raises
        ------
        InputError
            if nothing can be written there.
        """
        now = datetime.now(UTC)
        header = Header(FORMAT, plan, now.isoformat(), dict(what))
        name = f"{now:%Y%m%dT%H%M%SZ}-{plan[:_PLAN]}-{secrets.token_hex(2)}.jsonl"
        path = folder / name
        try:
            lines = DurableLines.create(path, msgspec.json.encode(header))
        except FileExistsError:  # one plan, one second, and the same 16 random bits
            return cls.create(folder, plan, what)
        except OSError as error:
            raise _unusable(folder, error) from None
        return cls(path, lines, header, [])

    @classmethod
    def resume(cls, folder: Path, plan: str) -> "Journal | None":
        """The newest journal of ``plan``, its records read; None where there is none.

        One whose header cannot be read is passed over, which is a problem of the next.

        Raises
        ------
        InputError
            if a run that goes on uses the newest, or it cannot be opened for writing.
        """
        problems: list[str] = []
        for path in _newest_first(folder, plan[:_PLAN]):
            try:
                header = _header(path)
                if header is None or header.plan != plan:
                    continue
                if lines := DurableLines.open(path):
                    journal = cls(path, lines, header, problems)
                    if journal.records or journal.problems:
                        return journal
                    # Its run was killed at once, and is no reason to hide another's.
                    journal.remove()
            except _Unreadable as why:
                problems.append(f"journal {path} is not resumed: {why}")
            except BlockingIOError:
                raise InputError(
                    f"journal {path} is in use by a run that goes on; wait for its "
                    "end, or leave --resume out to measure all anew"
                ) from None
            except OSError as error:
                raise _unusable(folder, error) from None
        return None

    def _read(self) -> tuple[Record, ...]:
        records: dict[tuple[str, int], Record] = {}
        for number, entry in self._lines.rest():
            try:
                if isinstance(entry, ValueError):
                    raise entry
                record = msgspec.json.decode(entry, type=Record)
            except ValueError as error:
                self._problems.append(
                    f"journal {self.path}: line {number} is damaged ({error}); what it "
                    "held is measured again"
                )
                continue
            key = record.case, record.number
            first = records.setdefault(key, record)
            if first.outcome is not None and not first.outcome.is_permanent:
                records[key] = record
        return tuple(records.values())

    def append(self, record: Record) -> None:
        """Write ``record``; once this returns, it outlives a kill and a power cut.

        Raises
        ------
        JournalFailed
            if it cannot be: the disk is full, say. The file then ends with the record
            before, and another `append` may succeed.
        ValueError
            for seconds that are not finite, which JSON cannot hold.
        """
        entry = msgspec.json.encode(record)
        msgspec.json.decode(entry, type=Record)  # what does not read back is not safe
        try:
            self._lines.append(entry)
        except OSError as error:
            raise self._failed(error) from None
        self._safe += 1

    def remove(self) -> None:
        """Delete the file: all that it held is saved elsewhere."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let others resume it; safe to call again."""
        self._lines.close()

    def _failed(self, error: OSError) -> JournalFailed:
        remedy = _REMEDIES.get(error.errno or 0, "put that right")
        launches = "launch is" if self._safe == 1 else "launches are"
        return JournalFailed(
            f"cannot write journal {self.path}: {error.strerror or error}; "
            f"{self._safe} finished {launches} safe in it; {remedy}, then run the same "
            "command with --resume"
        )


def describe_other(folder: Path, what: Mapping[str, str]) -> str | None:
    """What the newest journal of any plan has that ``what`` has not; None without one.

    One phrase for a user whose ``--resume`` found nothing, such as ``the newest
    journal there, 20261122T101500Z-….jsonl, has launches 3, not 5``.
    """
    for path in _newest_first(folder):
        newest = f"the newest journal there, {path.name},"
        try:
            header = _header(path)
        except (_Unreadable, OSError) as why:
            return f"{newest} cannot be used: {why}"
        if header is not None:
            was = header.what
            has = "; ".join(
                f"{name} {was.get(name, 'unset')}, not {what.get(name, 'unset')}"
                for name in {**was, **what}
                if was.get(name) != what.get(name)
            )
            return f"{newest} " + (
                f"has {has}" if has else "is of another state of the suite"
            )
    return None


def _newest_first(folder: Path, plan: str = "*") -> list[Path]:
    return sorted(folder.glob(f"*-{plan}-*.jsonl"), reverse=True)


def _header(path: Path) -> Header | None:
    """The header; None where it was never written in full. `_Unreadable`, `OSError`."""
    try:
        entry = durable.first(path)
        if entry is None:
            return None
        # Before all of it: another format may have another header.
        format_ = msgspec.json.decode(entry, type=dict[str, object]).get("format")
        if format_ != FORMAT:
            raise _Unreadable(f"it is of format {format_}; this suite reads {FORMAT}")
        return msgspec.json.decode(entry, type=Header)
    except _Unreadable:
        raise
    except ValueError as error:
        raise _Unreadable(f"its first line is damaged ({error})") from None


def _unusable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"--journal: cannot keep a journal in {folder}: {error.strerror or error}; "
        "name a folder with space that you may write to"
    )

"""A file of lines that outlives a kill and a power cut: each line whole, or not there.

A line is JSON: ``{"crc32": …, "entry": …}``, the checksum of the entry's bytes and the
entry. JSON with one digit changed is still JSON, and would be a time that nobody
measured. The checksums of all lines but the first start from the first one's, so that
a line counts in its own file only.
"""

import contextlib
import errno
import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

_LONGEST_FIRST = 2**20
#: A file system that has no locks, or no fsync, says so in one of these ways.
_UNKNOWN = (errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


class _Line(msgspec.Struct, frozen=True):
    crc32: int
    entry: msgspec.Raw


class DurableLines:
    """The lines of a file that this process alone may write, until `close` or its end.

    The kernel lets go of the lock with the process, however that ends; the processes
    that it starts do not inherit the file, so that none of them keeps it locked.

    Attributes
    ----------
    problems
        in a sentence each: what the file system cannot do.
    """

    def __init__(self, fd: int, salt: int, end: int, problems: list[str]) -> None:
        """For the locked file ``fd``, whose first line has the checksum ``salt``.

        What is behind ``end``, an offset, is no line of it.
        """
        self.problems = problems
        self._fd = fd
        self._salt = salt
        self._end = end

    @classmethod
    def create(cls, path: Path, first: bytes) -> "DurableLines":
        """A new file, its folder made where missing, all of it safe; `OSError`.

        ``first`` is the first line's entry, JSON in bytes.
        """
        line, salt = _encode(first, 0)
        problems: list[str] = []
        _make(path.parent, problems)
        with contextlib.ExitStack() as undo:
            # 0o666: as the user's umask would have any other file.
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            undo.callback(os.close, fd)
            undo.callback(path.unlink)
            # Before the first line is there, without which `open` takes it for none.
            _lock(fd, problems)
            _write(fd, line, 0)
            _sync(fd, problems)
            _sync_folder(path.parent, problems)
            undo.pop_all()
        return cls(fd, salt, len(line), problems)

    @classmethod
    def open(cls, path: Path) -> "DurableLines | None":
        """The file at ``path``; None where it has gone or was never begun in full.

        Raises
        ------
        BlockingIOError
            if a process that lives has it.
        ValueError
            if its first line is damaged.
        """
        with contextlib.ExitStack() as undo:
            try:
                fd = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                return None
            undo.callback(os.close, fd)
            line = _first_line(fd)
            if line is None:
                return None
            _, salt = _decode(line, 0)
            problems: list[str] = []
            _lock(fd, problems)
            if not os.fstat(fd).st_nlink:  # removed before it was locked
                return None
            undo.pop_all()
        return cls(fd, salt, len(line), problems)

    def rest(self) -> Iterator[tuple[int, bytes | ValueError]]:
        """Each whole line after the first: its number, its entry or what is wrong.

        What follows the last one, a line that was not written in full, is cut off.
        """
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(self._end)
            for number, line in enumerate(file, start=2):
                if not line.endswith(b"\n"):
                    break
                self._end += len(line)
                try:
                    yield number, _decode(line, self._salt)[0]
                except ValueError as error:
                    yield number, error
        self._cut_back()

    def append(self, entry: bytes) -> None:
        """Write ``entry``; once this returns, it is on the disk.

        Raises `OSError` where it cannot be: the file then ends with the line before.
        An interrupt leaves either the whole line or none of it.
        """
        line, _ = _encode(entry, self._salt)
        try:
            self._cut_back()
            _write(self._fd, line, self._end)
            _sync(self._fd, self.problems)
        except OSError:
            with contextlib.suppress(OSError):  # who writes or reads next cuts it
                self._cut_back()
            raise
        except BaseException:  # Ctrl-C, most likely while it waited for the disk
            if os.fstat(self._fd).st_size == self._end + len(line):
                self._end += len(line)
            else:
                self._cut_back()
            raise
        self._end += len(line)

    def close(self) -> None:
        """Let go of the file; safe to call again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _cut_back(self) -> None:
        if os.fstat(self._fd).st_size != self._end:
            os.ftruncate(self._fd, self._end)


def first(path: Path) -> bytes | None:
    """The first line's entry, whoever has the file; None where it was never begun.

    Raises `ValueError` where it is damaged, `OSError` where it cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        line = _first_line(fd)
    finally:
        os.close(fd)
    return None if line is None else _decode(line, 0)[0]


def _first_line(fd: int) -> bytes | None:
    with open(fd, "rb", closefd=False) as file:
        line = file.readline(_LONGEST_FIRST)
    return line if line.endswith(b"\n") else None


def _encode(entry: bytes, salt: int) -> tuple[bytes, int]:
    """The line, newline included, and its checksum."""
    crc32 = zlib.crc32(entry, salt)
    return msgspec.json.encode(_Line(crc32, msgspec.Raw(entry))) + b"\n", crc32


def _decode(line: bytes, salt: int) -> tuple[bytes, int]:
    """The entry and its checksum; `ValueError` for what `_encode` did not make."""
    try:
        read = msgspec.json.decode(line, type=_Line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if zlib.crc32(read.entry, salt) != read.crc32:
        raise ValueError("its checksum is another")
    return bytes(read.entry), read.crc32


def _make(folder: Path, problems: list[str]) -> None:
    """Make ``folder`` and what is above it, each safe in the one above."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # a file: for `create`, "exists" is about the new one
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    for place in missing:
        _sync_folder(place.parent, problems)


def _lock(fd: int, problems: list[str]) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        problems.append(
            "the journal's file system has no locks: do not resume a run that goes on"
        )


def _write(fd: int, line: bytes, at: int) -> None:
    """Write at that offset, so that nothing a broken write left can come before."""
    written = 0
    while written < len(line):
        written += os.pwrite(fd, line[written:], at + written)


def _sync(fd: int, problems: list[str]) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        said = "the journal's file system cannot sync: a power cut may cost launches"
        if said not in problems:
            problems.append(said)


def _sync_folder(folder: Path, problems: list[str]) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(fd, problems)
    finally:
        os.close(fd)

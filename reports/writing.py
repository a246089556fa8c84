"""Where a report goes: standard output, a file, or a folder of files."""

import contextlib
import io
import os
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from reports import manifest
from reports.errors import InputError, printable
from reports.manifest import Entry, Manifest


def text(content: str, output: Path | None, inputs: Collection[Path]) -> None:
    """Print ``content``, or write it to ``output``, which is none of ``inputs``.

    Raises
    ------
    InputError
        if it cannot be written, or would be written over what it was made from.
    """
    if output is not None:
        file(output, content.encode(), inputs)
        return
    with _told("standard output"):
        show(content)


def folder(
    files: Mapping[str, bytes],
    where: Path,
    own: Manifest | None,
    inputs: Collection[Path],
) -> None:
    """Write each of ``files`` into the folder ``where`` and name it on standard output.

    A single one that no manifest is kept of goes to ``where`` itself, if that is no
    folder yet and ends as its name does. Files of these names are written over, whoever
    made them. Of all others only those go that an earlier run wrote by the manifest
    ``own``, once all new ones are there, and not if they were changed since; none of
    them where ``files`` are none. Raises as `text` does.
    """
    if not files:
        return
    if own is None and len(files) == 1 and not where.is_dir():
        ((name, content),) = files.items()
        if where.suffix == Path(name).suffix:
            where, files = where.parent, {where.name: content}
    before = own.read(where) if own else frozenset()
    now = manifest.entries(files)
    if own:
        # what a run has written that then fails, the next has to know as well
        file(where / own.name, manifest.content(before | now), inputs)
    for name, content in files.items():
        file(where / name, content, inputs)
        show(f"{where / name}\n")
    if own:
        _remove(where, [each for each in before if each.name not in files])
        file(where / own.name, manifest.content(now), inputs)


def file(path: Path, content: bytes, inputs: Collection[Path]) -> None:
    """Write ``content`` to ``path`` and its folders; raises as `text` does.

    Where it cannot be written in full, what was there before stays as it was.
    """
    where = printable(str(path))
    with _told(where):
        if path.exists() and any(path.samefile(each) for each in _existing(inputs)):
            raise InputError(f"--output {where} is one of the files that were read")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe with a name
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)


def show(content: str) -> None:
    """Print ``content``; a reader that has gone is no error.

    Raises
    ------
    OSError
        if standard output is closed, or cannot take it.
    """
    if sys.stdout is None:  # `>&-`
        raise OSError(None, "it is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal that has no "×" shows "?" rather than nothing at all
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.stdout.write(content)
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail again, with a traceback, at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def _remove(where: Path, entries: Collection[Entry]) -> None:
    """Remove those of ``entries`` that are in ``where`` as they were written."""
    for entry in entries:
        with _told(printable(str(where / entry.name))):
            if manifest.is_as_written(where, entry):
                (where / entry.name).unlink()


def _replace(path: Path, content: bytes) -> None:
    """Put a file of ``content`` in the place of ``path`` at once; `OSError`.

    It has the permissions of the one before it.
    """
    # a name of its own: one made of path's could be too long
    fresh = path.with_name(f".histocnn-{secrets.token_hex(8)}.tmp")
    try:
        with fresh.open("xb") as written:
            written.write(content)
        if path.exists():
            shutil.copymode(path, fresh)
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def _existing(paths: Collection[Path]) -> Iterator[Path]:
    return (path for path in paths if path.exists())


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {where}: {error.strerror}") from None

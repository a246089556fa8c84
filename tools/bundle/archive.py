"""A folder as one compressed archive, the same bytes from the same files."""

from __future__ import annotations

import lzma
import os
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

#: Not zstd: a bare machine has xz for its tar, or a Python 3, which knows xz too.
SUFFIX = ".tar.xz"
#: Parts are compressed side by side, each a stream of its own: tar, xz and Python read
#: one behind the other. Large, since five BLAS libraries in it resemble each other.
_PART = 64 * 2**20
PRESET = 6  # 9 and `extreme` take longer for a thousandth less: the dictionary is set


def pack(folder: Path, archive: Path, preset: int = PRESET) -> None:
    """Write ``folder`` to ``archive``, in which it has its own name."""
    # Most of a bundle is machine code, which x86's filter makes a tenth smaller.
    filters = [
        {"id": lzma.FILTER_X86},
        {"id": lzma.FILTER_LZMA2, "preset": preset, "dict_size": _PART},
    ]

    def compress(part: bytes) -> bytes:
        return lzma.compress(part, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters)

    draft = archive.with_name(f"{archive.name}.draft")
    cores = len(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryFile(dir=archive.parent) as plain,
        draft.open("wb") as packed,
        ThreadPoolExecutor(min(cores, 8)) as pool,
    ):
        _write_tar(folder, cast(BinaryIO, plain))
        packed.writelines(pool.map(compress, _parts(cast(BinaryIO, plain))))
    draft.replace(archive)


def _write_tar(folder: Path, stream: BinaryIO) -> None:
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(folder.rglob("*"), key=_alike):
            if file.is_symlink() or not file.is_dir():
                name = f"{folder.name}/{file.relative_to(folder)}"
                tar.add(file, name, recursive=False, filter=_nobody)


def _parts(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    while part := stream.read(_PART):
        yield part


def _alike(file: Path) -> tuple[str, str, str]:
    """Files that resemble each other, side by side: they compress best."""
    return file.suffix, file.name, str(file)


def _nobody(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Of no user of this machine; whole seconds, which bytecode is checked by."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = int(info.mtime)
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    return info

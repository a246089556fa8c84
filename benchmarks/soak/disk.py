"""A small disk of a session's own, which can be filled up and freed (needs root)."""

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_SIZE = "64m"  # what g++ and the frameworks put into TMPDIR fits many times
_BALLAST = "ballast"
_CHUNK = bytes(2**20)


class SmallDisk:
    """A tmpfs mounted on ``folder``."""

    def __init__(self, folder: Path) -> None:
        """Mount it; `OSError` where that may not be."""
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "none", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip() or f"mount failed ({done.returncode})")

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            try:
                while ballast.write(_CHUNK) == len(_CHUNK):
                    pass  # a write that fell short has taken what was left
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Give the space back; safe to call again."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Let it go with all that it holds."""
        # Lazily: what a straggler still has open goes with its last file.
        command = ["umount", "--lazy", str(self.folder)]
        subprocess.run(command, capture_output=True, check=True)


@contextmanager
def small_disk(folder: Path, *, wanted: bool) -> Iterator[SmallDisk | None]:
    """``folder`` on a disk of its own where ``wanted``, else as it is (None)."""
    disk = SmallDisk(folder) if wanted else None
    try:
        yield disk
    finally:
        if disk is not None:
            disk.unmount()


def why_not() -> str | None:
    """Why no small disk can be had here; None where one can."""
    with TemporaryDirectory() as folder, contextlib.ExitStack() as undo:
        try:
            undo.enter_context(small_disk(Path(folder), wanted=True))
        except OSError as error:  # no program `mount` is one too
            return str(error)
    return None

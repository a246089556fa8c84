"""Temporary folders of workers: gone with them, or with the next that is started."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "histocnn-worker-"


class Scratch:
    """A folder for one worker's temporary files.

    A compiler that is killed leaves its own. This process locks the folder for as long
    as it lives: one that nobody holds was left by a suite that was killed, and goes
    when the next folder is made.
    """

    def __init__(self) -> None:
        """Make it; what others left behind is removed."""
        parent = Path(tempfile.gettempdir())
        for left in parent.glob(f"{_PREFIX}*/"):
            _remove_if_left(left)
        # Under its own name only once it is locked: before, it would look left behind.
        made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        self._lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.path = made.rename(parent / made.name[1:])
        self._is_there = True

    def remove(self) -> None:
        """Remove it with all that is in it; safe to call again."""
        if self._is_there:
            self._is_there = False
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)


def _remove_if_left(folder: Path) -> None:
    """Remove ``folder`` if it is this user's and nobody holds it."""
    with contextlib.suppress(OSError):  # it has gone meanwhile, or is another's
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(descriptor).st_uid == os.getuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)

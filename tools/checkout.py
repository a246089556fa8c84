"""Where a clone keeps its environments and locks, and which of them are complete."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STAMP = ".complete"


@dataclass(frozen=True)
class Checkout:
    """One clone of the repository."""

    root: Path

    @property
    def names(self) -> list[str]:
        """The environments there are: one a lock file."""
        return sorted(lock.stem for lock in (self.root / "requirements").glob("*.txt"))

    def folder(self, name: str) -> Path:
        """Where the environment `name` is built."""
        return self.root / ".envs" / name

    def lock(self, name: str) -> Path:
        """What the environment `name` holds."""
        return self.root / "requirements" / f"{name}.txt"

    @property
    def uv_lock(self) -> Path:
        """The uv that builds the environments."""
        return self.root / "requirements" / "build" / "uv.txt"

    @property
    def constraints(self) -> Path:
        """The tools that packages published as source only are built with."""
        return self.root / "requirements" / "build" / "constraints.txt"

    @property
    def bundle_lock(self) -> Path:
        """What makes a bundle's libraries relocatable."""
        return self.root / "requirements" / "build" / "bundle.txt"


def fingerprint(lock: Path) -> str:
    """Return the SHA-256 of a lock file, in hex."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def is_ready(folder: Path, lock: Path, python: str = "") -> bool:
    """Say whether `folder` was built to its end from `lock` as it is now.

    `python` is how the version of its Python must begin, such as '3.11.'.
    """
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        fits = stamp["lock"] == fingerprint(lock)
        fits = fits and str(stamp["python"]).startswith(python)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # never built, cut off in the middle, or not our stamp
    # A Python that was removed from the machine leaves a dangling link.
    return fits and (folder / "bin" / "python").exists()


def write_stamp(folder: Path, lock: Path) -> None:
    """Declare `folder` complete; the last step of a build, in one move."""
    config = (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    facts = dict(line.replace(" ", "").split("=", 1) for line in config if "=" in line)
    version = facts.get("version_info") or facts.get("version", "")
    stamp = {"lock": fingerprint(lock), "python": version}
    draft = folder / f"{STAMP}.draft"
    draft.write_text(json.dumps(stamp) + "\n", encoding="utf-8")
    draft.replace(folder / STAMP)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Let one process at a time build `folder`; the others wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder.name}: waiting for another process to build it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

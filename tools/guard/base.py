"""The base: its checkout and its environments, made by its own tools."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tools.checkout import Checkout
from tools.guard import Problem, git
from tools.guard.sessions import tell

_BUILDER = Path("tools", "env.py")


def prepare(
    root: Path,
    folder: Path,
    commit: str,
    environments: Sequence[str],
    *,
    python: str,
    keep: bool,
) -> None:
    """Have ``folder`` be ``commit`` of the clone at ``root``, ready to measure.

    ``environments`` are those that cases train in; one that the head has not built, or
    that the base does not know, is left out: its cases are skipped. Without ``keep``
    worktrees of other commits beside ``folder`` go.

    Raises
    ------
    Problem
        if it cannot be checked out or built.
    """
    if not keep:
        git.remove_worktrees(root, folder.parent, folder)
    if git.worktree(root, folder, commit):
        tell(f"checked out in {folder}")
    known = Checkout(folder).names
    built = [name for name in environments if Checkout(root).folder(name).exists()]
    wanted = ["bench", *(name for name in built if name in known)]
    if not (folder / _BUILDER).exists():
        raise Problem(f"{commit[:12]} has no {_BUILDER}: the guard cannot build it")
    began = time.monotonic()
    _build([python, str(_BUILDER), *wanted], folder)
    seconds = time.monotonic() - began
    tell(f"the base's environments are ready: {', '.join(wanted)} ({seconds:.0f} s)")


def _build(command: list[str], folder: Path) -> None:
    """Run the base's own builder; what it prints is shown only if it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=git.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise Problem(f"cannot start {command[0]}: {error.strerror}") from None
    if done.returncode:
        tell(done.stdout.rstrip())
        raise Problem(f"the base's environments could not be built in {folder}")

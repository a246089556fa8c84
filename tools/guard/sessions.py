"""Sessions of pytest, one of a side after another, each saved in a file of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from histocnn import cache
from tools.checkout import Checkout
from tools.guard import Problem, git
from tools.guard.schedule import Name, Turn
from tools.guard.selection import Selection

_CACHES = "HISTOCNN_CACHE"
_WORDS = 15  # lines of a session that went wrong, to be shown
_GRACE = 30.0  # seconds that a session gets to save what it has


@dataclass(frozen=True)
class Side:
    """One of the two: its checkout, and what its sessions keep where.

    ``variables`` are added to the environment of its sessions.
    """

    name: Name
    root: Path
    caches: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The Python of its measuring side."""
        return Checkout(self.root).folder("bench") / "bin" / "python"

    def environment(self) -> dict[str, str]:
        """That of its sessions, whose caches are not the user's."""
        caches = {_CACHES: str(self.caches / self.name)}
        return git.environment() | caches | self.variables


@dataclass(frozen=True)
class Stage:
    """What each side measures in a block, and where that is saved."""

    selection: Selection
    rounds: int
    folder: Path

    def file(self, turn: Turn) -> Path:
        """Where the session of ``turn`` is saved."""
        return self.folder / f"{turn.side}-{turn.block:02}.json"


class Progress:
    """A line for each session: how many are left, and for how long."""

    def __init__(self, sessions: int) -> None:
        """``sessions`` lie ahead."""
        self._left = sessions
        self._seconds: list[float] = []

    def ended(self, turn: Turn, seconds: float, remark: str = "") -> None:
        """The session of ``turn`` took ``seconds``."""
        self._left -= 1
        self._seconds.append(seconds)
        left = self._left * sum(self._seconds) / len(self._seconds)
        ahead = f"{self._left} left, about {_duration(left)}" if self._left else "done"
        tell(f"block {turn.block}, {turn.side}: {seconds:.0f} s{remark}; {ahead}")


def tell(line: str) -> None:
    """Say ``line`` of the guard's own; standard output is the table's."""
    print(f"guard: {line}", file=sys.stderr, flush=True)


class Sessions:
    """Those of one stage, by turns; what is saved already is not measured again."""

    def __init__(
        self, sides: Sequence[Side], turns: Sequence[Turn], stage: Stage
    ) -> None:
        """Of ``sides``, in the order of ``turns``."""
        self._sides = {side.name: side for side in sides}
        self._turns = turns
        self._stage = stage
        missing = sum(not is_saved(stage.file(turn)) for turn in turns)
        if there := len(turns) - missing:
            tell(f"{there} of {len(turns)} sessions are measured already")
        self._progress = Progress(missing)

    def measure(self, blocks: int | None = None) -> dict[Name, list[Path]]:
        """Run what is missing of the first ``blocks``, or of all; each side's files.

        Raises `Problem` where a session measured nothing at all.
        """
        turns = [turn for turn in self._turns if blocks is None or turn.block <= blocks]
        for turn in turns:
            if not is_saved(self._stage.file(turn)):
                _session(self._sides[turn.side], turn, self._stage, self._progress)
        return {
            name: sorted(self._stage.file(turn) for turn in turns if turn.side == name)
            for name in self._sides
        }


def is_saved(file: Path) -> bool:
    """Whether ``file`` holds a session's results, whole."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and "benchmarks" in document


def _session(side: Side, turn: Turn, stage: Stage, progress: Progress) -> None:
    """Measure one block of a side; its file gets its name once it is whole."""
    file = stage.file(turn)
    part, log = file.with_suffix(".part"), file.with_suffix(".log")
    part.unlink(missing_ok=True)
    journals = stage.folder / "journals" / side.name
    command = [
        *(str(side.python), "-m", "pytest", *stage.selection.words),
        *("--launches", "1", "--rounds", str(stage.rounds)),
        # Both sides of a block run their cases in one order, each block in another.
        *("--order-seed", str(turn.block)),
        *(f"--journal={journals}", f"--benchmark-json={part}"),
    ]
    began = time.monotonic()
    with _alone():
        code = run_apart(command, side.root, side.environment(), log)
    if code not in (0, 1) or not is_saved(part):
        raise nothing_measured(side.name, code, log)
    part.replace(file)
    failed = f", with failures ({log})" if code else ""
    progress.ended(turn, time.monotonic() - began, failed)


def run_apart(
    command: list[str], folder: Path, environ: dict[str, str], log: Path
) -> int:
    """Run a session, its words into ``log``, out of reach of the terminal's Ctrl-C.

    That is the caller's to pass on: however the caller ends, the session ends with it.
    """
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            raise Problem(f"cannot start {command[0]}: {error.strerror}") from None
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        finally:  # whoever is impatient does not leave it running
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise


def nothing_measured(
    name: str, code: int, log: Path, *, is_kept: bool = True
) -> Problem:
    """What to say of a session of ``name`` that ended with ``code`` and no results.

    Its ``log`` is named if that ``is_kept``.
    """
    words = log.read_text(errors="replace").splitlines()[-_WORDS:]
    said = "".join(f"\n  {word}" for word in words if word.strip())
    where = f"all that it said is in {log}, at the end:" if is_kept else "it said:"
    return Problem(f"{name} measured nothing (pytest ended with {code}); {where}{said}")


def _alone() -> contextlib.AbstractContextManager[object]:
    """Keep the user's own sessions of this checkout off the cores meanwhile."""
    return FileLock(cache.scratch() / "measuring.lock")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"

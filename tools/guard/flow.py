"""From a git ref to an exit code: check out, build, measure, judge, measure again."""

import contextlib
import fcntl
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.guard import Problem, base, git, selection, writable
from tools.guard.judge import Files, Judge
from tools.guard.schedule import Name, turns
from tools.guard.selection import Selection
from tools.guard.sessions import Sessions, Side, Stage, tell

_SHORT = 12  # digits of a commit in a folder's name
_PLAN = "plan.json"


@dataclass(frozen=True)
class Request:
    """What was asked for, as the command line has it.

    ``launches`` are those of a case on each side, ``confirm_launches`` those of a
    suspect. ``options`` are for `python -m reports guard`.
    """

    base: str
    launches: int
    confirm_launches: int
    rounds: int
    seed: int
    head_env: dict[str, str]
    keep: bool
    carry_on: bool
    python: str
    summary: Path | None
    options: tuple[str, ...]
    selection: Selection


def guard(request: Request, root: Path) -> int:
    """Carry ``request`` out in the checkout at ``root``; return the exit code.

    Raises `Problem` for whatever keeps it from a verdict.
    """
    place = root / "build" / "guard"
    commit = git.commit_of(root, request.base)
    head = Side("head", root, place / "cache", request.head_env)
    judge = Judge(head.python, root, request.options)
    judge.check()
    if request.summary is not None:
        writable.check("--summary", request.summary)
    with _alone(place):
        state = git.state(root)
        runs = _runs(root, commit)
        plan = _plan(request, commit, state)
        if request.carry_on and not _same_plan(runs, plan):
            raise Problem(
                f"nothing to continue: {runs} is not of this command and code"
            )
        cases = selection.cases(head.python, root, request.selection)
        _say_what(request, root, commit, len(cases))
        folder = place / commit[:_SHORT]
        base.prepare(
            root,
            folder,
            commit,
            selection.environments(cases, request.selection),
            python=request.python,
            keep=request.keep,
        )
        both = (Side("base", folder, place / "cache"), head)
        _start(runs, plan, anew=not request.carry_on)
        files = _measured(request, both, judge, runs)
        if git.state(root) != state:
            tell("the working tree was changed meanwhile: the head's times mix states")
    return _shown(judge, files, request.summary)


def _runs(root: Path, commit: str) -> Path:
    """Where what is measured against ``commit`` is kept."""
    name = f"{commit[:_SHORT]}-{git.run(root, 'rev-parse', 'HEAD')[:_SHORT]}"
    return root / "build" / "guard" / "runs" / name


def _plan(request: Request, commit: str, state: str) -> dict[str, object]:
    """What has to be the same for a run to go on."""
    return {
        "base": commit,
        "head": state,
        "pytest": request.selection.words,
        "rounds": request.rounds,
        "variables": request.head_env,
    }


def _measured(
    request: Request, sides: tuple[Side, Side], judge: Judge, folder: Path
) -> Files:
    """Both stages: all cases, then those that look slower."""
    stage = Stage(request.selection, request.rounds, folder)
    sessions = Sessions(sides, turns(request.launches, request.seed), stage)
    # What a table cannot be made of shows with the first block, not after the last.
    first = _files(sessions.measure(blocks=1))
    if judge.suspects(first) is None:
        return first
    done = _files(sessions.measure())
    if not (suspects := judge.suspects(done)):
        tell("no case looks slower")
        return done
    tell(f"measuring again, {request.confirm_launches} launches: {', '.join(suspects)}")
    fresh = _measured_again(request, sides, suspects, folder / "confirm")
    return replace(done, confirm_base=fresh.base, confirm_head=fresh.head)


def _measured_again(
    request: Request, sides: tuple[Side, Side], suspects: list[str], folder: Path
) -> Files:
    """The second stage: fresh launches of ``suspects``, node ids, on both sides."""
    stage = Stage(request.selection.only(suspects), request.rounds, folder)
    plan = {"pytest": stage.selection.words}
    _start(folder, plan, anew=not _same_plan(folder, plan))
    order = turns(request.confirm_launches, request.seed + 1)
    return _files(Sessions(sides, order, stage).measure())


def _files(measured: dict[Name, list[Path]]) -> Files:
    return Files(measured["base"], measured["head"])


def _shown(judge: Judge, files: Files, summary: Path | None) -> int:
    """Print the table, and add it to ``summary`` where there is one."""
    try:
        shown = judge.show(files)
    except Problem as problem:
        place = files.head[0].parent
        raise Problem(f"{problem}; what was measured is in {place}") from None
    print(shown.table, end="", flush=True)
    for line in shown.said:
        print(line, file=sys.stderr)
    if summary is None:
        return shown.code
    try:
        summary.parent.mkdir(parents=True, exist_ok=True)
        with summary.open("a", encoding="utf-8") as file:
            file.write(judge.markdown(files))
    except OSError as error:  # the disk is full by now
        tell(f"--summary: cannot write {summary}: {error.strerror}")
        return shown.code or 2
    return shown.code


def _say_what(request: Request, root: Path, commit: str, cases: int) -> None:
    changed = git.changed_files(root)
    at = git.run(root, "rev-parse", "HEAD")[:_SHORT]
    dirty = f" with {changed} changed files" if changed else ""
    named = f"{request.base}, " if request.base != commit else ""
    tell(f"base is {named}{commit[:_SHORT]}, head is {at}{dirty}")
    counted = "1 case" if cases == 1 else f"{cases} cases"
    tell(f"{counted}, launches of each on either side: {request.launches}")
    for name, value in request.head_env.items():
        tell(f"{name}={value} is set for the head alone")


def _same_plan(folder: Path, plan: Mapping[str, object]) -> bool:
    try:
        kept = (folder / _PLAN).read_text(encoding="utf-8")
    except OSError:
        return False
    return kept == json.dumps(plan)


def _start(folder: Path, plan: Mapping[str, object], *, anew: bool) -> None:
    """Have ``folder`` say what it is of; ``anew``: without what was measured before."""
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _PLAN).write_text(json.dumps(plan), encoding="utf-8")


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one guard at a time have this checkout, or `Problem`."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("another guard runs in this checkout; wait for it") from None
        yield

"""What the guard asks git, and the worktrees it has git make; nothing else changes.

No branch, no index and no file of the user's checkout is written to.
"""

import functools
import hashlib
import os
import subprocess
from pathlib import Path

from tools.guard import Problem


def environment() -> dict[str, str]:
    """The process's own, without what ties git to one checkout.

    A hook of git's (before a push, say) runs with its index and folder in variables.
    """
    return {
        name: value for name, value in os.environ.items() if name not in _local_names()
    }


def run(folder: Path, *arguments: str) -> str:
    """What git prints when run in ``folder``; `Problem` with its words if it fails."""
    done = _run(folder, *arguments)
    if done.returncode:
        words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise Problem(f"git {arguments[0]}: {words}")
    return done.stdout.rstrip("\n")


def commit_of(root: Path, ref: str) -> str:
    """The full id of the commit that ``ref`` names in the clone at ``root``."""
    wanted = f"{ref}^{{commit}}"
    done = _run(root, "rev-parse", "--verify", "--end-of-options", wanted)
    if done.returncode == 0:
        return done.stdout.strip()
    if run(root, "rev-parse", "--is-shallow-repository") == "true":
        raise Problem(
            f"{ref!r} is no commit of this clone, which is shallow; run: "
            "git fetch --unshallow"
        )
    raise Problem(
        f"{ref!r} is no commit of this clone; see git branch --all, or get it by: "
        "git fetch"
    )


def changed_files(root: Path) -> int:
    """How many files differ from the commit, new ones among them."""
    return len(_changes(root))


def state(root: Path) -> str:
    """A digest of the commit and of all that differs from it: 16 hexadecimal digits."""
    digest = hashlib.sha256(run(root, "rev-parse", "HEAD").encode())
    for change in _changes(root):
        digest.update(change.encode(errors="surrogateescape"))
        path = root / change[3:]  # behind two letters and a space
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _changes(root: Path) -> list[str]:
    # Not `git diff`, which writes the index while it looks.
    how = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    return [each for each in run(root, "status", *how).split("\0") if each]


def worktree(root: Path, folder: Path, commit: str) -> bool:
    """Have ``folder`` be a checkout of ``commit``; whether it had to be made.

    One that is there is used again where nothing in it differs. Raises `Problem` for
    any other: it may hold somebody's work.
    """
    if folder.exists():
        if not _is_worktree(folder, commit):
            raise Problem(
                f"{folder} is not {commit[:12]} as it was committed; look whether "
                f"anything there is of use, then: rm -r {folder}"
            )
        return False
    # Forced: git remembers a worktree whose folder was removed, and would refuse.
    run(root, "worktree", "add", "--force", "--detach", str(folder), commit)
    return True


def remove_worktrees(root: Path, folder: Path, keep: Path) -> None:
    """Remove the worktrees right below ``folder`` that are not ``keep``.

    Those, too, whose folder has gone already and that git still remembers. One in
    which something was changed stays.
    """
    listed = run(root, "worktree", "list", "--porcelain")
    for line in listed.splitlines():
        word, _, name = line.partition(" ")
        path = Path(name)
        ours = word == "worktree" and path.parent == folder.resolve()
        if not ours or path == keep.resolve():
            continue
        if not path.exists() or _is_worktree(path):
            _run(root, "worktree", "remove", "--force", name)  # a locked one stays


def _is_worktree(folder: Path, commit: str | None = None) -> bool:
    """Whether ``folder`` is a checkout of its own, unchanged and at ``commit``."""
    try:
        top = run(folder, "rev-parse", "--show-toplevel")
        at = run(folder, "rev-parse", "HEAD")
        changed = changed_files(folder)
    except Problem:  # git has forgotten it
        return False
    own = Path(top) == folder.resolve() and not changed
    return own and commit in (None, at)


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    # The user's hooks are for the user's checkouts.
    command = ["git", "-c", "core.hooksPath=/dev/null", "--no-optional-locks"]
    try:
        return subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env=environment() | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise Problem(
            "there is no git here; the guard checks the base out with it"
        ) from None


@functools.cache
def _local_names() -> frozenset[str]:
    asked = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"],
        capture_output=True,
        text=True,
        check=False,
    )
    # Those that configure git (whose folders are safe, say) are not of one checkout.
    return frozenset(
        name for name in asked.stdout.split() if not name.startswith("GIT_CONFIG")
    )

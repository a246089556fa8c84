"""The project as it travels to the nodes: what git lists, as it is on this disk now."""

import shutil
import subprocess
from pathlib import Path

import msgspec

from benchmarks import software_facts
from benchmarks.environments import ROOT
from benchmarks.software_facts import Git
from histocnn.errors import InputError

#: Says, in the copy, which commit it is of.
COMMIT = ".histocnn-commit.json"
#: Bytes; the head keeps the copy in its memory, and each node fetches it once.
_MOST = 200 * 2**20
#: Left out where there is no git to ask.
_MADE = ("build", "__pycache__")


def stage(folder: Path, root: Path = ROOT) -> None:
    """Copy ``root`` to ``folder``, which is empty, with a note of its commit.

    Tracked files and new ones that git does not ignore; nothing of what is made, such
    as environments. Of a copy without git all but what is hidden or made.

    Raises
    ------
    InputError
        where it is too large to travel, or git or the disk fails.
    """
    files = [path for path in _listed(root) if (root / path).is_file()]
    for path in files:
        try:
            path.encode()  # as the archive does that Ray makes of them
        except UnicodeEncodeError:
            raise InputError(
                f"the checkout has a file whose name is no UTF-8, {path!a}; rename it, "
                "or have git ignore it"
            ) from None
    sizes = {path: (root / path).lstat().st_size for path in files}
    if sum(sizes.values()) > _MOST:
        largest = max(sizes, key=sizes.__getitem__)
        raise InputError(
            f"the checkout has {sum(sizes.values()) / 2**20:.0f} MB to send to each "
            f"node, {_MOST / 2**20:.0f} at most; have git ignore what the nodes need "
            f"not have, such as {largest} ({sizes[largest] / 2**20:.0f} MB)"
        )
    try:
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, folder / path, follow_symlinks=False)
    except OSError as error:
        raise InputError(
            f"the project cannot be copied to {folder}: {error.strerror or error}; set "
            "TMPDIR to a folder with space"
        ) from None
    facts = msgspec.json.encode(software_facts.git(root))
    (folder / COMMIT).write_bytes(facts)


def commit(root: Path = ROOT) -> Git | None:
    """The commit that a staged ``root`` is of; None where nobody knows."""
    try:
        return msgspec.json.decode((root / COMMIT).read_bytes(), type=Git | None)
    except (OSError, msgspec.MsgspecError):
        return None


def _listed(root: Path) -> list[str]:
    if not (root / ".git").exists():
        return [
            str(path.relative_to(root))
            for path in sorted(root.rglob("*"))
            if not any(
                part.startswith(".") or part in _MADE
                for part in path.relative_to(root).parts
            )
        ]
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(f"git does not tell which files to send: {error}") from None
    names = done.stdout.decode(errors="surrogateescape").split("\0")
    return sorted(set(filter(None, names)))

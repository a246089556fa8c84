"""What of a checkout travels to the nodes, and what it tells of itself there."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.cluster import ray_project
from benchmarks.cluster.ray_project import COMMIT, commit, stage
from benchmarks.software_facts import Git, git
from histocnn.errors import InputError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with tracked, changed, new, ignored and deleted files."""
    root = tmp_path / "checkout"
    files = {
        ".gitignore": "/.envs/\n*.log\n",
        "package/module.py": "x = 1\n",
        "package/gone.py": "",
        "kept.log": "tracked though ignored\n",
        "ünïcode name": "",
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    run(root, "init", "--quiet")
    run(root, "add", "--force", ".")
    run(root, "commit", "--quiet", "--message", "a commit")
    (root / "package" / "module.py").write_text("x = 2\n")
    (root / "package" / "gone.py").unlink()
    (root / "new.py").write_text("y = 1\n")
    (root / "run.log").write_text("ignored\n")
    (root / ".envs" / "jax").mkdir(parents=True)
    (root / ".envs" / "jax" / "pyvenv.cfg").write_text("")
    return root


def run(root: Path, *arguments: str) -> None:
    """Git, with nobody's settings."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True)


def staged(root: Path, folder: Path) -> set[str]:
    """The files that travel, but for the note of the commit."""
    folder.mkdir()
    stage(folder, root)
    files = {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }
    return files - {COMMIT}


def test_files_as_they_are_now_travel(checkout: Path, tmp_path: Path) -> None:
    """Tracked and new ones, neither git's own nor what it ignores."""
    files = staged(checkout, tmp_path / "copy")
    assert files == {
        *(".gitignore", "kept.log", "new.py", "package/module.py", "ünïcode name")
    }
    assert (tmp_path / "copy/package/module.py").read_text() == "x = 2\n"


def test_the_copy_tells_the_commit_and_that_it_differs(
    checkout: Path, tmp_path: Path
) -> None:
    """The node has no git to ask."""
    staged(checkout, tmp_path / "copy")
    told = commit(tmp_path / "copy")
    assert told is not None
    assert told == git(checkout)
    assert told == Git(told.commit, dirty=True, changed_files=3)
    assert commit(checkout) is None


def test_the_same_checkout_makes_the_same_copy(checkout: Path, tmp_path: Path) -> None:
    """Or Ray would send it again, and nodes would unpack it again."""
    contents = []
    for name in ("one", "two"):
        staged(checkout, tmp_path / name)
        files = sorted((tmp_path / name).rglob("*"))
        contents.append([path.read_bytes() for path in files if path.is_file()])
    assert contents[0] == contents[1]


def test_a_copy_without_git_travels_without_what_is_made(
    checkout: Path, tmp_path: Path
) -> None:
    (checkout / ".git").rename(tmp_path / "git")
    (checkout / "build").mkdir()
    (checkout / "build" / "report.html").write_text("")
    assert staged(checkout, tmp_path / "copy") == {
        *("kept.log", "new.py", "package/module.py", "run.log", "ünïcode name")
    }
    assert commit(tmp_path / "copy") is None


def test_too_much_to_send_names_the_largest(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "new.py").write_bytes(bytes(3 * 2**20))
    monkeypatch.setattr(ray_project, "_MOST", 2**20)
    with pytest.raises(InputError, match=r"3 MB to send .* such as new\.py \(3 MB\)"):
        staged(checkout, tmp_path / "copy")


def test_a_name_that_cannot_travel_is_told(checkout: Path, tmp_path: Path) -> None:
    """Ray's archive takes UTF-8 alone, and its own words name another file."""
    (checkout / os.fsdecode(b"caf\xe9.txt")).touch()
    with pytest.raises(InputError, match=r"is no UTF-8, 'caf\\udce9\.txt'; rename it"):
        staged(checkout, tmp_path / "copy")

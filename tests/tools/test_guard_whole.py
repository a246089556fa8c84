"""The guard over this very suite, with workers that answer at once.

A copy of the checkout's files is the repository: pytest, the suite and the table are
the real ones, and only the environments, which need a network, are lent.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.conftest import ROOT
from tests.fake_worker import VARIABLE, Behaviour, fake_python

_COPIED = ("benchmarks", "histocnn", "reports", "requirements", "tools")
_LENDS = """from pathlib import Path
Path(".envs").exists() or Path(".envs").symlink_to({envs!r})
"""
CASES = (
    *("--engines", "tensorflow", "--sizes", "32", "--batches", "10,20"),
    *("--images", "20", "--cores", "1", "--repeats", "0"),
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one commit: what this checkout holds now."""
    root = tmp_path_factory.mktemp("whole") / "clone"
    root.mkdir()
    for name in _COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("conftest.py", "pyproject.toml", "pytest.ini"):
        shutil.copy(ROOT / name, root / name)
    (root / ".gitignore").write_text("/.envs\n/build/\n__pycache__/\n")
    (root / ".envs").symlink_to(ROOT / ".envs")
    (root / "tools" / "env.py").write_text(_LENDS.format(envs=str(ROOT / ".envs")))
    who = ("-c", "user.name=x", "-c", "user.email=x@y.z")
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*who, "commit", "--quiet", "--message=x"),
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def guard(clone: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the guard of ``clone`` on itself."""
    folder = clone.parent
    behaviour = msgspec.json.encode(Behaviour(spread=0.0005)).decode()
    python = fake_python(folder)
    return subprocess.run(
        [
            *(sys.executable, "-m", "tools.guard", "HEAD", "--launches", "3"),
            *(*arguments, "--", *CASES, "--interpreter", f"tensorflow={python}"),
        ],
        cwd=clone,
        env=os.environ | {VARIABLE: behaviour, "HISTOCNN_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_same_code_is_no_slower_than_itself(clone: Path) -> None:
    done = guard(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no regression" in done.stdout


def test_a_planted_slow_down_is_confirmed(clone: Path) -> None:
    """In the one case that has it."""
    slowed = "HISTOCNN_SLOWED=*-b20-*=20%"
    junit = clone / "build" / "junit.xml"
    done = guard(clone, "--head-env", slowed, "--junit", str(junit))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 slower of 2 cases" in done.stdout
    assert "test_train[tensorflow-cpu-32px-b20-cores1]" in done.stderr
    assert "b10-cores1]" not in done.stderr
    assert "b20" in junit.read_text()

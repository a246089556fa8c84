"""A bundle tells the commit that it was made of, or that nobody knows it."""

import os
import subprocess
from pathlib import Path

import pytest

from reports import origins
from tools.bundle import project
from tools.bundle.on_target import commit

UNKNOWN = {"commit": "unknown", "time": "", "dirty": "unknown"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and one file of the suite's."""
    for name in ("GLOBAL", "SYSTEM"):  # they may trust every folder
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "README.md").touch()
    git = ("git", "-c", "user.name=plugh", "-c", "user.email=plugh@xyzzy")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder


def test_a_checkouts_commit_is_told_and_what_differs_from_it(checkout: Path) -> None:
    """Of what goes into the bundle, not of a file beside it."""
    (checkout / "notes").touch()
    facts = project.commit_facts(checkout)
    assert len(facts["commit"]) == 40
    assert facts["time"]
    assert facts["dirty"] == "no"
    (checkout / "README.md").write_text("changed")
    assert project.commit_facts(checkout) == facts | {"dirty": "yes"}


def test_where_git_refuses_nothing_is_known(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of another user's, whose files may differ from any commit."""
    (checkout / "README.md").write_text("changed")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert project.commit_facts(checkout) == UNKNOWN


def test_without_git_or_a_repository_of_its_own_nothing_is_known(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "copy").mkdir()
    assert project.commit_facts(checkout / "copy") == UNKNOWN
    monkeypatch.setenv("PATH", "")
    assert project.commit_facts(checkout) == UNKNOWN


@pytest.mark.parametrize(
    ("facts", "known", "dirty"),
    [
        (UNKNOWN, "", False),
        ({"commit": "c0ffee", "time": "now", "dirty": "no"}, "c0ffee", False),
        ({"commit": "c0ffee", "time": "now", "dirty": "yes"}, "c0ffee", True),
    ],
)
def test_results_of_a_bundle_say_its_commit(
    facts: dict[str, str],
    known: str,
    dirty: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    """An unknown one in pytest-benchmark's word, so that it is pooled with no other."""
    version = tmp_path / "VERSION"
    version.write_text("".join(f"{key}={value}\n" for key, value in facts.items()))
    monkeypatch.setattr(commit, "_VERSION", version)
    info = commit.pytest_benchmark_generate_commit_info(pytestconfig)
    assert info["id"] == (known or "unversioned")
    assert info["time"] == (facts["time"] or None)
    code = origins.code_of(info, "one.json")
    assert (code.commit, code.dirty) == (known, dirty)
    assert code.is_commit_of(origins.code_of(info, "other.json")) == bool(known)

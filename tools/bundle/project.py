"""The suite itself in a bundle: its files, its start script, what it was made of."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.bundle.interpreter import ON_TARGET
from tools.checkout import Checkout

#: What runs and what tells of it; nothing of tests.
_PARTS = (
    *("CITATION.cff", "LICENSE", "README.md", "conftest.py", "pyproject.toml"),
    "pytest.ini",
    *("benchmarks", "docs", "histocnn", "reports", "requirements", "tools"),
)


def bundle_project(checkout: Checkout, target: Path, facts: dict[str, str]) -> None:
    """Copy the project's files, as they are now, to ``target``; write its VERSION."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for part in _PARTS:
        source = checkout.root / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=ignore)
        elif source.exists():
            shutil.copy2(source, target / part)
    shutil.copy2(ON_TARGET / "run", target / "run")
    (target / "run").chmod(0o755)
    lines = [f"{key}={value}\n" for key, value in facts.items()]
    (target / "VERSION").write_text("".join(lines), encoding="utf-8")


def commit_facts(root: Path) -> dict[str, str]:
    """The commit that the project's files are of, and whether they differ from it.

    Both are unknown where git is not there or refuses, as in another user's folder.
    """

    def said(*command: str) -> str | None:
        done = subprocess.run(
            ["git", *command], cwd=root, capture_output=True, text=True, check=False
        )
        return None if done.returncode else done.stdout.strip()

    # A repository around a copy without .git would answer in its place.
    if (root / ".git").exists() and shutil.which("git"):
        shown = said("show", "--no-patch", "--format=%H %cI", "HEAD")
        files = said("--no-optional-locks", "status", "--porcelain", "--", *_PARTS)
        if shown and files is not None:
            commit, time = shown.split(" ")
            return {"commit": commit, "time": time, "dirty": "yes" if files else "no"}
    return {"commit": "unknown", "time": "", "dirty": "unknown"}

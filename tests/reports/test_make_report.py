"""``make report``: both views are run, and whatever fails in either is not hidden."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.mark.parametrize("failing", ["page", "figures", "none"])
@pytest.mark.parametrize("code", [1, 2])
def test_a_view_that_fails_fails_it(failing: str, code: int, tmp_path: Path) -> None:
    """With the other made all the same."""
    shutil.copy(MAKEFILE, tmp_path)
    python = tmp_path / ".envs" / "bench" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\necho "$@" >> runs\ntest "$3" != {failing} || exit {code}\n'
    )
    python.chmod(0o755)
    ran = subprocess.run(
        ["make", "report", "PYTHON=true", "FILES=a.json b.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode == 0) == (failing == "none"), ran.stderr
    assert (tmp_path / "runs").read_text().splitlines() == [
        f"-m reports {view} a.json b.json --output build/report"
        for view in ("page", "figures --if-any")
    ]

"""tools/docker_engine.sh: what it refuses; that it starts and stops, CI shows."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "docker_engine.sh"


def run(*arguments: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "DOCKER_HOST": "unix:///nowhere/engine.sock"}
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env=environ | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_folder_that_is_no_engines_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = run("stop", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("docker engine: ")
    assert (tmp_path / "thesis.tex").exists()


def test_stopping_what_was_never_started_is_no_error(tmp_path: Path) -> None:
    assert run("stop", str(tmp_path / "none")).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status",), "none answers; as root: eval"),
        ((), "usage:"),
        (("restart",), "usage:"),
    ],
)
def test_an_error_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(*arguments, *([str(tmp_path / "none")] if arguments else []))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"docker engine: {said}")
    assert done.stderr.count("\n") == 1

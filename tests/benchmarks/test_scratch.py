"""Temporary folders of workers: private, and gone with them whatever happens."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.launchers.local import LocalChannel
from benchmarks.scratch import Scratch
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which this process and those it starts keep temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_what_a_worker_left_goes_with_it(temporary: Path) -> None:
    """A compiler that is killed leaves files and folders."""
    script = (
        "import os, signal, tempfile; tempfile.mkdtemp(); tempfile.mkstemp()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    channel = LocalChannel([sys.executable, "-c", script], {})
    channel._process.wait(30)
    (own,) = temporary.glob("histocnn-worker-*")
    assert len(list(own.iterdir())) == 2
    channel.close()
    assert not list(temporary.iterdir())


def test_the_next_worker_removes_what_a_killed_suite_left(temporary: Path) -> None:
    """SIGKILL gives nobody the time to clear up."""
    script = (
        "from benchmarks.scratch import Scratch\nscratch = Scratch()\n"
        "(scratch.path / 'file').touch()\nprint(scratch.path, flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as suite:
        assert suite.stdout is not None
        left = Path(suite.stdout.readline().strip())
        beside = Scratch()
        assert left.exists()  # its suite lives
        suite.send_signal(signal.SIGKILL)
    assert left.exists()
    after = Scratch()
    assert not left.exists()
    assert beside.path.exists()
    for scratch in (beside, after, after):
        scratch.remove()
    assert not list(temporary.iterdir())

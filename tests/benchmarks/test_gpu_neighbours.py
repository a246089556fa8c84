"""Sessions on a GPU beside others who hold its memory, as their users meet them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import fake_gpu
from tests.benchmarks.test_frontier_sessions import FRONTIER, PER_PIXEL, Session
from tests.conftest import ROOT
from tests.fake_gpu import MB
from tests.fake_worker import Behaviour

GRID = (
    *("benchmarks/test_train.py", "--engines", "torch", "--devices", "cuda"),
    *("--sizes", "32", "--batches", "10", "--launches", "1", "--rounds", "1"),
)
HOLD = """
import sys
from histocnn.cuda import Context
with Context() as context:
    assert context.allocate(int(sys.argv[1])) is not None
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """On a GPU of 24 GB."""
    return Session(tmp_path, fake_gpu.make(tmp_path / "gpu"))


@contextmanager
def neighbour(session: Session, megabytes: int) -> Iterator[int]:
    """A process that holds so much of the GPU; its id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(megabytes * MB)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **session.gpu.variables, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "holds\n"
        yield process.pid
        process.stdin.close()


def run(session: Session, *options: str, behaviour: Behaviour) -> tuple[int, str]:
    """As `Session.run`, which wants the GPU free behind it."""
    with session.start(*options, behaviour=behaviour) as process:
        printed, _ = process.communicate(timeout=300)
    return process.returncode, printed


@pytest.mark.parametrize("cnmem", ["grow", "1"])
def test_a_neighbours_memory_is_no_frontier(session: Session, cnmem: str) -> None:
    """Whether a batch was refused, or what was to be reserved; the line says whose."""
    wants = Behaviour(gpu_bytes_per_pixel=PER_PIXEL)
    options = (*FRONTIER, "--sizes", "64", "--cnmem", cnmem)
    with neighbour(session, 16000) as pid:
        code, printed = run(session, *options, behaviour=wants)
    assert code == pytest.ExitCode.TESTS_FAILED, printed
    assert f"torch-cuda-64px-cnmem{cnmem}: batch " in printed
    assert "others held 16,300 MB of it: end those processes, or give a" in printed
    assert f"(process {pid}) holds 16,300 MB" in printed
    assert not (session.folder / "run.json").exists()


def test_a_copy_that_does_not_fit_beside_one_is_a_line(session: Session) -> None:
    """Of what is reserved for it."""
    options = ("benchmarks/test_load.py", "-k", "copy and torch-cuda")
    with neighbour(session, 5000) as pid:
        code, printed = run(session, *options, behaviour=Behaviour())
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "torch-cuda-200px-b50-cnmem1: cnmem=1 reserves 23,347 MB" in printed
    assert f"(process {pid}) holds 5,300 MB" in printed
    assert "Traceback" not in printed


def test_a_copy_comes_after_launches_on_a_gpu_made_small(session: Session) -> None:
    """Which is whole again for it: the ballast is the session's own."""
    code, printed = run(
        session,
        *(*GRID, "benchmarks/test_load.py", "--cnmem", "grow", "--gpu-memory", "4GB"),
        *("-k", "train or (copy and torch-cuda)"),
        behaviour=Behaviour(),
    )
    assert "1 failed, 1 passed" in printed
    # It was reached: workers that train nothing copy nothing.
    assert "assert copied.nbytes == " in printed
    assert code == pytest.ExitCode.TESTS_FAILED


def test_a_desktops_memory_changes_nothing(session: Session) -> None:
    """Less than what a frontier is told to."""
    wants = Behaviour(gpu_bytes_per_pixel=PER_PIXEL)
    with neighbour(session, 600):
        code, printed = run(session, *FRONTIER, "--sizes", "64", behaviour=wants)
    assert code == 0, printed
    (case,) = session.saved()
    assert case["extra_info"]["frontier"]["largest"] > 4096


def test_a_resumed_run_tries_again_what_a_neighbour_had_no_room_for(
    session: Session,
) -> None:
    """Its refusal was the neighbour's doing, who has gone."""
    options = (*GRID, "--cnmem", "1")
    with neighbour(session, 5000):
        code, printed = run(session, *options, behaviour=Behaviour())
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "cnmem=1 reserves 23,347 MB, and the GPU has" in printed
    assert session.outcomes()[0]["outcome"]["short"]["others_bytes"] == 5300 * MB
    assert "something is left to measure; the same command with --resume" in printed
    code, printed = session.run(*options, "--resume", behaviour=Behaviour())
    assert code == 0, printed
    assert len(session.saved()) == 1

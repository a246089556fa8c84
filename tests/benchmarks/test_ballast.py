"""A GPU made smaller for the launches that ask for it, and for no others."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ballast import Ballast, parse_cap
from histocnn.errors import InputError
from histocnn.job import Job
from tests import fake_gpu
from tests.conftest import ROOT
from tests.fake_gpu import MB, FakeGpu

CPU = Job("torch", "cpu", 64, 10, cnmem=None, cores=1)
WHOLE = Job("torch", "cuda", 64, 10, cnmem="1", cores=1)
CAPPED = replace(WHOLE, gpu_memory=4096)

#: Another session's launch on the GPU.
OTHER = """
from benchmarks.ballast import Ballast
from histocnn.job import Job
job = Job("torch", "cuda", 64, 10, cnmem="1", cores=1)
with Ballast().beside(job, {}, lambda: print("waits", flush=True)):
    print("runs", flush=True)
"""


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "cache"))
    return fake_gpu.make(tmp_path / "gpu")


def held(gpu: FakeGpu) -> int:
    """MB that all processes together have of the GPU."""
    return sum(gpu.users.values()) // MB


def test_it_is_there_for_launches_with_a_cap_and_no_others(gpu: FakeGpu) -> None:
    """One process for launches in a row, also around the CPU's; gone for others."""
    ballast = Ballast()
    for _ in range(2):
        with ballast.beside(CAPPED, gpu.variables):
            (first,) = gpu.users
            assert held(gpu) == 24576 - 4096 - 300
        assert list(gpu.users) == [first]
    for job in (CPU, CAPPED):
        with ballast.beside(job, gpu.variables):
            assert list(gpu.users) == [first]
    with ballast.beside(replace(CAPPED, gpu_memory=8192), gpu.variables):
        assert held(gpu) == 24576 - 8192 - 300
    with ballast.beside(WHOLE, gpu.variables):
        assert not gpu.users
    with pytest.raises(RuntimeError), ballast.beside(CAPPED, gpu.variables):
        raise RuntimeError
    assert gpu.users
    ballast.close()
    ballast.close()
    assert not gpu.users


def test_what_cannot_be_had_is_one_line(gpu: FakeGpu) -> None:
    """And nothing is left of the try; the next one may be luckier."""
    ballast = Ballast()
    with (
        pytest.raises(InputError, match="--gpu-memory 24500MB cannot be had: of the"),
        ballast.beside(replace(CAPPED, gpu_memory=24500), gpu.variables),
    ):
        pytest.fail("it ran")
    assert not gpu.users
    with ballast.beside(CAPPED, gpu.variables):
        assert held(gpu) == 24576 - 4096 - 300
    ballast.close()


def test_a_launch_during_which_it_died_does_not_count(gpu: FakeGpu) -> None:
    """The cap did not hold; for the next launch there is another."""
    ballast = Ballast()

    def launch() -> int:
        with ballast.beside(CAPPED, gpu.variables):
            (pid,) = gpu.users
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return pid

    with pytest.raises(InputError, match="ended during the launch"):
        launch()
    (pid,) = gpu.users
    with ballast.beside(CAPPED, gpu.variables):
        assert pid not in gpu.users
    ballast.close()


def test_another_session_waits_until_the_memory_is_whole_again(gpu: FakeGpu) -> None:
    """It would find a small GPU without having asked for one."""
    ballast = Ballast()
    with ballast.beside(CAPPED, gpu.variables):
        pass
    with subprocess.Popen(
        [sys.executable, "-c", OTHER],
        env={**os.environ, **gpu.variables, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "waits\n"
        assert other.poll() is None
        ballast.close()
        assert other.stdout.readline() == "runs\n"


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [("4096MB", 4096), ("4GB", 4096), ("4g", 4096), ("65536kb", 64), (None, None)],
)
def test_a_cap_is_a_whole_number_of_megabytes(
    text: str | None, megabytes: int | None
) -> None:
    """Powers of 1024, as cnmem's."""
    assert parse_cap(text) == megabytes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("much", "--gpu-memory 'much' is not a size of 64 MB or more, such as 4GB"),
        ("4096", "--gpu-memory '4096' is not a size of 64 MB or more"),
        ("63MB", "--gpu-memory '63MB' is not a size of 64 MB"),
        ("٤GB", "--gpu-memory '٤GB' is not a size of 64 MB"),
        ("-4GB", "--gpu-memory '-4GB' is not a size"),
        ("100000000", "--gpu-memory '100000000' is not a whole number of MB"),
    ],
)
def test_a_bad_cap_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_cap(text)

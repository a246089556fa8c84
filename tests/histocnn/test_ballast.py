"""The ballast process, on a GPU that is a file: what it leaves, when it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import fake_gpu
from tests.conftest import ROOT
from tests.fake_gpu import MB, FakeGpu

CAP = 4096 * MB
CHUNK = 2 * MB

#: Holds so many bytes of the GPU until its stdin closes.
NEIGHBOUR = """
import sys
from histocnn.cuda import Context
with Context() as gpu:
    assert gpu.allocate(int(sys.argv[1]))
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def gpu(tmp_path: Path) -> FakeGpu:
    """24 GB; a context takes 300 MB."""
    return fake_gpu.make(tmp_path / "gpu")


@contextmanager
def started(gpu: FakeGpu, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A Python process on ``gpu``, told to leave at the end."""
    with subprocess.Popen(
        [sys.executable, "-S", *arguments],
        env={**os.environ, **gpu.variables, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.communicate(timeout=60)


def ballast(leave: int = CAP) -> tuple[str, ...]:
    return ("-m", "histocnn.ballast", "--leave", str(leave))


def answer(process: "subprocess.Popen[str]") -> dict[str, int]:
    assert process.stdout is not None
    state: dict[str, int] = json.loads(process.stdout.readline())
    return state


def again(process: "subprocess.Popen[str]") -> dict[str, int]:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)


@contextmanager
def neighbour(gpu: FakeGpu, nbytes: int) -> Iterator[None]:
    with started(gpu, "-c", NEIGHBOUR, str(nbytes)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        yield


def test_a_process_finds_what_is_to_be_left(gpu: FakeGpu) -> None:
    """Beside its context, whose size no interface tells; the rest is held."""
    with started(gpu, *ballast()) as process:
        state = answer(process)
        assert state["total"] == gpu.total
        assert state["context"] == gpu.context
        assert 0 <= state["free"] - gpu.context - CAP < CHUNK
        assert state["held"] + state["free"] + gpu.context == gpu.total
        with neighbour(gpu, CAP):
            pass
    assert process.returncode == 0
    assert not gpu.users


def test_a_neighbour_is_made_room_for_and_followed(gpu: FakeGpu) -> None:
    """The cap holds when one comes, when one goes, and when one was there before."""
    with neighbour(gpu, 5000 * MB), started(gpu, *ballast()) as process:
        before = answer(process)
        with neighbour(gpu, 3000 * MB):
            during = again(process)
            assert during["held"] == before["held"] - 3000 * MB - gpu.context
        after = again(process)
        assert after == before == again(process)
        assert 0 <= after["free"] - gpu.context - CAP < CHUNK


def test_more_than_is_free_is_one_line(gpu: FakeGpu) -> None:
    """It names the figures; so does what no GPU has."""
    with neighbour(gpu, 22000 * MB):
        done = subprocess.run(
            [sys.executable, "-S", *ballast()],
            env={**os.environ, **gpu.variables, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "of the GPU's 24576 MB a process could have 1676 MB, beside CUDA contexts of "
        "300 MB, its own and the ballast's\n"
    )
    assert not gpu.users


def test_a_neighbour_that_takes_too_much_later_ends_it_with_that_line(
    gpu: FakeGpu,
) -> None:
    """Whoever started it then knows that the cap does not hold."""
    half = 12000 * MB
    with started(gpu, *ballast(half)) as process:
        answer(process)
        with neighbour(gpu, half):
            printed, said = process.communicate("\n", timeout=60)
    assert not printed
    assert said.startswith("of the GPU's 24576 MB a process could have 11676 MB")
    assert process.returncode == 1


def test_without_a_driver_it_says_so() -> None:
    """One line, no traceback."""
    done = subprocess.run(
        [sys.executable, "-S", *ballast()],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HISTOCNN_FAKE_GPU": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 or "no NVIDIA driver" not in done.stderr:
        pytest.skip("there is a driver here")
    assert len(done.stderr.splitlines()) == 1


def test_it_dies_with_its_parent(gpu: FakeGpu) -> None:
    """Even by SIGKILL, and where somebody else still has the other end of its stdin."""
    script = (
        "import os, subprocess, sys\n"
        "parent = ['--parent', str(os.getpid())]\n"
        "command = [sys.executable, '-S', *sys.argv[1:], *parent]\n"
        "child = subprocess.Popen(command, stdin=0, stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with started(gpu, "-c", script, *ballast()) as parent:
        assert parent.stdout is not None
        answer(parent)
        pid = int(parent.stdout.readline())
        assert pid in gpu.users
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 20
        while pid in gpu.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert pid not in gpu.alive()

"""`pytest benchmarks/test_frontier.py` on a GPU that is a file, as its users type it.

Workers take memory of it in proportion to a step's pixels, and the ballast is the real
one, so that the frontier is where arithmetic has it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports import frontiers
from tests import fake_gpu
from tests.conftest import ROOT, Pytest
from tests.fake_gpu import MB, FakeGpu
from tests.fake_worker import VARIABLE, Behaviour, fake_python

PER_PIXEL = 700  # bytes
FRONTIER = (
    *("benchmarks/test_frontier.py", "--engines", "torch", "--devices", "cuda"),
    *("--sizes", "32,64", "--cnmem", "grow"),
)


@dataclass(frozen=True)
class Session:
    """Runs of pytest in a folder, with a GPU and workers that are none."""

    folder: Path
    gpu: FakeGpu

    def start(
        self, *arguments: str, behaviour: Behaviour | None = None
    ) -> "subprocess.Popen[str]":
        behaviour = behaviour or Behaviour(gpu_bytes_per_pixel=PER_PIXEL)
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
                *arguments,
                *("--interpreter", f"torch-cuda={fake_python(self.folder)}"),
                f"--journal={self.folder / 'journals'}",
                f"--benchmark-json={self.folder / 'run.json'}",
            ],
            cwd=ROOT,
            env={
                **os.environ,
                **self.gpu.variables,
                "HISTOCNN_CACHE": str(self.folder / "cache"),
                VARIABLE: msgspec.json.encode(behaviour).decode(),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *arguments: str, behaviour: Behaviour | None = None
    ) -> tuple[int, str]:
        with self.start(*arguments, behaviour=behaviour) as process:
            printed, _ = process.communicate(timeout=300)
        assert not self.gpu.users  # the ballast is gone, however it ended
        return process.returncode, printed

    def saved(self, what: str = "benchmarks") -> list[dict[str, Any]]:
        document = json.loads((self.folder / "run.json").read_text())
        return list(document.get(what, []))

    def outcomes(self) -> list[dict[str, Any]]:
        return self.saved("outcomes")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """On a GPU of 24 GB."""
    return Session(tmp_path, fake_gpu.make(tmp_path / "gpu"))


def test_the_frontier_of_a_small_card_is_found_on_a_large_one(session: Session) -> None:
    """By some six probes a case; both sides of it were run and are saved."""
    code, printed = session.run(*FRONTIER, "--gpu-memory", "1GB")
    assert code == 0, printed
    cases = session.saved()
    assert [case["name"] for case in cases] == [
        f"test_largest_batch[torch-cuda-{size}px-cnmemgrow-of1024MB]"
        for size in (32, 64)
    ]
    for case in cases:
        found = case["extra_info"]["frontier"]
        size, largest = found["job"]["size"], found["largest"]
        edge = (1024 + 2) * MB // (PER_PIXEL * size**2)  # within a chunk of the ballast
        assert largest <= edge <= found["smallest_refused"] <= largest * 17 / 16
        assert found["gpu_memory"] == found["job"]["gpu_memory"] == 1024
        assert found["refused"]["asked_bytes"] > 1024 * MB
        assert found["refused"]["free_bytes"] == pytest.approx(1024 * MB, rel=0.01)
        assert 5 <= len(found["probes"]) <= 8
        tried = {each["batch"]: each for each in found["probes"]}
        assert case["stats"]["data"] == [tried[largest]["seconds"]]
        assert not tried[found["smallest_refused"]]["fits"]
        assert f"batch {largest:,} trains" in printed
        assert found["measurement"]["launches"]


def test_without_a_cap_it_is_the_whole_gpus(session: Session) -> None:
    """No ballast; the most that is tried ends the search."""
    code, printed = session.run(
        *FRONTIER, behaviour=Behaviour(gpu_bytes_per_pixel=PER_PIXEL // 4)
    )
    assert code == 0, printed
    small, large = [case["extra_info"]["frontier"] for case in session.saved()]
    assert small["largest"] == 65536
    assert small["smallest_refused"] is None
    assert small["refused"] is None
    assert "batch 65,536 trains" in printed
    assert "the most that is tried here" in printed
    edge = (24576 - 300) * MB // (PER_PIXEL // 4 * 64**2)
    assert large["largest"] <= edge < large["smallest_refused"]
    assert large["gpu_memory"] is None


@pytest.mark.parametrize("sizes", ["64", "32,64"])
def test_that_not_one_image_trains_is_a_result(session: Session, sizes: str) -> None:
    """It has no time, and is saved with what was asked and free: alone, or beside."""
    code, printed = session.run(
        *(*FRONTIER, "--sizes", sizes, "--gpu-memory", "64MB"),
        behaviour=Behaviour(gpu_bytes_per_pixel=20_000),
    )
    assert code == 0, printed
    nothing = "nothing trains, not even a batch of 1: out of memory: RuntimeError: out"
    assert f"torch-cuda-64px-cnmemgrow-of64MB: {nothing}" in printed
    assert "Traceback" not in printed
    timed = [case["extra_info"]["frontier"] for case in session.saved()]
    assert [found["largest"] for found in timed] == ([3] if sizes == "32,64" else [])
    (outcome,) = session.outcomes()
    assert outcome["name"] == "test_largest_batch[torch-cuda-64px-cnmemgrow-of64MB]"
    assert outcome["params"]["size"] == 64
    assert outcome["launched"] == {"launcher": "local", "interpreter": "own"}
    assert outcome["outcome"]["kind"] == "out-of-memory"
    assert outcome["outcome"]["message"].startswith(nothing)
    found = outcome["frontier"]
    assert (found["largest"], found["smallest_refused"]) == (0, 1)
    assert found["refused"]["asked_bytes"] == 20_000 * 64**2
    assert found["refused"]["free_bytes"] == pytest.approx(64 * MB, rel=0.1)
    assert found["probes"][-1]["batch"] == found["job"]["batch"] == 1
    assert not any(each["fits"] for each in found["probes"])
    read = frontiers.untimed(msgspec.Raw(json.dumps(outcome).encode()))
    assert read is not None
    assert (read.largest, read.refused, read.probes) == (0, 1, len(found["probes"]))


def test_a_trial_in_which_nothing_trains_saves_nothing(session: Session) -> None:
    """As any with --benchmark-disable."""
    code, printed = session.run(
        *(*FRONTIER, "--sizes", "64", "--gpu-memory", "64MB", "--benchmark-disable"),
        behaviour=Behaviour(gpu_bytes_per_pixel=20_000),
    )
    assert code == 0, printed
    assert "nothing trains, not even a batch of 1" in printed
    assert not (session.folder / "run.json").exists()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("unsupported", "as it was told to; another engine has it"),
        ("did-not-train", "it did not train"),
        ("SIGSEGV", "the worker died (signal"),
        ("out-of-memory", "the host, not the GPU, ran out of memory: MemoryError: as"),
    ],
)
def test_any_other_outcome_fails_the_case(
    session: Session, fault: str, message: str
) -> None:
    """Only a want of the GPU's memory makes a batch too large; the next one goes on."""
    code, printed = session.run(
        *(*FRONTIER, "--gpu-memory", "1GB"),
        behaviour=Behaviour(gpu_bytes_per_pixel=PER_PIXEL, faults={"32px": fault}),
    )
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in printed
    assert f"torch-cuda-32px-cnmemgrow-of1024MB: batch 819: {message}" in printed


def test_a_cap_that_cannot_be_had_is_a_line(session: Session) -> None:
    """More than the card has: before anything; more than is free: each case says so."""
    code, printed = session.run(*FRONTIER, "--gpu-memory", "90GB")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "'90GB': the GPU has 24,576 MB in all; ask for less" in printed
    code, printed = session.run(*FRONTIER, "--gpu-memory", "24500MB")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "--gpu-memory 24500MB cannot be had: of the GPU's 24576 MB" in printed
    assert "Traceback" not in printed


def test_the_ballast_dies_with_the_suite(session: Session) -> None:
    """By SIGKILL, in the midst of a launch; the GPU is whole again at once."""
    process = session.start(
        *(*FRONTIER, "--gpu-memory", "1GB"),
        behaviour=Behaviour(gpu_bytes_per_pixel=PER_PIXEL, delay=0.5),
    )
    deadline = time.monotonic() + 60
    while len(session.gpu.users) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    while session.gpu.alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not session.gpu.alive()


def test_cases_of_the_grid_run_under_a_cap_too(session: Session) -> None:
    """Job, id and outcome say so; the one that needs more is out of memory."""
    code, printed = session.run(
        *("benchmarks/test_train.py", "--engines", "torch", "--devices", "cuda"),
        *("--sizes", "32", "--batches", "10,300", "--cnmem", "grow"),
        *("--launches", "1", "--gpu-memory", "128MB"),
    )
    assert code == pytest.ExitCode.TESTS_FAILED, printed
    (case,) = session.saved()
    assert case["name"] == "test_train[torch-cuda-32px-b10-cnmemgrow-of128MB]"
    assert case["extra_info"]["job"]["gpu_memory"] == 128
    (outcome,) = session.outcomes()
    assert outcome["job"]["gpu_memory"] == 128
    assert outcome["outcome"]["kind"] == "out-of-memory"
    assert outcome["outcome"]["short"]["asked_bytes"] == 300 * 32**2 * PER_PIXEL


def test_engines_beside_their_peers_run_under_a_cap_too(session: Session) -> None:
    """Both set-ups, by their jobs."""
    code, printed = session.run(
        *("benchmarks/test_peers.py", "--engines", "torch", "--devices", "cuda"),
        *("-k", "32-10", "--launches", "1", "--rounds", "1", "--gpu-memory", "1GB"),
        behaviour=Behaviour(),
    )
    assert code == 0, printed
    (case,) = session.saved()
    measured = case["extra_info"]["by_turns"].values()
    assert [each["job"]["gpu_memory"] for each in measured] == [1024, 1024]


@pytest.mark.parametrize(
    "selected",
    [
        ("benchmarks/test_peers.py", "--devices", "cpu"),
        ("benchmarks/test_overhead.py",),
        ("benchmarks/test_load.py", "-k", "copy and cuda"),
    ],
)
def test_a_cap_that_no_selected_case_heeds_is_a_line(
    run_pytest: Pytest, selected: tuple[str, ...]
) -> None:
    """Before anything runs, whichever file the cases are of."""
    done = run_pytest(*selected, "--gpu-memory", "4GB")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith("ERROR: --gpu-memory is for GPU cases, and none is selected")
    assert "passed" not in done.stdout


def test_it_runs_only_where_its_file_is_named(run_pytest: Pytest) -> None:
    """Without a GPU its cases are skipped, with a reason."""
    listed = run_pytest("benchmarks", "--collect-only", "-q")
    assert "test_largest_batch" not in listed.stdout

"""A driver that never answers is given up, once, and nobody opens it any more."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import driver
from benchmarks.launchers import Settings, docker
from histocnn.job import Job
from tests import fake_gpu
from tests.conftest import ROOT

#: All who open the driver in a session, and the seconds that they take together.
ASKED = """
import json, sys, time
from benchmarks import doctor, driver, gpu_facts, gpu_memory, gpu_needs
driver.PATIENCE = float(sys.argv[1])
began = time.monotonic()
facts = gpu_facts.read()
told = {
    "silence": driver.silence(),
    "problem": facts.problem,
    "gpus": len(facts.gpus),
    "doctor": [finding.found for finding in doctor.gpu()],
    "unusable": gpu_needs.unusable(facts, {"CUDA_VISIBLE_DEVICES": "GPU-zzz"}),
    "uuids": gpu_needs.uuids(0),
    "doubt": gpu_memory.doubt({}),
    "read": gpu_memory.read({}) is not None,
    "sentinel": gpu_memory.find({}) is not None,
}
print(json.dumps(told | {"seconds": time.monotonic() - began}))
"""
SAID = (
    "the NVIDIA driver gave no answer in 1 s; restart the machine, and look for its "
    "messages (dmesg) where that does not help"
)


def asked(gpu: fake_gpu.FakeGpu, patience: float = 30.0) -> dict[str, Any]:
    """What `ASKED` tells beside ``gpu``; a hang in it is an error of the test."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASKED, str(patience)],
        cwd=ROOT,
        env=gpu.variables,
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("how", ["SILENT", "STUCK"])
def test_a_driver_that_hangs_is_told_in_a_line(tmp_path: Path, how: str) -> None:
    """Nobody hangs with it, and all of them wait for it once."""
    told = asked(fake_gpu.make(tmp_path / "gpu", driver=how), 1.0)
    assert told.pop("seconds") < 10
    assert told == {
        "silence": SAID,
        "problem": SAID,
        "gpus": 0,
        "doctor": [f"none: {SAID}"],
        "unusable": f"no NVIDIA GPU answers: {SAID}",
        "uuids": None,
        "doubt": None,
        "read": False,
        "sentinel": False,
    }


def test_a_driver_that_answers_is_opened(tmp_path: Path) -> None:
    told = asked(fake_gpu.make(tmp_path / "gpu"))
    assert (told["silence"], told["problem"], told["gpus"]) == (None, None, 1)
    assert told["read"]
    assert told["sentinel"]


def test_one_that_refuses_says_so_itself(tmp_path: Path) -> None:
    """To be told that none is loaded is an answer."""
    gpu = fake_gpu.make(tmp_path / "gpu")
    (gpu.folder / "gpu").unlink()
    told = asked(gpu)
    assert told["silence"] is None
    assert told["problem"].startswith("the NVIDIA driver is not loaded")


def test_without_its_library_no_process_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        pytest.fail("it was")

    monkeypatch.setattr(driver, "_LIBRARY", "libno-such.so.1")
    monkeypatch.setattr(subprocess, "Popen", fail)
    assert driver.silence.__wrapped__() is None


def test_who_cannot_be_killed_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an uninterruptible sleep; it is kept, so that Python does not complain."""

    def hang(seconds: float) -> None:
        raise subprocess.TimeoutExpired("", seconds)

    process = SimpleNamespace(wait=hang, kill=lambda: None)
    monkeypatch.setattr(driver, "_LIBRARY", "libc.so.6")
    monkeypatch.setattr(driver, "_stuck", [])
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: process)
    began = time.monotonic()
    said = driver.silence.__wrapped__()
    assert said is not None
    assert said.startswith("the NVIDIA driver gave no answer in 30 s; restart")
    assert time.monotonic() - began < 5
    assert driver._stuck == [process]


@pytest.mark.parametrize("settings", [Settings(), Settings(image="mine")])
def test_no_container_is_started_beside_it(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Which the engine could not end either; on another machine it is not asked."""
    engine = SimpleNamespace(info=lambda: {"Runtimes": {"nvidia": {}}})
    monkeypatch.setattr(docker, "_engine", lambda host: engine)
    monkeypatch.setattr(docker.Launcher, "_check_image", lambda self, job: None)
    monkeypatch.setattr(driver, "silence", lambda: SAID)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    launcher, job = docker.Launcher(settings), Job("torch", "cuda", 32, 10, "0", 1)
    assert launcher.missing(job) == f"no NVIDIA GPU answers: {SAID}"
    monkeypatch.setenv("DOCKER_HOST", "tcp://far:2376")
    assert launcher.missing(job) is None

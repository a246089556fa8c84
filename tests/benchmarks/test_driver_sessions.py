"""Sessions beside a driver that is too old: the CPU's cases go on, nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import fake_gpu
from tests.conftest import Pytest
from tests.fake_worker import fake_python

GRID = ("benchmarks/test_train.py", "--sizes", "32", "--batches", "10")
ONCE = ("--launches", "1", "--rounds", "1", "--cores", "1")


@pytest.fixture
def own(tmp_path: Path) -> tuple[str, ...]:
    """Options by which an interpreter of the user's runs an engine without packages."""
    python = fake_python(tmp_path)
    names = ("tensorflow", "tensorflow-cuda")
    return tuple(f"--interpreter={name}={python}" for name in names)


def beside(
    driver: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> fake_gpu.FakeGpu:
    """A GPU with such a driver, which the sessions to come see."""
    gpu = fake_gpu.make(folder / "gpu", driver=driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name, value in gpu.variables.items():
        monkeypatch.setenv(name, value)
    return gpu


def saved(file: Path) -> list[dict[str, Any]]:
    """The cases of a saved file that have a time."""
    return list(json.loads(file.read_text())["benchmarks"])


def test_an_old_driver_skips_the_locked_environments_in_a_line(
    run_pytest: Pytest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Any
) -> None:
    """It lacks what its library is asked for; the CPU's cases are measured."""
    beside("OLD", tmp_path, monkeypatch)
    file = tmp_path / "run.json"
    done = run_pytest(
        *(*GRID, *ONCE, "--engines", "tensorflow", "--devices", "cpu,cuda", own[0]),
        *("--gpu-memory", "4GB", f"--benchmark-json={file}"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "driver 470.82.01 is older than 525.60, which the locked" in done.stdout
    assert "1 passed, 2 skipped" in done.stdout
    assert [case["params"]["device"] for case in saved(file)] == ["cpu"]


def test_with_an_own_interpreter_an_old_driver_is_measured(
    run_pytest: Pytest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Any
) -> None:
    """Whose memory it is, it does not tell."""
    beside("OLD", tmp_path, monkeypatch)
    file = tmp_path / "run.json"
    done = run_pytest(
        *(*GRID, *ONCE, "--engines", "tensorflow", "--devices", "cuda", *own),
        *("--cnmem", "0", f"--benchmark-json={file}"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (case,) = saved(file)
    assert case["params"]["device"] == "cuda"
    (launch,) = case["extra_info"]["launches"]
    gpus = [each["conditions"]["gpu"] for each in launch["rounds"]]
    assert {gpu["foreign_processes"] for gpu in gpus} == {None}

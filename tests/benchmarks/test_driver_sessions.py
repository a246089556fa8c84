"""Sessions beside a driver too old, or that never answers: the CPU's cases go on."""

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


def measured(
    run_pytest: Pytest, folder: Path, *options: str
) -> tuple[str, list[dict[str, Any]]]:
    """What a session that ends well prints, and its cases that have a time."""
    file = folder / "run.json"
    done = run_pytest(
        *(*options, *GRID, *ONCE, "--engines", "tensorflow"),
        f"--benchmark-json={file}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, list(json.loads(file.read_text())["benchmarks"])


def test_an_old_driver_skips_the_locked_environments_in_a_line(
    run_pytest: Pytest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Any
) -> None:
    """It lacks what its library is asked for; the CPU's cases are measured."""
    beside("OLD", tmp_path, monkeypatch)
    options = ("--devices", "cpu,cuda", own[0], "--gpu-memory", "4GB")
    printed, cases = measured(run_pytest, tmp_path, *options)
    assert "driver 470.82.01 is older than 525.60, which the locked" in printed
    assert "1 passed, 2 skipped" in printed
    assert [case["params"]["device"] for case in cases] == ["cpu"]


def test_with_an_own_interpreter_an_old_driver_is_measured(
    run_pytest: Pytest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Any
) -> None:
    """Whose memory it is, it does not tell."""
    beside("OLD", tmp_path, monkeypatch)
    options = ("--devices", "cuda", *own, "--cnmem", "0")
    _, (case,) = measured(run_pytest, tmp_path, *options)
    assert case["params"]["device"] == "cuda"
    (launch,) = case["extra_info"]["launches"]
    gpus = [each["conditions"]["gpu"] for each in launch["rounds"]]
    assert {gpu["foreign_processes"] for gpu in gpus} == {None}


@pytest.mark.parametrize("devices", ["cpu", "cpu,cuda"])
def test_a_driver_that_never_answers_costs_the_gpu_cases_alone(
    run_pytest: Pytest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    own: Any,
    devices: str,
) -> None:
    """It is said above them, and in their skips; the session ends by itself."""
    beside("SILENT", tmp_path, monkeypatch)
    (tmp_path / "impatient.py").write_text(
        "from benchmarks import driver\n\ndriver.PATIENCE = 1.0\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pool = ("--cnmem", "0") if "cuda" in devices else ()
    options = ("-p", "impatient", *own, "--devices", devices, *pool)
    printed, cases = measured(run_pytest, tmp_path, *options)
    said = "the NVIDIA driver gave no answer in 1 s; restart the machine"
    assert f"\n{said}" in printed
    assert (f"no NVIDIA GPU answers: {said}" in printed) == ("cuda" in devices)
    assert [case["params"]["device"] for case in cases] == ["cpu"]

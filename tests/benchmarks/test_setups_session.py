"""Sessions of `benchmarks/test_setups.py`, with workers that answer at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import test_setups as setups
from histocnn.job import Job
from tests.conftest import ROOT
from tests.fake_worker import VARIABLE, Behaviour, fake_python

LAUNCHES = 2
NAMES = list(setups.SETUPS["torch", "cpu"])


def counting_python(folder: Path) -> Path:
    """As `fake_python`; each start adds a line to ``folder``/starts."""
    program = folder / "counting_python"
    command = f'echo >> {folder / "starts"}; exec {fake_python(folder)} "$@"'
    program.write_text(f"#!/bin/sh\n{command}\n")
    program.chmod(0o755)
    return program


def run(folder: Path, behaviour: Behaviour) -> tuple[int, str, int]:
    """PyTorch's set-ups on a CPU: exit code, what was printed, workers started."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("benchmarks/test_setups.py", "--engines", "torch", "--devices", "cpu"),
            *("--launches", str(LAUNCHES), "--rounds", "1", "--repeats", "0"),
            *("--interpreter", f"torch={counting_python(folder)}"),
            f"--journal={folder / 'journals'}",
            f"--benchmark-json={folder / 'run.json'}",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "HISTOCNN_CACHE": str(folder / "cache"),
            VARIABLE: msgspec.json.encode(behaviour).decode(),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    started = len((folder / "starts").read_text().splitlines())
    return done.returncode, done.stdout, started


def test_setups_of_a_case_are_measured_once_for_all_of_their_tests(
    tmp_path: Path,
) -> None:
    """Each saves its own variables beside the measurements of all set-ups."""
    code, printed, started = run(tmp_path, Behaviour())
    assert code == 0, printed
    assert started == LAUNCHES * len(NAMES) * len(setups.SIZES)
    saved = json.loads((tmp_path / "run.json").read_text())["benchmarks"]
    for size in setups.SIZES:
        cases = [case for case in saved if f"-{size}px-" in case["name"]]
        assert [case["params"]["setup"] for case in cases] == NAMES
        first, *others = [case["extra_info"]["by_turns"] for case in cases]
        assert list(first) == NAMES
        assert others == [first] * len(others)
        variables = {
            case["params"]["setup"]: case["extra_info"]["variables"] for case in cases
        }
        assert "OMP_WAIT_POLICY" not in variables["suite"]
        assert variables["passive"]["OMP_WAIT_POLICY"] == "PASSIVE"


def test_why_a_case_was_not_measured_is_found_out_once(tmp_path: Path) -> None:
    """All of its tests fail with it, and the next case is measured."""
    behaviour = Behaviour(faults={"64px": "out-of-memory"})
    code, printed, started = run(tmp_path, behaviour)
    assert code == 1, printed
    assert started == 1 + LAUNCHES * len(NAMES)
    assert printed.count("ERROR benchmarks/test_setups.py") == len(NAMES), printed


@pytest.mark.parametrize("cnmem", ["0", "grow", "1", "async"])
def test_on_a_gpu_the_suites_threads_sleep_and_the_others_spin(cnmem: str) -> None:
    """Nothing else differs."""
    job = Job("torch", "cuda", 64, 20, cnmem, 2)
    spinning, suite = (
        setups.SETUPS["torch", "cuda"][name](job, Path("/cache"))
        for name in ("spinning", "suite")
    )
    assert suite == spinning | {"OMP_WAIT_POLICY": "PASSIVE"}
    assert suite != spinning

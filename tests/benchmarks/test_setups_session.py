"""A session of `benchmarks/test_setups.py`, with workers that answer at once."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec

from tests.conftest import ROOT
from tests.fake_worker import VARIABLE, Behaviour, fake_python

LAUNCHES = 2


def test_setups_of_a_case_are_measured_once_for_all_of_their_tests(
    tmp_path: Path,
) -> None:
    """And each test saves its own beside what the others were measured as."""
    log, target = tmp_path / "log", tmp_path / "run.json"
    behaviour = Behaviour(log=str(log))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("benchmarks/test_setups.py", "--engines", "torch", "--devices", "cpu"),
            *("--launches", str(LAUNCHES), "--rounds", "1", "--repeats", "0"),
            *("--interpreter", f"torch={fake_python(tmp_path)}"),
            f"--benchmark-json={target}",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "HISTOCNN_CACHE": str(tmp_path / "cache"),
            VARIABLE: msgspec.json.encode(behaviour).decode(),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    trained = Counter(line.split()[0] for line in log.read_text().splitlines())
    setups = ["plain", "suite", "passive"]
    assert sorted(trained.values()) == [LAUNCHES * len(setups)] * 2, trained
    for size in (64, 200):
        cases = [
            case
            for case in json.loads(target.read_text())["benchmarks"]
            if f"-{size}px-" in case["name"]
        ]
        assert [case["params"]["setup"] for case in cases] == setups
        by_turns = [case["extra_info"]["by_turns"] for case in cases]
        assert by_turns[0] == by_turns[1] == by_turns[2]
        assert list(by_turns[0]) == setups
        variables = [case["extra_info"]["variables"] for case in cases]
        assert "OMP_WAIT_POLICY" not in variables[1]
        assert variables[2]["OMP_WAIT_POLICY"] == "PASSIVE"

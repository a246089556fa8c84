"""The committed results are whole, and the reporter reads them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "results").rglob("*.json"))


@pytest.fixture(params=FILES, ids=lambda file: str(file.relative_to(ROOT)))
def saved(request: pytest.FixtureRequest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(request.param.read_text())
    return content


def test_there_are_results() -> None:
    assert FILES


def test_a_file_says_how_and_on_what_it_was_measured(saved: dict[str, Any]) -> None:
    assert "benchmarks/test_" in saved["command"]
    assert saved["machine_info"]["fingerprint"]["hard"]
    assert re.fullmatch("[0-9a-f]{40}", saved["commit_info"]["id"])
    assert saved["commit_info"]["dirty"] is False


def test_every_case_has_its_rounds_and_its_pool(saved: dict[str, Any]) -> None:
    """Raw seconds, and on a GPU what the memory pool was found to be."""
    assert saved["benchmarks"]
    for case in saved["benchmarks"]:
        launches = case["extra_info"]["launches"]
        counted = [
            each["seconds"]
            for launch in launches
            for each in launch["rounds"]
            if each["counts"]
        ]
        assert case["stats"]["data"] == counted
        for launch in launches:
            on_gpu = case["params"]["device"] == "cuda"
            assert (launch["gpu_memory"] is not None) == on_gpu


def test_nothing_in_them_names_a_folder_of_the_machine(saved: dict[str, Any]) -> None:
    folders = re.findall(r"/(?:home|root|tmp|work|mnt|opt)/[^\"]*", json.dumps(saved))
    assert not folders


def test_the_reporter_reads_all_of_a_machine_together() -> None:
    for folder in {file.parent for file in FILES}:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "reports", "speedup"),
                *sorted(folder.glob("*.json")),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"from {len(list(folder.glob('*.json')))} files" in done.stdout


def test_the_readme_names_every_file() -> None:
    """With the command that measured it."""
    text = Path(ROOT, "results", "README.md").read_text()
    for file in FILES:
        assert f"`{file.name}`" in text

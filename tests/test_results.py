"""The committed results are whole, and the reporter reads them."""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "results").rglob("*.json"))
#: Of `benchmarks/test_frontier.py` and `benchmarks/test_setups.py`; the rest is of
#: training cases.
FRONTIERS = [file for file in FILES if "-frontier-" in file.name]
SETUPS = [file for file in FILES if file.parent.name.endswith("-setups")]
TIMED = [file for file in FILES if file not in [*FRONTIERS, *SETUPS]]


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text())
    return content


@pytest.fixture(params=FILES, ids=_name)
def saved(request: pytest.FixtureRequest) -> dict[str, Any]:
    return _read(request.param)


def test_there_are_results() -> None:
    assert TIMED
    assert FRONTIERS
    assert SETUPS


def test_a_file_says_how_and_on_what_it_was_measured(saved: dict[str, Any]) -> None:
    assert "benchmarks/test_" in saved["command"]
    assert saved["machine_info"]["fingerprint"]["hard"]
    assert re.fullmatch("[0-9a-f]{40}", saved["commit_info"]["id"])
    assert saved["commit_info"]["dirty"] is False


@pytest.mark.parametrize("file", TIMED, ids=_name)
def test_every_case_has_its_rounds_and_its_pool(file: Path) -> None:
    """Raw seconds, and on a GPU what the memory pool was found to be."""
    saved = _read(file)
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


@pytest.mark.parametrize("file", SETUPS, ids=_name)
def test_setups_hold_all_that_was_measured_by_turns(file: Path) -> None:
    """A case's times are its set-up's: of each launch the median of what counts."""
    for case in _read(file)["benchmarks"]:
        by_turns = case["extra_info"]["by_turns"]
        medians = [
            statistics.median(
                each["seconds"] for each in launch["rounds"] if each["counts"]
            )
            for launch in by_turns[case["params"]["setup"]]["launches"]
        ]
        assert case["stats"]["data"] == pytest.approx(medians)
        launches = {len(each["launches"]) for each in by_turns.values()}
        assert launches == {len(medians)}


def test_nothing_in_them_names_a_folder_of_the_machine(saved: dict[str, Any]) -> None:
    folders = re.findall(r"/(?:home|root|tmp|work|mnt|opt)/[^\"]*", json.dumps(saved))
    assert not folders


@pytest.mark.parametrize("file", FRONTIERS, ids=_name)
def test_every_frontier_has_what_was_tried(file: Path) -> None:
    """The largest batch trained and the next did not; or none did, and it says why."""
    saved = _read(file)
    found = [each["extra_info"]["frontier"] for each in saved["benchmarks"]]
    for each in found:
        fits = {probe["batch"]: probe["fits"] for probe in each["probes"]}
        assert fits[each["largest"]] is True
        assert fits[each["smallest_refused"]] is False
        assert each["refused"]["message"]
    refused = saved.get("outcomes", [])
    for each in refused:
        assert each["outcome"]["kind"] == "out-of-memory"
        assert each["outcome"]["short"]["asked_bytes"]
    assert found or refused


@pytest.mark.parametrize(
    ("view", "files"), [("speedup", TIMED), ("frontier", FRONTIERS)]
)
def test_the_reporter_reads_all_of_a_machine_together(
    view: str, files: list[Path]
) -> None:
    for folder in {file.parent for file in files}:
        names = [str(file) for file in files if file.parent == folder]
        done = subprocess.run(
            [sys.executable, "-m", "reports", view, *names],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        told = f"{len(names)} files" if len(names) > 1 else names[0]
        assert f"from {told}" in done.stdout


def test_the_readme_names_every_file() -> None:
    """With the command that measured it, and the folder where it is not `h100`."""
    text = Path(ROOT, "results", "README.md").read_text()
    for file in FILES:
        folder = file.parent.name
        name = file.name if folder == "h100" else f"{folder}/{file.name}"
        assert re.search(f"`(../)?{re.escape(name)}`", text), name

"""All engines train for real, and what is saved is what the workers measured."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks import launchers
from histocnn import engines as all_engines
from histocnn.job import Job
from tests.conftest import ROOT

ENGINES = all_engines.names()
LAUNCHES, ROUNDS, IMAGES = 2, 3, 40


def job(engine: str) -> Job:
    """The case that is trained here: one step an epoch, so that order is no matter."""
    return Job(engine, "cpu", 32, IMAGES, None, 1, IMAGES)


@pytest.fixture(scope="module")
def engines() -> list[str]:
    """Those that this machine can run; Theano needs a compiler."""
    local = launchers.get("local")
    found = [name for name in ENGINES if local.missing(job(name)) is None]
    if not found:
        pytest.skip("no engine can run here")
    return found


@pytest.fixture(scope="module")
def session(
    engines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """One small run of `pytest benchmarks`: the file it saved, and what it printed.

    It uses the checkout's own cache, in which Theano's compiled code lasts.
    """
    folder = tmp_path_factory.mktemp("session")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/test_train.py"),
            *("--engines", ",".join(engines), "--sizes", "32", "--cores", "1"),
            *("--images", str(IMAGES), "--batches", str(IMAGES)),
            *("--launches", str(LAUNCHES), "--rounds", str(ROUNDS), "--repeats", "0"),
            f"--benchmark-json={folder / 'run.json'}",
            f"--benchmark-storage=file://{folder / 'storage'}",
            f"--journal={folder / 'journals'}",
            "--benchmark-autosave",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "run.json", done.stdout


@pytest.fixture(scope="module")
def cases(session: tuple[Path, str]) -> dict[str, dict[str, Any]]:
    """The saved benchmarks by engine."""
    saved = json.loads(session[0].read_text())
    return {case["params"]["engine"]: case for case in saved["benchmarks"]}


def test_the_saved_rounds_are_the_workers_to_the_last_bit(
    cases: dict[str, dict[str, Any]], engines: list[str]
) -> None:
    """Statistics hold no transport: `data` is the launches' seconds, in order."""
    assert sorted(cases) == sorted(engines)
    for case in cases.values():
        launches = case["extra_info"]["launches"]
        rounds = [round_ for launch in launches for round_ in launch["rounds"]]
        seconds = [round_["seconds"] for round_ in rounds if round_["counts"]]
        assert case["stats"]["data"] == seconds
        assert case["stats"]["rounds"] == len(seconds)
        assert [len(launch["rounds"]) for launch in launches] == [ROUNDS] * LAUNCHES


def test_a_case_says_what_it_was(cases: dict[str, dict[str, Any]]) -> None:
    """Axes as parameters of their own; the whole job beside the launches."""
    for engine, case in cases.items():
        assert case["name"] == f"test_train[{engine}-cpu-32px-b{IMAGES}-cores1]"
        assert case["group"] == "train"
        assert case["params"] == {
            **{"engine": engine, "device": "cpu", "size": 32, "batch": IMAGES},
            **{"cnmem": None, "cores": 1, "loop": "fit", "precision": "float32"},
            "machine": None,
        }
        assert case["extra_info"]["job"] == {
            **case["params"],
            **{"images": IMAGES, "dataset": "tissue", "seed": 0},
            "gpu_memory": None,
        }
        (launch, *_) = case["extra_info"]["launches"]
        assert launch["gpu_memory"] is None


def test_the_file_says_how_it_was_asked_for(session: tuple[Path, str]) -> None:
    """The command without the folders of this machine's user."""
    command = json.loads(session[0].read_text())["command"]
    assert command.startswith("pytest benchmarks/test_train.py --engines ")
    assert f"--launches {LAUNCHES} --rounds {ROUNDS}" in command
    assert str(Path.home()) not in command


def test_each_launch_trained_and_says_where_its_time_went(
    cases: dict[str, dict[str, Any]],
) -> None:
    """Loss falls, weights move, phases take time, memory is the process's own."""
    for case in cases.values():
        for launch in case["extra_info"]["launches"]:
            losses = [launch["warm_up"]["loss"]]
            losses += [epoch["loss"] for epoch in launch["rounds"]]
            assert losses[-1] < losses[0] < 1
            assert launch["weights_moved"] > 0
            phases = launch["phases"]
            assert phases.pop("audit_seconds") == 0  # a CPU has no pool to read back
            assert all(seconds > 0 for seconds in phases.values())
            assert phases["first_seconds"] >= launch["warm_up"]["seconds"]
            assert 50e6 < launch["peak_rss_bytes"] < 5e9
            assert launch["notes"] == []
            for epoch in launch["rounds"]:
                assert epoch["compilations"] == 0
                assert epoch["images_per_second"] == pytest.approx(
                    IMAGES / epoch["seconds"]
                )
                assert 0 <= epoch["accuracy"] <= 1


def test_cores_are_read_back(cases: dict[str, dict[str, Any]]) -> None:
    """One CPU of this machine's, one thread of the engine's, BLAS with one too."""
    for case in cases.values():
        for launch in case["extra_info"]["launches"]:
            cores = launch["cores"]
            assert len(cores["affinity"]) == 1
            assert set(cores["affinity"]) <= os.sched_getaffinity(0)
            assert cores["engine_threads"] == 1
            assert {pool["threads"] for pool in cores["pools"]} == {1}


def test_versions_are_the_pinned_ones(cases: dict[str, dict[str, Any]]) -> None:
    """The paper's stack is Theano 1.0.5 under Keras 2.3.1."""
    for engine, case in cases.items():
        for launch in case["extra_info"]["launches"]:
            if engine == "theano":
                assert launch["versions"]["theano"] == "1.0.5"
                assert launch["versions"]["keras"] == "2.3.1"
            else:
                assert launch["versions"]["keras"].startswith("3.")


def test_engines_follow_one_another_in_float32(
    cases: dict[str, dict[str, Any]],
) -> None:
    """Same weights, same images: the losses of four Adam steps agree to 1e-4."""
    if len(cases) < 2:
        pytest.skip("only one engine can run here")
    paths = []
    for case in cases.values():
        launch = case["extra_info"]["launches"][0]
        epochs = [launch["warm_up"], *launch["rounds"]]
        paths.append([epoch["loss"] for epoch in epochs])
    for path in paths[1:]:
        assert path == pytest.approx(paths[0], rel=1e-4)


def test_the_same_seed_trains_the_same(cases: dict[str, dict[str, Any]]) -> None:
    """Two launches differ in time alone."""
    for case in cases.values():
        first, second = (
            [epoch["loss"] for epoch in launch["rounds"]]
            for launch in case["extra_info"]["launches"]
        )
        assert first == pytest.approx(second, rel=1e-6)


def test_progress_is_plain_lines_where_there_is_no_terminal(
    session: tuple[Path, str], engines: list[str]
) -> None:
    """One a launch, and one a case: what came of it."""
    lines = session[1].splitlines()
    launches = [line for line in lines if ", launch " in line]
    cases = [line for line in lines if line.startswith("[")]
    assert len(launches) == LAUNCHES * len(engines)
    assert all(line.endswith(" left") for line in launches)
    assert len(cases) == len(engines)
    assert " s/epoch (2 launches), " in cases[-1]
    assert cases[-1].endswith(", done")


def test_nothing_saved_names_the_user_or_the_machine(
    session: tuple[Path, str],
) -> None:
    """A result may be shown to anyone."""
    text = session[0].read_text()
    assert "node" not in json.loads(text)["machine_info"]
    assert str(Path.home()) not in text


def test_pytest_benchmark_compares_the_saved_runs(session: tuple[Path, str]) -> None:
    """Its own command reads our storage as any other."""
    storage = session[0].parent / "storage"
    command = Path(sys.executable).with_name("pytest-benchmark")
    done = subprocess.run(
        [command, f"--storage=file://{storage}", "compare", "0001"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"-cpu-32px-b{IMAGES}-cores1]" in done.stdout


def test_a_run_is_compared_with_another_machines(
    session: tuple[Path, str], engines: list[str]
) -> None:
    """`--benchmark-compare` warns that the machines differ, and goes on."""
    # pytest-benchmark itself breaks on a storage outside the folder it runs in.
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        shutil.copytree(session[0].parent / "storage", folder, dirs_exist_ok=True)
        (saved,) = Path(folder).rglob("0001_*.json")
        document = json.loads(saved.read_text())
        document["machine_info"]["cpu"]["brand_raw"] = "another processor"
        saved.write_text(json.dumps(document))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "benchmarks/test_train.py"),
                *("--engines", engines[0], "--sizes", "32", "--cores", "1"),
                *("--images", str(IMAGES), "--batches", str(IMAGES)),
                *("--launches", "1", "--rounds", "1", "--benchmark-compare=0001"),
                f"--journal={folder}",
                f"--benchmark-storage=file://{Path(folder).name}",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "machine_info is different" in done.stdout + done.stderr
    assert f"[{engines[0]}-cpu-32px-b{IMAGES}-cores1] (0001_" in done.stdout


def test_the_reporter_reads_the_saved_run(
    session: tuple[Path, str], engines: list[str]
) -> None:
    """`python -m reports speedup` on it prints a row for each engine."""
    done = subprocess.run(
        [*(sys.executable, "-m", "reports", "speedup"), str(session[0])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for engine in engines:
        assert any(line.startswith(engine) for line in done.stdout.splitlines())


def test_benchmark_disable_is_one_round_of_one_launch(engines: list[str]) -> None:
    """As its users expect, the case still runs, once, and nothing is saved."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/test_train.py"),
            *("--engines", engines[-1], "--sizes", "32", "--cores", "1"),
            *("--images", "40", "--batches", "10", "--benchmark-disable"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "Name (time in" not in done.stdout

"""`pytest benchmarks` as its users type it: dry runs, bad input, skips."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import gpu_facts
from tests.conftest import ROOT, Pytest

DRY = ("benchmarks", "--collect-only", "-q")


def test_collect_only_is_the_dry_run(run_pytest: Pytest) -> None:
    """It lists the cases by readable ids, and measures nothing."""
    done = run_pytest(*DRY, "--engines", "theano", "--sizes", "64", "--batches", "20")
    assert done.returncode == 0
    case = "benchmarks/test_train.py::test_train[theano-cpu-64px-b20-cores"
    assert [line for line in done.stdout.splitlines() if "test_train" in line] == [
        f"{case}2]",
        f"{case}1]",
    ]


def test_help_names_every_option_and_what_there_is(run_pytest: Pytest) -> None:
    """Engines, datasets, launchers and presets are listed from their folders."""
    text = run_pytest("--help").stdout
    for option in (
        *("grid", "engines", "devices", "sizes", "batches", "cnmem", "cores"),
        *("loops", "precision-mode", "images", "launches", "rounds"),
        *("dataset", "launcher", "timeout", "gpu-memory"),
    ):
        assert f"--{option}=" in text
    assert "glas, synthetic, tissue" in text
    assert "quick, paper" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--grid huge", "unknown grid 'huge'; there are: quick, paper"),
        ("--engines caffe", "unknown engine 'caffe'; there are: jax, tensorflow"),
        ("--devices tpu", "unknown device 'tpu'; there are: cpu, cuda"),
        ("--sizes huge", "--sizes: 'huge' is not a whole number from 1 up"),
        ("--sizes 21", "size=21 px is too small"),
        ("--batches 0", "--batches: '0' is not a whole number"),
        ("--batches 500", "batch=500 is larger than images=300; lower --batches or"),
        ("--cnmem=-1", "cnmem='-1' is not a memory pool"),
        ("--cnmem nan", "cnmem='nan' is not a memory pool"),
        ("--cnmem lots", "cnmem='lots' is not a memory pool"),
        ("--loops scan", "unknown loop 'scan'; there are: fit, fused, peer"),
        ("--loops fit,fit", "--loops names a value twice: fit,fit"),
        ("--precision-mode half", "unknown precision 'half'; there are: float32, tf32"),
        ("--precision-mode tf32,", "--precision-mode 'tf32,' has an empty value"),
        ("--engines theano --precision-mode bfloat16", "theano has no bfloat16"),
        ("--engines jax --precision-mode tf32", "engine jax cannot run here: tf32 is"),
        ("--engines tensorflow --loops peer", "tensorflow has no peer written by ha"),
        ("--cores 0", "--cores: '0' is not a whole number from 1 up"),
        ("--cores 9999", "cores=9999: this machine lends 1 to"),
        ("--dataset imagenet", "unknown dataset 'imagenet'; there are: glas"),
        ("--dataset glas", "dataset glas needs its folder"),
        ("--dataset glas:/no/such", "GlaS folder /no/such: No such file"),
        ("--dataset tissue --images 5000 --batches 10", "images=5000: dataset tissue"),
        ("--launcher ray --budget 60", "--budget shares out the time of one machine"),
        ("--launcher moon", "unknown launcher 'moon'; there are: docker, local"),
        ("--timeout 0", "--timeout: '0' is not a number of seconds above 0"),
        ("--timeout nan", "--timeout: 'nan' is not a number of seconds above 0"),
        ("--timeout inf", "--timeout: 'inf' is not a number of seconds above 0"),
        ("--timeout soon", "--timeout: 'soon' is not a number of seconds above 0"),
        ("--budget 0", "--budget: '0' is no time above 0, up to a week; write seconds"),
        ("--budget=-1", "--budget: '-1' is no time above 0"),
        ("--budget nan", "--budget: 'nan' is no time above 0"),
        ("--budget inf", "--budget: 'inf' is no time above 0"),
        ("--budget soon", "--budget: 'soon' is no time above 0"),
        ("--budget 10d", "--budget: '10d' is no time above 0"),
        ("--budget 9999h", "--budget: '9999h' is no time above 0, up to a week"),
        ("--launches 99999999999999", "--launches: '99999999999999' is not a whole"),
        ("--sizes ١٢٨", "--sizes: '١٢٨' is not a whole number"),
        ("--benchmark-json=/no/such/run.json", "there is no folder /no/such; make"),
        ("--benchmark-json=/tmp", "--benchmark-json: /tmp is a folder; name a file in"),
        ("--benchmark-json=/proc/run.json", "/proc/run.json cannot be written: No suc"),
        (
            "--benchmark-autosave --benchmark-storage=/proc/x",
            "--benchmark-autosave: nothing can be saved in /proc/x: No such file or di",
        ),
        ("--benchmark-histogram=/tmp/h", "needs the package pygal, which is not inst"),
        ("--journal=", "--journal: '' is no folder; name one, or leave the option out"),
        ("--launches 1 --time-cap 5", "--launches fixes their number, --time-cap ends"),
        ("--devices cpu --cnmem 0.5", "--cnmem is for GPU cases, and --devices asks f"),
        ("--collect-only --gpu-memory 4GB", "--gpu-memory is for GPU cases, and none"),
        ("--gpu-memory lots", "--gpu-memory 'lots' is not a size of 64 MB or more"),
        ("--gpu-memory 4GB", "--gpu-memory is for GPU cases, and none is selected"),
        ("--memory-limit 4GB", "the local launcher sets no memory limit"),
        ("--launcher docker --memory-limit x", "--memory-limit 'x' is not a size"),
    ],
)
def test_bad_input_ends_before_anything_is_measured(
    run_pytest: Pytest, arguments: str, message: str
) -> None:
    """One line, pytest's exit code for a wrong command line, no traceback."""
    done = run_pytest("benchmarks/test_train.py", *arguments.split())
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert len(lines) == 1
    assert lines[0].startswith("ERROR: ")
    assert message in lines[0]
    assert "Traceback" not in done.stdout + done.stderr


def test_what_a_preset_asks_for_and_the_machine_lacks_is_skipped(
    run_pytest: Pytest,
) -> None:
    """The paper's 16 cores, or its GPU: skips with a reason, exit code 0."""
    lent = len(os.sched_getaffinity(0))
    if lent >= 16 or gpu_facts.read().gpus:
        pytest.skip("this machine has what the paper's grid asks for")
    done = run_pytest(
        *("benchmarks/test_train.py", "--grid", "paper", "-k", "cores16 or cnmem1"),
        *("--sizes", "32", "--batches", "10"),
    )
    assert done.returncode == 0
    assert f"needs 16 cores; this machine lends {lent}" in done.stdout
    assert "no NVIDIA GPU answers: " in done.stdout
    assert "4 skipped" in done.stdout


def test_copying_obeys_engines(run_pytest: Pytest) -> None:
    """Those that the command line leaves out are skipped with a reason."""
    done = run_pytest(
        *("benchmarks/test_load.py", "-k", "test_copy and torch-cpu"),
        *("--engines", "theano"),
    )
    if "engine theano cannot run here" in done.stderr:
        pytest.skip("Theano's environment is not built here")
    assert done.returncode == 0
    assert "--engines theano leaves torch out" in done.stdout
    assert "1 skipped" in done.stdout


def test_a_terminated_session_saves_what_is_finished(
    tmp_path: Path, run_pytest: Pytest
) -> None:
    """SIGTERM, as a CI system sends it: the first case is in the file, workers gone."""
    if "tensorflow" not in run_pytest(*DRY, "--engines", "tensorflow").stdout:
        pytest.skip("TensorFlow's environment is not built here")
    saved = tmp_path / "run.json"
    session = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("benchmarks/test_train.py", "--engines", "tensorflow", "--cores", "1"),
            *("--sizes", "32,200", "--batches", "10", "--images", "40"),
            *("--launches", "1", "--rounds", "3", f"--benchmark-json={saved}"),
            f"--journal={tmp_path / 'journals'}",
        ],
        cwd=ROOT,
        env={**os.environ, "HISTOCNN_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdout is not None
    with session.stdout as lines:
        for line in lines:
            if line.startswith("[1/2]"):
                session.send_signal(signal.SIGTERM)
                break
        lines.read()
    assert session.wait(60) == 128 + signal.SIGTERM
    (case,) = json.loads(saved.read_text())["benchmarks"]
    assert case["extra_info"]["launches"]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A copy of the sources without any environment, and a place to start there."""
    copy = tmp_path / "checkout"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(".*", "build", "__pycache__", "tests"),
    )
    yield copy
    shutil.rmtree(copy)


def test_an_environment_that_is_not_built_is_a_skip_or_an_error(
    run_pytest: Pytest, checkout: Path
) -> None:
    """A preset's engine is skipped, one asked for by name is an error; both say how."""
    one = ("--sizes", "32", "--batches", "10", "--cores", "1")
    skipped = run_pytest("benchmarks/test_train.py", *one, cwd=checkout)
    assert skipped.returncode == 0
    assert "environment theano is not built; run: make env ENGINE=th" in skipped.stdout
    asked = run_pytest("benchmarks", *one, "--engines", "theano", cwd=checkout)
    assert asked.returncode == pytest.ExitCode.USAGE_ERROR
    assert "engine theano cannot run here: environment theano is not" in asked.stderr


def test_a_half_installed_environment_fails_its_cases_only(
    run_pytest: Pytest, checkout: Path
) -> None:
    """No stamp, or another lock's: the case fails with the remedy."""
    (checkout / ".envs" / "theano" / "bin").mkdir(parents=True)
    done = run_pytest(
        *("benchmarks/test_train.py", "--sizes", "32", "--batches", "10"),
        *("--cores", "1", "-rf"),
        cwd=checkout,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "environment theano is half-installed or of other pins" in done.stdout
    assert "run: make env ENGINE=theano" in done.stdout
    assert "1 failed, 1 skipped" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_unreadable_image_fails_in_one_line(run_pytest: Pytest, glas: Path) -> None:
    """Found while decoding, before a worker is started."""
    (glas / "train_1.bmp").write_bytes(b"BM")
    done = run_pytest(
        *("benchmarks/test_train.py", "--engines", "tensorflow", "--sizes", "32"),
        *("--dataset", f"glas:{glas}", "--images", "12", "--batches", "6"),
        *("--cores", "1"),
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "FAILED: " in done.stdout
    assert "train_1.bmp cannot be decoded" in done.stdout
    assert "Traceback" not in done.stdout

"""What only a GPU can show: losses as on the CPU, and pools read back.

Run on a machine with an NVIDIA GPU: ``pytest tests/gpu``. Where the site's own Pythons
train, they are named in the variable ``HISTOCNN_GPU_OPTIONS``, as options of the suite:
``--interpreter torch-cuda=/opt/site/bin/python --interpreter torch=/opt/…``.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_memory, launchers
from benchmarks.environments import parse_interpreters
from histocnn import engines
from histocnn.cupti import allocations
from histocnn.job import Job
from histocnn.memory import MEBIBYTE, MemoryPool, PoolKind
from tests.conftest import ROOT

OPTIONS = shlex.split(os.environ.get("HISTOCNN_GPU_OPTIONS", ""))
ENGINES = [name for name in engines.names() if "cuda" in engines.get(name).DEVICES]
SIZE, BATCH, IMAGES = 96, 10, 60
POOLS = ("0", "grow", "0.5", "2048", "async")
#: Adam magnifies what float32 rounds: of two losses after twelve steps, relative.
TOLERANCE = 5e-4


def launcher() -> launchers.Launcher:
    """The local one, with the site's own Pythons."""
    own = [OPTIONS[i + 1] for i, word in enumerate(OPTIONS) if word == "--interpreter"]
    settings = launchers.Settings(interpreters=parse_interpreters(own))
    return launchers.get("local", settings)


def cores() -> int:
    return launcher().cores()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """An engine that can train on this machine's GPU."""
    name: str = request.param
    job = Job(name, "cuda", SIZE, BATCH, "0", cores(), IMAGES)
    if reason := launcher().missing(job):
        pytest.skip(reason)
    return name


def measured(folder: Path, *options: str) -> dict[str, Any]:
    """The file that `pytest benchmarks/test_train.py` saves with these options."""
    target = folder / "run.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/test_train.py", *OPTIONS),
            *("--sizes", str(SIZE), "--batches", str(BATCH), "--images", str(IMAGES)),
            *("--launches", "1", "--rounds", "1", "--repeats", "0", *options),
            *(f"--benchmark-json={target}", f"--journal={folder / 'journals'}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert target.exists(), done.stdout + done.stderr
    saved: dict[str, Any] = json.loads(target.read_text())
    saved["printed"] = done.stdout
    return saved


def losses(case: dict[str, Any]) -> list[float]:
    """Of each epoch, the warm-up first."""
    (launch,) = case["extra_info"]["launches"]
    return [epoch["loss"] for epoch in (launch["warm_up"], *launch["rounds"])]


@pytest.mark.parametrize("loop", ["fit", "fused"])
def test_losses_on_the_gpu_are_those_of_the_cpu(
    engine: str, loop: str, tmp_path: Path
) -> None:
    """Within what twelve Adam steps make of float32's rounding, whatever the pool."""
    on_cpu = Job(engine, "cpu", SIZE, BATCH, None, cores(), IMAGES)
    if reason := launcher().missing(on_cpu):
        pytest.skip(reason)
    case = ("--engines", engine, "--loops", loop)
    cpu, gpu = tmp_path / "cpu", tmp_path / "gpu"
    cpu.mkdir()
    gpu.mkdir()
    saved = measured(cpu, *case, "--devices", "cpu", "--cores", str(cores()))
    pools = measured(gpu, *case, "--devices", "cuda", "--cnmem", "0,0.5")
    (reference,) = [losses(each) for each in saved["benchmarks"]]
    found = [losses(each) for each in pools["benchmarks"]]
    assert len(found) == 2, pools["printed"]
    for each in found:
        assert each == pytest.approx(reference, rel=TOLERANCE)
    assert reference[-1] < reference[0]


@pytest.mark.parametrize("loop", ["fit", "fused"])
def test_every_pool_is_read_back(engine: str, loop: str, tmp_path: Path) -> None:
    """Each setting ran, or says that the engine has none; the figures bear it out."""
    offered = [
        cnmem
        for cnmem in POOLS
        if engines.get(engine).unsupported(
            Job(engine, "cuda", SIZE, BATCH, cnmem, cores(), IMAGES, loop=loop)
        )
        is None
    ]
    saved = measured(
        tmp_path,
        *("--engines", engine, "--loops", loop),
        *("--devices", "cuda", "--cnmem", ",".join(POOLS)),
    )
    found = {each["params"]["cnmem"]: each for each in saved["benchmarks"]}
    assert sorted(found) == sorted(offered), saved["printed"]
    for cnmem, case in found.items():
        (launch,) = case["extra_info"]["launches"]
        _check_pool(MemoryPool.parse(cnmem), launch["gpu_memory"])


def _check_pool(pool: MemoryPool, seen: dict[str, Any]) -> None:
    """Stricter than the suite, since here the driver and CUPTI must tell."""
    reserved = pool.reserved_bytes(seen["total"])
    assert seen["process_before"] is not None
    assert seen["calls"] is not None
    if reserved is not None:
        assert seen["process_before"] >= 0.98 * reserved
        assert seen["process_before"] <= reserved + 4096 * MEBIBYTE
        # What training used at most, and not what was reserved for it.
        assert (seen["after"]["peak"] or 0) < 0.9 * reserved
    else:
        assert seen["process_before"] <= 4096 * MEBIBYTE
    steps = IMAGES // BATCH
    if pool.kind is PoolKind.OFF:
        assert allocations(seen["calls"]) > 0
    elif pool.kind is not PoolKind.ASYNC:
        assert allocations(seen["calls"]) < steps


@pytest.mark.parametrize("cnmem", ["0", "0.5"])
def test_out_of_memory_is_a_result_and_the_grid_goes_on(
    engine: str, cnmem: str, tmp_path: Path
) -> None:
    """Of a GPU made small: a large batch has an outcome, a small one a time."""
    saved = measured(
        tmp_path,
        *("--engines", engine, "--devices", "cuda", "--cnmem", cnmem),
        *("--sizes", "200", "--images", "600", "--batches", "5,600"),
        *("--gpu-memory", "1500MB"),
    )
    timed = [case["params"]["batch"] for case in saved["benchmarks"]]
    assert timed == [5], saved["printed"]
    (outcome,) = saved["outcomes"]
    assert outcome["outcome"]["kind"] == "out-of-memory", saved["printed"]
    short = outcome["outcome"]["short"]
    assert short["free_bytes"] <= 1500 * MEBIBYTE
    # Theano tells of its pool the largest block, and that was too small.
    assert engine != "theano" or short["asked_bytes"] > short["free_bytes"]
    assert f"cnmem={cnmem}" in outcome["outcome"]["message"]


def test_a_pool_that_does_not_fit_is_one_line(engine: str, tmp_path: Path) -> None:
    """More megabytes than the GPU has."""
    state = gpu_memory.read()
    assert state is not None
    too_many = str(state.total // MEBIBYTE + 1000)
    saved = measured(
        tmp_path, "--engines", engine, "--devices", "cuda", "--cnmem", too_many
    )
    assert not saved["benchmarks"]
    (outcome,) = saved["outcomes"]
    assert outcome["outcome"]["kind"] == "out-of-memory"
    assert f"cnmem={too_many} reserves" in outcome["outcome"]["message"]

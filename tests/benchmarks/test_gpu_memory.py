"""The memory that is looked at is that of the GPU which workers get, or nobody's."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_memory
from benchmarks.ballast import parse_cap
from benchmarks.launchers import Settings, docker, local
from benchmarks.measure import launch
from benchmarks.sentinel import Sentinel
from benchmarks.sentinel.nvml import Gpu
from benchmarks.settling import Effort
from benchmarks.suite import Suite
from histocnn.errors import InputError
from histocnn.job import Job
from tests import fake_gpu
from tests.conftest import Pytest
from tests.fake_nvml import GIB, Nvml
from tests.fake_worker import fake_python

LOCAL, DOCKER = local.Launcher.GPU, docker.Launcher.GPU
T4, H100 = "NVIDIA T4", "NVIDIA H100"


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with the GPUs that there are, and the variables of this process."""
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)

    def there(
        *models: str,
        cut: Sequence[int] = (),
        withheld: Sequence[int] = (),
        **variables: str,
    ) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", Nvml(models, cut, withheld))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return there


def total(variables: Mapping[str, str]) -> float | None:
    """GiB of the GPU that is looked at; None where none is."""
    state = gpu_memory.read(variables)
    return None if state is None else state.total / GIB


@pytest.mark.parametrize(
    ("visible", "process", "container"),
    [(None, 16, 16), ("1", 32, 16), ("1,0", 32, 16), ("GPU-1", 32, 16), ("0", 16, 16)],
)
def test_of_several_gpus_it_is_the_workers(
    gpus: Any, visible: str | None, process: float, container: float
) -> None:
    """A process has the one that the user names, a container the first on the bus."""
    gpus(T4, T4, **({"CUDA_VISIBLE_DEVICES": visible} if visible else {}))
    assert total(LOCAL) == process
    assert total(DOCKER) == container
    assert gpu_memory.doubt(LOCAL) is gpu_memory.doubt(DOCKER) is None


def test_where_cuda_numbers_unlike_gpus_by_speed_none_is_looked_at(gpus: Any) -> None:
    """Containers see one alone; a name, or the bus's order, tells the rest."""
    gpus(T4, H100)
    assert "set CUDA_DEVICE_ORDER=PCI_BUS_ID" in (gpu_memory.doubt(LOCAL) or "")
    assert total(LOCAL) is None
    assert total(DOCKER) == 16
    gpus(T4, H100, CUDA_VISIBLE_DEVICES="GPU-1")
    assert total(LOCAL) == 32
    gpus(T4, H100, CUDA_VISIBLE_DEVICES="1", CUDA_DEVICE_ORDER="PCI_BUS_ID")
    assert total(LOCAL) == 32


@pytest.mark.parametrize("visible", ["0", "1", "GPU-0"])
def test_of_a_gpu_in_mig_mode_only_a_named_instance_is_looked_at(
    gpus: Any, visible: str
) -> None:
    """The GPU's own memory is not what a worker gets."""
    gpus(H100, H100, cut=[0], CUDA_VISIBLE_DEVICES=visible)
    assert "nvidia-smi -L" in (gpu_memory.doubt(LOCAL) or "")
    assert "container's GPU is in MIG mode" in (gpu_memory.doubt(DOCKER) or "")
    assert total(LOCAL) is total(DOCKER) is None
    gpus(H100, H100, cut=[0], CUDA_VISIBLE_DEVICES="MIG-5e6f")
    assert gpu_memory.doubt(LOCAL) is None
    assert total(LOCAL) == 10


def test_another_gpu_in_mig_mode_is_nothing_to_a_container_or_to_a_name(
    gpus: Any,
) -> None:
    gpus(H100, H100, cut=[1], CUDA_VISIBLE_DEVICES="GPU-0")
    assert total(LOCAL) == total(DOCKER) == 16


@pytest.mark.parametrize("visible", ["", "0", "GPU-1"])
def test_a_gpu_that_a_control_group_withholds_is_none(gpus: Any, visible: str) -> None:
    """The driver counts it, and CUDA, which cannot open it, does not."""
    named = {"CUDA_VISIBLE_DEVICES": visible} if visible else {}
    gpus(H100, H100, withheld=[0], **named)
    assert gpu_memory.doubt(LOCAL) is None
    assert total(LOCAL) == 32
    gpus(T4, H100, T4, withheld=[0], **named)
    doubt = gpu_memory.doubt(LOCAL) or ""
    assert ("set CUDA_DEVICE_ORDER=PCI_BUS_ID" in doubt) == (visible != "GPU-1")
    gpus(H100, H100, withheld=[0], cut=[1], **named)
    assert "MIG" in (gpu_memory.doubt(LOCAL) or "")


def test_a_gpu_beside_a_far_engine_is_not_looked_at(gpus: Any) -> None:
    """This machine's is not the containers'; its own processes' it is."""
    gpus(T4, DOCKER_HOST="tcp://far:2376")
    assert "another machine (DOCKER_HOST)" in (gpu_memory.doubt(DOCKER) or "")
    assert total(DOCKER) is None
    assert total(LOCAL) == 16
    gpus(T4, DOCKER_HOST="unix:///run/d.sock")
    assert total(DOCKER) == 16


def test_without_a_gpu_there_is_nothing_to_doubt(
    gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus()
    assert gpu_memory.doubt(LOCAL) is gpu_memory.doubt(DOCKER) is None
    assert total(LOCAL) is total(DOCKER) is None
    nvml = Nvml([])
    monkeypatch.setattr(nvml, "nvmlInit", nvml.nvmlUnknown, raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert gpu_memory.doubt(LOCAL) is None
    assert total(LOCAL) is None


def test_a_launch_reads_the_memory_of_its_launchers_gpu(
    gpus: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever reads in the midst of it; nothing stays behind."""
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path))
    gpus(T4, T4, CUDA_VISIBLE_DEVICES="1")
    seen = []

    def look(*_: object) -> Any:
        state = gpu_memory.read()
        seen.append(state and state.total // GIB)

    monkeypatch.setattr("benchmarks.alone.launch", look)
    monkeypatch.setattr(Suite, "arrays", lambda *_: tmp_path)
    job = Job("torch", "cuda", 32, 10, "0", 1)
    for launcher in (local.Launcher(), docker.Launcher()):
        monkeypatch.setattr(launcher, "missing", lambda job: None)
        suite().launch(job, Effort(1, 1, 1.0), launcher=launcher)
        look()
    assert seen == [32, 32, 16, 32]


def test_what_is_watched_in_a_launch_is_its_launchers_gpu(
    gpus: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And none where nobody knows which it is: another's energy would be saved."""
    program = str(fake_python(tmp_path))
    launcher = local.Launcher(Settings(interpreters=(("torch-cuda", program),)))
    watched: list[int | None] = []

    class Watch(Sentinel):
        def __init__(self, *arguments: Any, gpu: Gpu | None) -> None:
            watched.append(None if gpu is None else gpu.memory()[0].total // GIB)
            super().__init__(*arguments)

    monkeypatch.setattr("benchmarks.measure.Sentinel", Watch)
    job = Job("torch", "cuda", 32, 10, "0", 1, 20)
    gpus(T4, T4, CUDA_VISIBLE_DEVICES="1")
    for variables in (LOCAL, DOCKER):
        with gpu_memory.of_workers(variables):
            launch(job, Effort(1, 1, 60), launcher, tmp_path, 0)
    gpus(T4, H100)
    launch(job, Effort(1, 1, 60), launcher, tmp_path, 0)
    assert watched == [32, 16, None]


def suite() -> Suite:
    """Of the quick grid, whose launches are made by somebody else."""
    options = ("cores", "engines", "images", "rounds", "time_cap")
    return Suite(
        grid="quick",
        overrides=dict.fromkeys(options),
        dataset=None,
        launcher="local",
        settings=Settings(),
        timeout="1",
    )


def test_a_cap_is_compared_with_the_workers_gpu(gpus: Any) -> None:
    """With none where it is not known; the ballast then finds out."""
    gpus(T4, T4, CUDA_VISIBLE_DEVICES="1")
    assert parse_cap("20GB", LOCAL) == 20 * 1024
    with pytest.raises(InputError, match="the GPU has 16,384 MB in all; ask for less"):
        parse_cap("20GB", DOCKER)
    gpus(T4, H100)
    assert parse_cap("90GB", LOCAL) == 90 * 1024


def test_a_container_whose_gpu_is_not_known_has_no_cap(
    gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ballast would hold memory of another."""
    gpus(T4, T4)
    assert parse_cap("4GB", DOCKER) == 4096
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    assert parse_cap("4GB", LOCAL) == 4096
    with pytest.raises(InputError, match=r"'4GB' cannot be had: .* on another machine"):
        parse_cap("4GB", DOCKER)


@pytest.mark.parametrize("launcher", ["docker", "local"])
def test_the_command_lines_cap_is_compared_with_that_gpu_too(
    run_pytest: Pytest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, launcher: str
) -> None:
    """What hides it from processes hides it from no container."""
    gpu = fake_gpu.make(tmp_path / "gpu")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    for name, value in {**gpu.variables, "CUDA_VISIBLE_DEVICES": "-1"}.items():
        monkeypatch.setenv(name, value)
    done = run_pytest(
        *("benchmarks/test_train.py", "--launcher", launcher, "--devices", "cuda"),
        *("--gpu-memory", "90GB", "--collect-only"),
    )
    refused = "'90GB': the GPU has 24,576 MB in all" in done.stderr
    assert refused == (launcher == "docker")


@pytest.mark.parametrize(("device", "said"), [("cuda", True), ("cpu", False)])
def test_that_none_is_looked_at_is_said_above_gpu_cases(
    run_pytest: Pytest, monkeypatch: pytest.MonkeyPatch, device: str, said: bool
) -> None:
    """Once, in the session's first lines."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    done = run_pytest(
        *("benchmarks/test_train.py", "--launcher", "docker", "--devices", device),
        *("--sizes", "32", "--batches", "10", "--collect-only"),
    )
    note = (
        "no GPU's memory, clocks and energy are told: Docker's engine, and the GPU "
        "with it, is on another machine (DOCKER_HOST)"
    )
    assert done.returncode == 0
    assert done.stdout.count(note) == said

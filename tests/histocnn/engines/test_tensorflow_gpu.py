"""TensorFlow on a GPU, as far as a machine without one can tell."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from histocnn import cuda
from histocnn.engines import tensorflow as engine
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import EngineMemory
from histocnn.memory import ran_out
from tests.in_environment import printed_by

JOB = Job("tensorflow", "cuda", 32, 10, "1", 1)
ON_CPU = Job("tensorflow", "cpu", 32, 10, None, 1, 40, loop="fused")
TOTAL = 16 * 2**30
MB = 2**20


class Stand:
    """TensorFlow where it has `gpus`; what it is told is kept in `told`."""

    def __init__(self, *gpus: str) -> None:
        self.told: list[object] = []
        self.gpus = [SimpleNamespace(name=name) for name in gpus]
        experimental = SimpleNamespace(
            get_memory_info=lambda device: {"current": 100, "peak": 300},
            get_device_details=lambda gpu: {"device_name": "NVIDIA T4"},
        )
        self.config = SimpleNamespace(
            list_physical_devices=lambda kind: self.gpus if kind == "GPU" else [],
            set_visible_devices=lambda gpus, kind: self.told.append(
                [gpu.name for gpu in gpus]
            ),
            LogicalDeviceConfiguration=lambda memory_limit: memory_limit,
            set_logical_device_configuration=lambda gpu, shares: self.told.append(
                (gpu.name, shares)
            ),
            experimental=experimental,
        )

    @contextlib.contextmanager
    def device(self, name: str) -> Iterator[None]:
        self.told.append(name)
        yield

    def zeros(self, count: int) -> None:
        self.told.append(count)


@pytest.fixture(autouse=True)
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU of 16 GiB, a little of it in use."""
    monkeypatch.setattr(cuda, "memory", lambda: (TOTAL - 300 * MB, TOTAL))


def taken(cnmem: str, *gpus: str) -> tuple[list[object], int | None]:
    """What TensorFlow is told for the pool `cnmem`, and the bytes reserved."""
    stand = Stand(*gpus)
    gpu, reserved, held = engine._take_gpu(stand, replace(JOB, cnmem=cnmem))
    assert (held is None) == (reserved is None)
    assert gpu is stand.gpus[0]
    return stand.told, reserved


@pytest.mark.parametrize(
    ("cnmem", "variables"),
    [
        ("0", {"TF_GPU_ALLOCATOR": "cuda_malloc"}),
        ("async", {"TF_GPU_ALLOCATOR": "cuda_malloc_async"}),
        ("grow", {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
        ("0.5", {}),
        ("4096", {}),
    ],
)
def test_a_pool_is_asked_for_before_the_start(
    cnmem: str, variables: dict[str, str]
) -> None:
    """Growth where no more: it would make a ceiling of what is to be reserved."""
    job = replace(JOB, cnmem=cnmem)
    pool = {
        name: value
        for name, value in engine.environment(job, Path("/cache")).items()
        if "GPU" in name or "CUDA" in name
    }
    assert pool == variables


def test_of_a_gpu_made_small_all_but_a_twentieth_may_be_had() -> None:
    """TensorFlow by itself would leave 1.8 of 4 GB alone."""
    small = engine.environment(replace(JOB, cnmem="grow", gpu_memory=4096), Path("/"))
    assert small["TF_DEVICE_MIN_SYS_MEMORY_IN_MB"] == "205"
    assert "TF_DEVICE_MIN_SYS_MEMORY_IN_MB" not in engine.environment(JOB, Path("/"))


@pytest.mark.parametrize("place", ["site-packages", "site packages"])
def test_cuda_of_its_packages_is_shown_to_it(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library by loading it; XLA's compiler by a flag, which a space would end."""
    for folder in ("cusolver/lib", "cuda_nvcc"):
        (tmp_path / place / "nvidia" / folder).mkdir(parents=True)
    library = tmp_path / place / "nvidia" / "cusolver" / "lib" / "libcusolver.so.11"
    library.touch()
    loaded: list[str] = []

    def load(name: str) -> None:
        loaded.append(name)
        raise OSError("no library at all")

    monkeypatch.setattr("ctypes.CDLL", load)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / place)])
    monkeypatch.setenv("XLA_FLAGS", "")
    engine._show_cuda()
    assert loaded == [str(library)]
    flag = f"--xla_gpu_cuda_data_dir={tmp_path / place / 'nvidia' / 'cuda_nvcc'}"
    assert os.environ["XLA_FLAGS"] == ("" if " " in place else flag)


def test_the_cpu_hides_the_gpu() -> None:
    """A GPU's case sees it."""
    hidden = engine.environment(ON_CPU, Path("/cache"))
    assert hidden["CUDA_VISIBLE_DEVICES"] == "-1"


@pytest.mark.parametrize(
    ("cnmem", "megabytes"), [("0.5", 8192), ("1", 15564), ("4096", 4096)]
)
def test_a_share_is_reserved_before_training(cnmem: str, megabytes: int) -> None:
    """Of the first GPU, in whole MB of all that it has, by a first allocation."""
    told, reserved = taken(cnmem, "first", "second")
    assert told == [["first"], ("first", [megabytes]), "GPU:0", 1]
    assert reserved == megabytes * MB


@pytest.mark.parametrize("cnmem", ["0", "grow", "async"])
def test_other_pools_reserve_nothing(
    cnmem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor ask the driver anything: that makes a context."""
    monkeypatch.setattr(cuda, "memory", lambda: pytest.fail("asked"))
    assert taken(cnmem, "first") == ([["first"]], None)


def test_without_a_gpu_nothing_is_trained() -> None:
    """TensorFlow would do it on the CPU."""
    with pytest.raises(InputError, match="sees no GPU here and would train on the CPU"):
        taken("0")


def test_more_than_is_free_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow's pool would make do with less, and say nothing."""
    monkeypatch.setattr(cuda, "memory", lambda: (1000, TOTAL))
    with pytest.raises(MemoryError, match=r"cnmem=0\.5 asks to allocate 858993") as no:
        taken("0.5", "first")
    assert ran_out(no.value)


def runtime(gpu: bool, reserved: int | None = None) -> engine.TensorFlowRuntime:
    """One on a stand-in's GPU, or none."""
    stand = Stand("first")
    keras = ModuleType("keras")
    return engine.TensorFlowRuntime(
        keras, stand, stand.gpus[0] if gpu else None, reserved
    )


def test_xla_is_left_to_keras_on_a_gpu() -> None:
    assert runtime(gpu=True).compile_options == {"jit_compile": "auto"}
    assert runtime(gpu=False).compile_options == {"jit_compile": False}


def test_free_memory_is_the_pools_or_the_drivers() -> None:
    """A reserved pool hands out what nobody uses of it; the rest is the driver's."""
    assert runtime(gpu=True, reserved=1000).free_bytes() == 900
    assert runtime(gpu=True).free_bytes() == TOTAL - 300 * MB
    assert runtime(gpu=False).free_bytes() is None


def test_memory_is_as_the_allocator_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cuda_malloc` counts nothing, and raises where it is asked."""
    for name in ("cuda_malloc_async", "bfc"):
        monkeypatch.setenv(engine.ALLOCATOR, name)
        counted = EngineMemory(name, in_use=100, peak=300)
        assert runtime(gpu=True).memory() == counted
    monkeypatch.setenv(engine.ALLOCATOR, "cuda_malloc")
    assert runtime(gpu=True).memory() == EngineMemory("cuda_malloc")
    assert runtime(gpu=False).memory() is None


def test_a_gpu_is_called_by_its_make() -> None:
    assert runtime(gpu=True).device_name() == "NVIDIA T4"


# Runs in the engine's environment: the fused epoch with its step through XLA, as on a
# GPU, beside the one without; and what a CPU's runtime tells of itself.
SCRIPT = """
import json
import sys

import numpy as np

from histocnn import engines
from histocnn.engines.tensorflow import Fused
from histocnn.job import Job
from histocnn.model import build_model

job = Job(**json.loads(sys.argv[1]))
runtime = engines.get(job.engine).load(job)
rng = np.random.default_rng(7)
images = rng.random((job.images, job.size, job.size, 3), np.float32)
labels = rng.integers(0, 2, (job.images, 1)).astype(np.float32)
order = rng.permutation(job.images).astype(np.int32)

runs = {}
for xla in (False, True):
    model = build_model(
        runtime.keras, job.size, "channels_last", 0, flip_kernels=False, jit_compile=xla
    )
    program = Fused(runtime.tensorflow, model, job.batch, "CPU:0", xla=xla)
    program.load(images, labels)
    counts, losses = [], []
    for _ in range(3):
        before = runtime.compilations()
        losses += np.asarray(program.run(order)[0]).tolist()
        counts.append(runtime.compilations() - before)
    runs[str(xla)] = (losses, counts, program._images.device)
found = [runtime.free_bytes(), runtime.memory(), runtime.threads()]
print(json.dumps({"runs": runs, "found": found, "name": runtime.device_name()}))
"""

REFUSED = """
import json
import sys

from histocnn import engines
from histocnn.errors import InputError
from histocnn.job import Job

job = Job(**json.loads(sys.argv[1]))
try:
    engines.get(job.engine).load(job)
except InputError as error:
    print(json.dumps(str(error)))
"""


IMPATIENT = """
import json
from histocnn.engines import tensorflow
from tensorflow.python.eager import context

def waits():
    asked = context.context()._compute_gpu_options()
    return not asked.experimental.disallow_retry_on_allocation_failure

before = waits()
tensorflow._fail_at_once()
print(json.dumps([before, waits()]))
"""


@pytest.fixture(scope="module")
def seen() -> Any:
    """What `SCRIPT` found."""
    return printed_by(ON_CPU, "-c", SCRIPT, json.dumps(asdict(ON_CPU)))


def test_a_step_through_xla_is_the_same_step(seen: dict[str, Any]) -> None:
    """Twelve Adam steps, and after the first epoch nothing is traced any more."""
    (plain, *_), (losses, counts, device) = seen["runs"]["False"], seen["runs"]["True"]
    assert losses == pytest.approx(plain, rel=1e-4)
    assert len(losses) == 12
    assert counts[1:] == [0, 0]
    assert device.endswith("CPU:0")


def test_a_cpu_has_no_memory_of_its_own(seen: dict[str, Any]) -> None:
    assert seen["found"] == [None, None, 1]
    assert seen["name"].endswith("CPU:0")


def test_tensorflow_without_cuda_refuses_a_gpus_job() -> None:
    """The CPU's package itself, told to load a job of device cuda."""
    said = printed_by(ON_CPU, "-c", REFUSED, json.dumps(asdict(JOB)))
    assert said.startswith("TensorFlow sees no GPU here and would train on the CPU")


def test_its_pool_refuses_at_once_what_it_has_not_got() -> None:
    """By a name of TensorFlow's own, which has to be there."""
    assert printed_by(ON_CPU, "-c", IMPATIENT) == [True, False]

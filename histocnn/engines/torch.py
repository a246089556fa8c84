"""PyTorch under Keras 3: eager under `fit`, one traced step or CUDA graph if fused."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from histocnn import pinning
from histocnn.job import Job
from histocnn.keras3 import import_keras
from histocnn.measurement import EngineMemory
from histocnn.memory import PoolKind
from histocnn.torch2.capture import Capturing, captures
from histocnn.torch2.device import memory_format
from histocnn.torch2.fused import Fused, Traces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DISTRIBUTIONS = ("torch", "keras", "numpy")
DEVICES = ("cpu", "cuda")
LEAST_DRIVER = (580, 65)  # PyPI has PyTorch 2.13 for CUDA 13
# As PyTorch's own layers have it: for channels_last Keras turns and copies the maps
# around each layer. How they lie in memory is another matter: see `Fused.load`.
DATA_FORMAT = "channels_first"
FLIPS_KERNELS = False
PRECISIONS = ("float32", "tf32", "bfloat16")

#: Set, it has every allocation ask the driver.
UNCACHED = "PYTORCH_NO_CUDA_MEMORY_CACHING"


def unsupported(job: Job) -> str | None:
    """Nothing beyond `DEVICES` and `PRECISIONS`."""
    return None


def lacks(interpreter: Path) -> str | None:
    """Nothing: its packages are complete."""
    return None


def environment(job: Job, cache: Path) -> dict[str, str]:
    """Keras' choice of engine, the device, its pool, and threads asleep beside it."""
    variables = {
        "KERAS_BACKEND": "torch",
        "KERAS_HOME": str(cache / "keras3"),
        # What `torch.compile` wrote serves the next launch too. Triton's is named since
        # PyTorch names it late: a library compiled before would go to the home folder,
        # which in a container is one that nothing may be loaded from.
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TRITON_CACHE_DIR": str(cache / "triton"),
        **pinning.KEEP_FREED_MEMORY,
    }
    if job.pool is None:
        return variables | {"CUDA_VISIBLE_DEVICES": "-1"}  # or Keras takes a GPU
    # Keras gathers each batch on all cores. OpenMP's threads wait actively for some
    # milliseconds, and on a GPU the next batch comes before they would sleep.
    variables["OMP_WAIT_POLICY"] = "PASSIVE"
    if job.pool.kind is PoolKind.OFF:
        variables[UNCACHED] = "1"
    elif job.pool.kind is PoolKind.ASYNC:
        variables["PYTORCH_CUDA_ALLOC_CONF"] = "backend:cudaMallocAsync"
    return variables


@dataclass(frozen=True)
class TorchRuntime:
    """PyTorch loaded under Keras 3."""

    keras: ModuleType
    torch: Any
    device: str
    layout: Any  # a `torch.memory_format`
    capturing: Capturing | None = None
    traces: Traces = field(default_factory=Traces)

    @property
    def compile_options(self) -> dict[str, Any]:
        """Nothing: Keras runs its step eagerly, as PyTorch's users know it."""
        return {}

    def as_input(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> tuple[Any, Any]:
        """Tensors in the layout that is fastest, on a CPU `channels_last` in memory.

        Keras takes batches of them as they lie, and PyTorch's convolutions then go on
        so: 1.9 times as fast as from NumPy's arrays at 200 px on two cores.
        """
        return (
            self.torch.from_numpy(images).contiguous(memory_format=self.layout),
            self.torch.from_numpy(labels),
        )

    def put(self, array: "NDArray[np.float32]") -> Any:
        """A tensor of its own, also where host and device share memory."""
        copy = self.torch.from_numpy(array).to(self.device, copy=True)
        self.synchronise()
        return copy

    def free_bytes(self) -> int | None:
        """What the driver has free, and what the pool holds unused."""
        if self.device == "cpu":
            return None
        free, _ = self.torch.cuda.mem_get_info()
        pool = self.torch.cuda.memory_reserved() - self.torch.cuda.memory_allocated()
        return int(free + pool)

    def memory(self) -> EngineMemory | None:
        """As its allocator counts, which it does not where nothing is cached."""
        if self.device == "cpu":
            return None
        cuda = self.torch.cuda
        if UNCACHED in os.environ:
            return EngineMemory("uncached")
        return EngineMemory(
            cuda.get_allocator_backend(),
            reserved=cuda.memory_reserved(),
            in_use=cuda.memory_allocated(),
            peak=cuda.max_memory_allocated(),
        )

    def compilations(self) -> int:
        """Our traces and captures, and the graphs that `torch.compile` has seen."""
        dynamo = sys.modules.get("torch._dynamo.utils")  # slow to import if not used
        graphs = dynamo.counters["stats"]["unique_graphs"] if dynamo else 0
        return self.traces.count + int(graphs)

    def fused(self, model: Any, job: Job) -> Fused:
        """Keras' step traced, on a GPU an epoch of it captured in a CUDA graph."""
        return Fused(self.keras, self.torch, model, job, self.traces, self.capturing)

    def seed(self, seed: int) -> None:
        """Seed Python, NumPy and PyTorch."""
        self.keras.utils.set_random_seed(seed)

    def synchronise(self) -> None:
        """Wait for the GPU; on the CPU a call returns when it is done."""
        if self.device != "cpu":
            self.torch.cuda.synchronize()

    def threads(self) -> int:
        """Threads that one operation may use, as PyTorch has them set."""
        return int(self.torch.get_num_threads())

    def device_name(self) -> str:
        """The GPU's name; PyTorch has none for a CPU."""
        return "cpu" if self.device == "cpu" else self.torch.cuda.get_device_name(0)


def load(job: Job) -> TorchRuntime:
    """Import PyTorch, fix threads, precision and pool, then import Keras."""
    import torch

    torch.set_num_threads(job.cores)
    torch.set_float32_matmul_precision("high" if job.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = job.precision == "tf32"
    # Shapes never change, so the fastest of cuDNN's ways is looked for once.
    torch.backends.cudnn.benchmark = True
    capturing = _memory_pool(torch, job)
    keras = import_keras()
    if job.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    layout = memory_format(torch, job)
    return TorchRuntime(keras, torch, job.device, layout, capturing)


def _memory_pool(torch: Any, job: Job) -> Capturing | None:
    """Reserve what ``job`` has reserved, where its loop will look for memory."""
    if job.pool is None:
        return None
    _, total = torch.cuda.mem_get_info()
    reserved = job.reserved_bytes(total)
    if reserved:
        _set_up_libraries(torch)
    capturing = Capturing(torch, reserved) if captures(job) else None
    if reserved:
        if capturing is None:
            # Given back to PyTorch's pool, which keeps it.
            torch.empty(reserved, dtype=torch.uint8, device="cuda")
        torch.cuda.reset_peak_memory_stats()  # to reserve memory is not to use it
    return capturing


def _set_up_libraries(torch: Any) -> None:
    """Have cuBLAS and cuDNN take what they need beside any pool, while there is some.

    Both make a handle in each thread that calls them, autograd's among them.
    """
    images = torch.zeros(1, 1, 8, 8, device="cuda")
    kernel = torch.zeros(1, 1, 3, 3, device="cuda", requires_grad=True)
    weights = torch.zeros(36, 1, device="cuda", requires_grad=True)
    maps = torch.nn.functional.conv2d(images, kernel)
    (maps.flatten(1) @ weights).sum().backward()
    torch.cuda.synchronize()
    # Workspaces of a stream, in blocks beside the pool: the next call makes them anew.
    torch._C._cuda_clearCublasWorkspaces()
    del images, kernel, weights, maps
    torch.cuda.empty_cache()

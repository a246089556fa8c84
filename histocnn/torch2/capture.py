"""CUDA graphs of PyTorch's work, and the memory that they hold: the GPU's fast way."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from histocnn.errors import Unsupported
from histocnn.job import Job
from histocnn.memory import PoolKind

_LEAST_VERSION = "2.5"  # the first that has `MemPool`


class Capturing:
    """What the epoch of a loop is captured with: a stream, and a pool where one is due.

    A graph has a pool of its own and takes nothing from the usual one. So memory that
    is to be there before training is reserved in the graph's, and all that this thread
    makes from then on lies there.
    """

    def __init__(self, torch: Any, reserved: int | None) -> None:
        """``reserved``: bytes to take now; None for a pool that grows as it is used.

        Raises `Unsupported` where this PyTorch has no pool to reserve them in.
        """
        self._torch = torch
        self._stream = torch.cuda.Stream()
        self._pool: Any = None
        self._routed = ExitStack()
        if reserved:
            self._pool = _pool(torch)
            # A block serves the stream that it was made for, so all work is done there,
            # and a pool one thread: autograd would have derivatives made by another.
            torch.cuda.set_stream(self._stream)
            torch.autograd.set_multithreading_enabled(False)
            self._route()
            torch.empty(reserved, dtype=torch.uint8, device="cuda")

    def rehearse(self, work: Callable[[], Any]) -> None:
        """Do ``work`` once: libraries set up in a first call what no graph may hold."""
        cuda = self._torch.cuda
        before = cuda.current_stream()
        self._stream.wait_stream(before)
        with cuda.stream(self._stream):
            work()
        before.wait_stream(self._stream)

    def capture(self, work: Callable[[], Any]) -> tuple[Any, Any]:
        """A graph of ``work``, and what a replay puts its results into."""
        graph = self._torch.cuda.CUDAGraph()
        pool = None if self._pool is None else self._pool.id
        self._routed.close()  # the capture itself has the pool: it cannot be had twice
        with self._torch.cuda.graph(graph, pool=pool, stream=self._stream):
            results = work()
        self._route()
        return graph, results

    def _route(self) -> None:
        """Have what this thread makes lie in the reserved pool, if there is one."""
        if self._pool is not None:
            self._routed.enter_context(self._torch.cuda.use_mem_pool(self._pool))


def _pool(torch: Any) -> Any:
    try:
        return torch.cuda.MemPool()
    except AttributeError as error:
        if "no attribute 'MemPool'" not in str(error):
            raise
    raise Unsupported(
        f"PyTorch {torch.__version__} cannot reserve a pool for CUDA graphs, which "
        f"takes {_LEAST_VERSION} or newer; name a Python that has it by --interpreter "
        "torch-cuda=PATH, or choose --cnmem grow or --loops fit"
    )


def captures(job: Job) -> bool:
    """Whether ``job``'s epochs are captured in a graph."""
    return job.pool is not None and job.loop != "fit" and why_no_graph(job) is None


def why_no_graph(job: Job) -> str | None:
    """What keeps the work of ``job`` from a CUDA graph; None where nothing does."""
    match job.pool and job.pool.kind:
        case PoolKind.OFF:
            return (
                "no CUDA graph: with cnmem=0 every allocation asks the driver, which a "
                "graph cannot record"
            )
        case PoolKind.ASYNC:
            # PyTorch 2.11 on an H100: CUDA driver error: invalid argument.
            return (
                "no CUDA graph: compiled kernels do not take the memory that a graph "
                "has of the driver's own pool"
            )
        case _:
            return None

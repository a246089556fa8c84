"""CUDA graphs of PyTorch's work, and the memory that they hold: the GPU's fast way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from histocnn.errors import Unsupported
from histocnn.job import Job
from histocnn.memory import PoolKind

_LEAST_VERSION = "2.8"  # the first whose `MemPool` takes `use_on_oom`
#: What Python says to older ones: the argument came last, the class with 2.5.
_LACKING = ("keyword argument 'use_on_oom'", "no attribute 'MemPool'")


class Capturing:
    """What the epoch of a loop is captured with: a stream, and a pool where one is due.

    A graph has a pool of its own and takes nothing from the usual one. So memory that
    is to be there before training is reserved in the graph's.
    """

    def __init__(self, torch: Any, reserved: int | None) -> None:
        """``reserved``: bytes to take now; None for a pool that grows as it is used.

        Raises `Unsupported` where this PyTorch has no pool to reserve them in.
        """
        self._torch = torch
        self._stream = torch.cuda.Stream()
        self._pool: Any = None
        if reserved:
            self._pool = _pool(torch)
            # A block serves the stream that it was made for, so all work is done there.
            torch.cuda.set_stream(self._stream)
            with self.memory():
                torch.empty(reserved, dtype=torch.uint8, device="cuda")

    @contextmanager
    def memory(self) -> Iterator[None]:
        """Let what is made inside lie in the reserved pool, if there is one."""
        if self._pool is None:
            yield
            return
        with self._torch.cuda.use_mem_pool(self._pool):
            yield

    def rehearse(self, work: Callable[[], Any]) -> None:
        """Do ``work`` once: libraries set up in a first call what no graph may hold."""
        cuda = self._torch.cuda
        before = cuda.current_stream()
        self._stream.wait_stream(before)
        with cuda.stream(self._stream), self.memory():
            work()
        before.wait_stream(self._stream)

    def capture(self, work: Callable[[], Any]) -> tuple[Any, Any]:
        """A graph of ``work``, and what a replay puts its results into."""
        graph = self._torch.cuda.CUDAGraph()
        pool = None if self._pool is None else self._pool.id
        with self._torch.cuda.graph(graph, pool=pool, stream=self._stream):
            results = work()
        return graph, results


def _pool(torch: Any) -> Any:
    try:
        # What other threads ask for, a derivative's say, may come of it too.
        return torch.cuda.MemPool(use_on_oom=True)
    except (AttributeError, TypeError) as error:
        if not any(lacking in str(error) for lacking in _LACKING):
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

"""Which epochs on PyTorch become CUDA graphs."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from histocnn.errors import Unsupported
from histocnn.job import Job
from histocnn.torch2.capture import Capturing, captures, why_no_graph


def job(cnmem: str | None, loop: str = "fused") -> Job:
    return Job("torch", "cuda" if cnmem else "cpu", 32, 10, cnmem, 1, loop=loop)


@pytest.mark.parametrize("cnmem", ["grow", "0.5", "2048"])
@pytest.mark.parametrize("loop", ["fused", "peer"])
def test_with_a_pool_of_pytorchs_an_epoch_is_a_graph(cnmem: str, loop: str) -> None:
    assert captures(job(cnmem, loop))
    assert why_no_graph(job(cnmem, loop)) is None


@pytest.mark.parametrize("cnmem", ["0", "async"])
def test_without_one_it_is_not_and_says_so(cnmem: str) -> None:
    assert not captures(job(cnmem))
    assert (why_no_graph(job(cnmem)) or "").startswith("no CUDA graph: ")


def test_keras_own_loop_and_a_cpu_have_none_and_need_no_word() -> None:
    assert not captures(job("grow", "fit"))
    assert not captures(job(None))
    assert why_no_graph(job(None)) is None


def torch(version: str, **cuda: Any) -> Any:
    """A PyTorch with streams, and what else is named."""
    streams = SimpleNamespace(Stream=object, **cuda)
    return SimpleNamespace(__version__=version, cuda=streams)


def test_a_pytorch_without_such_a_pool_is_unsupported_in_a_line() -> None:
    """It names the version that is there, the one that has it, and what to do."""
    with pytest.raises(Unsupported) as caught:
        Capturing(torch("2.4"), 2**30)
    said = str(caught.value)
    assert said.startswith("PyTorch 2.4 cannot reserve a pool for CUDA graphs")
    assert "2.5 or newer" in said
    assert (
        "--interpreter torch-cuda=PATH, or choose --cnmem grow or --loops fit" in said
    )
    assert "\n" not in said


def test_a_pool_that_only_grows_needs_no_such_pytorch() -> None:
    Capturing(torch("2.4"), None)


@pytest.mark.parametrize("error", [TypeError("device 0 is none"), AttributeError("id")])
def test_another_fault_of_the_pool_is_not_taken_for_an_old_pytorch(
    error: Exception,
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        Capturing(torch("2.13", MemPool=refuse), 2**30)


class Recorded:
    """A PyTorch that notes what is done, and in which pool memory is taken."""

    def __init__(self) -> None:
        """Nothing is done yet."""
        self.done: list[Any] = []
        self.pool: str | None = None
        self.__version__ = "2.13"
        self.uint8 = "uint8"
        self.cuda = self
        self.autograd = self

    def set_multithreading_enabled(self, wanted: bool) -> None:
        self.done.append(("threads of autograd", wanted))

    def empty(self, size: int, **_: Any) -> None:
        self.done.append((size, self.pool))

    def MemPool(self) -> Any:  # noqa: N802 - PyTorch's name
        return SimpleNamespace(id="reserved")

    def Stream(self) -> Any:  # noqa: N802
        return SimpleNamespace(wait_stream=lambda _: None)

    def CUDAGraph(self) -> str:  # noqa: N802
        return "graph"

    def set_stream(self, stream: Any) -> None:
        self.current = stream

    def current_stream(self) -> Any:
        return SimpleNamespace(wait_stream=lambda _: None)

    @contextmanager
    def stream(self, _: Any) -> Iterator[None]:
        yield

    @contextmanager
    def use_mem_pool(self, pool: Any) -> Iterator[None]:
        """PyTorch refuses a pool that is in use already."""
        assert self.pool is None, "already recording to mempool_id"
        self.pool = pool.id
        yield
        self.pool = None

    @contextmanager
    def graph(self, _: str, pool: str | None, stream: Any) -> Iterator[None]:
        del stream
        with nullcontext() if pool is None else self.use_mem_pool(self.MemPool()):
            yield


@pytest.mark.parametrize(("reserved", "pool"), [(4096, "reserved"), (None, None)])
def test_all_that_training_makes_lies_in_the_reserved_pool(
    reserved: int | None, pool: str | None
) -> None:
    """Before, in and after a capture, and derivatives, too: by the same thread."""
    recorded = Recorded()
    capturing = Capturing(recorded, reserved)
    recorded.empty(1)
    capturing.rehearse(lambda: recorded.empty(2))
    assert capturing.capture(lambda: recorded.empty(3)) == ("graph", None)
    recorded.empty(4)
    made: list[Any] = [(size, pool) for size in (1, 2, 3, 4)]
    if reserved:
        made = [("threads of autograd", False), (reserved, pool), *made]
    assert recorded.done == made

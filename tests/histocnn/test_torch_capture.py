"""Which epochs on PyTorch become CUDA graphs."""

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


class MemPool:
    """As PyTorch 2.7 has it."""

    def __init__(self, allocator: Any = None) -> None:
        """Of the usual allocator, or another."""


@pytest.mark.parametrize(
    ("version", "cuda"), [("2.7.1", {"MemPool": MemPool}), ("2.4", {})]
)
def test_a_pytorch_without_such_a_pool_is_unsupported_in_a_line(
    version: str, cuda: dict[str, Any]
) -> None:
    """It names the version that is there, the one that has it, and what to do."""
    with pytest.raises(Unsupported) as caught:
        Capturing(torch(version, **cuda), 2**30)
    said = str(caught.value)
    assert said.startswith(f"PyTorch {version} cannot reserve a pool for CUDA graphs")
    assert "2.8 or newer" in said
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

"""Which epochs on PyTorch become CUDA graphs."""

import pytest

from histocnn.job import Job
from histocnn.torch2.capture import captures, why_no_graph


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

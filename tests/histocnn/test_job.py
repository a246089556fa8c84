"""Job: what is checked when one is made."""

import itertools
import math
from typing import Any

import pytest

from histocnn.errors import InputError
from histocnn.job import LOOPS, PRECISIONS, Job

CPU: dict[str, Any] = {
    "engine": "theano",
    "device": "cpu",
    "size": 64,
    "batch": 20,
    "cnmem": None,
    "cores": 2,
}


def test_ids_read_like_the_axes() -> None:
    """A CPU case ends in its cores, a GPU case in its pool."""
    assert Job(**CPU).id == "theano-cpu-64px-b20-cores2"
    cuda = CPU | {"device": "cuda", "cnmem": "0.5"}
    assert Job(**cuda).id == "theano-cuda-64px-b20-cnmem0.5"


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ({"loop": "fit", "precision": "float32"}, "cores2"),
        ({"loop": "fused"}, "cores2-fused"),
        ({"loop": "peer"}, "cores2-peer"),
        ({"precision": "bfloat16"}, "cores2-bfloat16"),
        ({"loop": "fused", "precision": "tf32"}, "cores2-fused-tf32"),
        (
            {"device": "cuda", "cnmem": "grow", "loop": "peer", "precision": "tf32"},
            "cnmemgrow-peer-tf32",
        ),
    ],
)
def test_an_id_ends_in_what_is_unusual(change: dict[str, object], end: str) -> None:
    """Loop and precision, in this order, where they are not `fit` and float32."""
    assert Job(**(CPU | change)).id.split("b20-")[1] == end


def test_an_id_says_how_much_memory_the_gpu_is_made_to_have() -> None:
    """So that the same case on all of it is another one."""
    cuda = CPU | {"device": "cuda", "cnmem": "1", "loop": "fused"}
    assert Job(**cuda, gpu_memory=4096).id.split("b20-")[1] == "cnmem1-of4096MB-fused"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "gpu_memory=4096 on device 'cpu': a GPU case may have"),
        ({"device": "cuda", "cnmem": "1", "gpu_memory": 0}, "gpu_memory=0 on device"),
        ({"device": "cuda", "cnmem": "1", "gpu_memory": 0.5}, "gpu_memory=0.5"),
    ],
)
def test_a_wrong_gpu_memory_is_told(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Job(**(CPU | {"gpu_memory": 4096} | change))


@pytest.mark.parametrize(
    ("cnmem", "gpu_memory", "mebibytes"),
    [
        ("0", 4096, None),
        ("grow", None, None),
        ("async", 4096, None),
        ("0.5", None, 40960),
        ("1", None, 77824),
        ("0.5", 4096, 2048),
        ("512", 4096, 512),
    ],
)
def test_what_is_reserved_is_of_the_memory_there_is(
    cnmem: str, gpu_memory: int | None, mebibytes: int | None
) -> None:
    """On a GPU of 80 GiB, or one that is made to have less."""
    job = Job(**(CPU | {"device": "cuda", "cnmem": cnmem, "gpu_memory": gpu_memory}))
    reserved = job.reserved_bytes(80 * 2**30)
    assert (None if reserved is None else reserved // 2**20) == mebibytes


def test_ids_of_all_loops_and_precisions_differ() -> None:
    """So that no case of a grid hides another."""
    every = itertools.product(LOOPS, PRECISIONS)
    ids = {Job(**CPU, loop=loop, precision=name).id for loop, name in every}
    assert len(ids) == len(LOOPS) * len(PRECISIONS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"engine": "caffe"},
            "unknown engine 'caffe'; there are: jax, tensorflow, theano",
        ),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"size": 0}, "size=0"),
        ({"size": 21}, "size=21 px is too small .* the smallest is 22 px"),
        ({"size": 64.0}, "size=64.0"),
        ({"batch": 0}, "batch=0"),
        ({"batch": 500}, "batch=500 is larger than images=300; lower --batches"),
        ({"batch": 70}, "batch=70 does not divide images=300"),
        ({"cores": 0}, "cores=0"),
        ({"cores": True}, "cores=True"),
        ({"cnmem": "1"}, "cnmem='1' on device 'cpu'"),
        ({"device": "cuda"}, "cnmem=None on device 'cuda'"),
        ({"device": "cuda", "cnmem": "-1"}, "cnmem='-1' is not a memory pool"),
        ({"device": "cuda", "cnmem": "1.0"}, "cnmem='1.0' is written 1 here"),
        ({"batch": math.nan}, "batch=nan"),
        ({"loop": "scan"}, "unknown loop 'scan'; there are: fit, fused, peer"),
        ({"loop": "Fit"}, "unknown loop 'Fit'"),
        ({"loop": None}, "unknown loop None"),
        (
            {"precision": "float16"},
            "unknown precision 'float16'; there are: float32, tf32, bfloat16",
        ),
        ({"precision": ""}, "unknown precision ''"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    """One line names the value and what was expected."""
    with pytest.raises(InputError, match=message) as caught:
        Job(**(CPU | change))
    assert "\n" not in str(caught.value)


def test_the_smallest_size_is_accepted() -> None:
    """22 px leave one value a map behind the third pooling."""
    assert Job(**(CPU | {"size": 22})).size == 22

"""Job: what is checked when one is made."""

import math
from typing import Any

import pytest

from histocnn.errors import InputError
from histocnn.job import Job

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
    ("change", "message"),
    [
        ({"engine": "caffe"}, "unknown engine 'caffe'; there are: tensorflow, theano"),
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

"""JAX for a GPU, as far as a machine without one can tell."""

import pytest

from histocnn.job import Job
from tests.in_environment import printed_by

SEEN = """
import json, sys
from histocnn.engines import jax as engine
from histocnn.job import Job
runtime = engine.load(Job("jax", sys.argv[1], 32, 10, sys.argv[2] or None, 1))
print(json.dumps(runtime.jax.config.read("jax_cuda_visible_devices")))
"""


@pytest.mark.parametrize(
    ("device", "cnmem", "visible"), [("cuda", "0", "0"), ("cpu", "", "all")]
)
def test_of_several_gpus_jax_opens_the_first_alone(
    device: str, cnmem: str, visible: str
) -> None:
    """It would reserve its pool on each; no variable of the environment says so."""
    job = Job("jax", device, 32, 10, cnmem or None, 1)
    assert printed_by(job, "-c", SEEN, device, cnmem) == visible

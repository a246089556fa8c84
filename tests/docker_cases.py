"""What the tests of containers share: a small job, and the suite's containers."""

import time
from typing import Any

from benchmarks.launchers.docker import LABEL
from benchmarks.settling import Effort
from histocnn.job import Job

EFFORT = Effort(launches=1, rounds=2, timeout=300)


def small_job(engine: str) -> Job:
    """One step an epoch at 32 px: seconds."""
    return Job(engine, "cpu", 32, 20, None, 1, 20)


def wait_for_containers(client: Any, wanted: int) -> list[Any]:
    """The suite's containers, once there are ``wanted`` of them or 20 s have passed."""
    deadline = time.monotonic() + 20
    while True:
        # Sparse: one that is removed while it is looked at is no error.
        found: list[Any] = client.containers.list(
            all=True, sparse=True, filters={"label": LABEL}
        )
        if len(found) == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.05)

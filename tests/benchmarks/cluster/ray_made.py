"""Launches made to order on a node of a cluster, in place of measured ones."""

import os
import time
from collections.abc import Callable

from benchmarks.cluster import Order
from benchmarks.launchers import Settings
from benchmarks.measure import Step
from histocnn.measurement import Launch
from tests.launches import a_launch

#: As a cluster takes it.
SLEEP = f"{__name__}:sleep"


def sleep(order: Order, settings: Settings, on_step: Callable[[Step], None]) -> Launch:
    """A launch that takes ``effort.timeout`` seconds; its step tells its process."""
    if order.effort.timeout:
        on_step(Step(order.number, 0, f"pid {os.getpid()}"))
    time.sleep(order.effort.timeout)
    return a_launch([order.effort.timeout or 1.0])

"""What Ray runs on a node: tasks that describe it, and that measure one launch."""

import importlib
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.cluster import (
    Faulted,
    Joined,
    Measured,
    Order,
    Stepped,
    ray_listen,
    wire,
)
from benchmarks.cluster.node import describe, folder
from benchmarks.cluster.ray_arrays import obtain
from benchmarks.environments import ROOT
from benchmarks.launchers import Settings
from benchmarks.measure import Step
from benchmarks.outcomes import MeasuringFailed, Outcome
from histocnn.errors import InputError
from histocnn.measurement import Launch
from tools.checkout import Checkout, is_ready

#: What measures an order unless a test says otherwise, as `measured` looks it up.
MEASURE = "benchmarks.cluster.node:measure"
#: Seconds between steps that are told: telling takes time of the node's cores.
_PAUSE = 0.5

Measure = Callable[[Order, Settings, Callable[[Step], None]], Launch]
_Result = Measured | Faulted


def described(identity: str, command: bytes) -> bytes:
    """This node as a line of `Joined`; ``command`` is the session's `wire.Open`.

    Raises `InputError` where it cannot keep what it needs.
    """
    _prepare()
    opened = wire.decode_command(command)
    assert isinstance(opened, wire.Open)
    if (why := _unfit()) is not None:
        raise InputError(why)
    node = describe(identity, opened.kinds, opened.settings)
    return wire.encode_reply(Joined(node))


def measured(measure: str, task: bytes, arrays: list[Any]) -> Iterator[bytes]:
    """Lines of `Stepped` as the launch goes on, of `Measured` or `Faulted` as it ends.

    Parameters
    ----------
    measure
        ``module:function`` that makes the launch (`Measure`).
    task
        the order, as `wire.encode_task` has it.
    arrays
        a reference to its prepared images, as `ray_arrays.pack` has them, for nodes
        that have none yet; empty where the order needs none.
    """
    _prepare()
    order, settings = wire.decode_task(task)
    steps: queue.SimpleQueue[bytes | _Result] = queue.SimpleQueue()

    def run() -> None:
        steps.put(_result(measure, order, settings, arrays, steps))

    # Beside: this thread has to hand each step to Ray, which asks for it.
    thread = threading.Thread(target=run)
    thread.start()
    while isinstance(said := steps.get(), bytes):
        yield said
    thread.join()
    yield wire.encode_reply(said)


def _result(
    measure: str,
    order: Order,
    settings: Settings,
    arrays: list[Any],
    steps: "queue.SimpleQueue[bytes | _Result]",
) -> _Result:
    """Have the launch made; steps are put into ``steps``, some of them left out."""
    at, started = time.time(), time.monotonic()
    last = float("-inf")

    def on_step(step: Step) -> None:
        nonlocal last
        if time.monotonic() - last >= _PAUSE:
            last = time.monotonic()
            steps.put(wire.encode_reply(Stepped(order.ticket, step)))

    launch, outcome = None, None
    try:
        if arrays:
            entry = obtain(order.arrays.name, lambda: _fetched(arrays[0]))
            order = replace(order, arrays=entry)
        launch = _function(measure)(order, settings, on_step)
    except MeasuringFailed as failure:
        outcome = failure.outcome
    except InputError as error:
        fault = Outcome("failed", str(error))
        return Faulted(order.ticket, fault.anonymous())
    except Exception as error:  # ours: without its words nobody could mend it
        message = f"the node failed: {type(error).__name__}: {error}"
        fault = Outcome("failed", message, words=traceback.format_exc())
        return Faulted(order.ticket, fault.anonymous())
    return Measured(
        order.ticket,
        launch,
        None if outcome is None else outcome.anonymous(),
        time.monotonic() - started,
        at,
    )


def _fetched(reference: Any) -> Any:
    import ray

    return ray.get(reference)


def _function(name: str) -> Measure:
    module, _, function = name.partition(":")
    found: Measure = getattr(importlib.import_module(module), function)
    return found


def _prepare() -> None:
    """Set this process up as a session of the node's own would be."""
    ray_listen.forget(os.environ)  # or workers would load it, too
    if "HISTOCNN_CACHE" not in os.environ:  # not started by make ray-node
        base = Path("~/.cache/histocnn").expanduser()
        os.environ["HISTOCNN_CACHE"] = str(folder(base))


def _unfit() -> str | None:
    """Why nothing that is measured here would be worth anything; None where it is."""
    lock = Checkout(ROOT).lock("ray")
    if not is_ready(Path(sys.prefix), lock):
        return (
            "its Ray environment has other pins than the driver's checkout; run make "
            "ray-node again from a checkout of that commit"
        )
    # Ray's own default for its workers is 15, and what they start inherits it.
    raylet = os.getpriority(os.PRIO_PROCESS, os.getppid())
    if os.getpriority(os.PRIO_PROCESS, 0) > raylet:
        return (
            "Ray runs its workers at a lower priority there; start it by make "
            "ray-node, or with RAY_worker_niceness=0"
        )
    return None

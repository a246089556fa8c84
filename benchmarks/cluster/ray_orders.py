"""Orders as Ray tasks: each one on the node that was chosen for it, never repeated."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cluster import Faulted, Lost, Measured, ray_arrays, ray_tasks, wire
from benchmarks.cluster.ray_watch import RESOURCE
from benchmarks.launchers import DEFAULTS
from benchmarks.outcomes import Outcome

_LONGEST = 300  # characters of what Ray says


def line(error: BaseException) -> str:
    """What an exception says, on one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class Orders:
    """The launches that are out.

    Attributes
    ----------
    settings
        of the session, for every order.
    """

    def __init__(
        self,
        ray: Any,
        measure: str,
        send: Callable[..., None],
        missed: Callable[[str, str], None],
    ) -> None:
        """No launch is out yet.

        Parameters
        ----------
        measure
            ``module:function`` that makes a launch.
        send
            takes lines.
        missed
            takes a node that is gone, and why that is thought.
        """
        self._ray = ray
        self._measure = measure
        self._send = send
        self._missed = missed
        self.settings = DEFAULTS
        self._out: dict[int, Any] = {}
        self._cancelled: set[int] = set()
        self._arrays: dict[str, asyncio.Future[list[Any]]] = {}
        # A node declares one of the resource: nothing else of ours runs meanwhile.
        self._task = ray.remote(
            num_cpus=0,
            resources={RESOURCE: 1},
            max_retries=0,
            num_returns="streaming",
        )(ray_tasks.measured)

    def cancel(self, ticket: int) -> None:
        """Kill the process that makes the launch, and its worker with it."""
        self._cancelled.add(ticket)
        if (stream := self._out.get(ticket)) is not None:
            self._ray.cancel(stream, force=True)

    async def measure(self, order: Any, node: str) -> None:
        """Pass on what comes of ``order``, a `wire.Submit.order`."""
        try:
            await self._stream(order, node)
        except Exception as error:  # of Ray's, or of what a node raised
            if order.ticket not in self._cancelled:
                self._went_wrong(order.ticket, node, error)
        finally:
            self._out.pop(order.ticket, None)
            self._cancelled.discard(order.ticket)

    async def _stream(self, order: Any, node: str) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        arrays = await self._put(Path(order.arrays))
        if order.ticket in self._cancelled:
            return
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        self._out[order.ticket] = stream = self._task.options(
            scheduling_strategy=there
        ).remote(self._measure, wire.encode_task(order, self.settings), arrays)
        async for reference in stream:
            reply = await reference
            if order.ticket not in self._cancelled:
                self._send(reply)

    async def _put(self, entry: Path) -> list[Any]:
        """A reference to the prepared images, which stays for the whole session."""
        name = str(entry)
        if name not in self._arrays:
            work = asyncio.to_thread(self._packed, entry)
            self._arrays[name] = asyncio.ensure_future(work)
        return await self._arrays[name]

    def _packed(self, entry: Path) -> list[Any]:
        if not (entry / "entry.json").is_file():
            return []  # what measures in a test may need none
        return [self._ray.put(ray_arrays.pack(entry))]

    def _went_wrong(self, ticket: int, node: str, error: Exception) -> None:
        """Tell what became of a launch, and of its node if that is gone."""
        from ray import exceptions

        if isinstance(error, exceptions.OutOfMemoryError):
            message = f"out of memory: Ray killed the launch: {line(error)}"
            outcome = Outcome("out-of-memory", message, "SIGKILL").anonymous()
            self._send(wire.encode_reply(Measured(ticket, None, outcome, 0.0)))
            return
        if isinstance(error, exceptions.RayTaskError):
            message = f"the node failed: {line(error.cause or error)}"
            outcome = Outcome("failed", message, words=str(error)).anonymous()
            self._send(wire.encode_reply(Faulted(ticket, outcome)))
            return
        gone = (exceptions.NodeDiedError, exceptions.TaskUnschedulableError)
        if isinstance(error, gone):
            # Before its launch, which would make it a free node, and have the next.
            self._missed(node, "it does not answer")
            why = "its node is gone"
        elif isinstance(error, exceptions.WorkerCrashedError):
            why = "the process that made it was killed"
        else:
            why = line(error)
        self._send(wire.encode_reply(Lost(ticket, why)))

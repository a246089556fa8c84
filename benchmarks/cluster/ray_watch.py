"""The nodes of a Ray cluster: who measures, who joins, who is gone."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from benchmarks.cluster import Left, number_of_nodes, ray_tasks, wire
from benchmarks.cluster.wire import Refused, Said

#: Of which a node declares one where it measures, and a launch takes it.
RESOURCE = "histocnn"
_PERIOD = 1.0  # seconds between looks at the list of nodes
_SAYING = 30.0  # seconds between reminders that nodes set themselves up
#: Seconds that Ray may go on listing a node that did not answer.
_DOUBT = 60.0


class Watch:
    """Tells of nodes by `Joined` lines, which they write themselves, and `Left`."""

    def __init__(self, ray: Any, send: Callable[..., None]) -> None:
        """``send`` takes lines."""
        self._ray = ray
        self._send = send
        self._joined: set[str] = set()
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._refused: set[str] = set()
        self._doubted: dict[str, float] = {}
        self._task = ray.remote(num_cpus=0, max_retries=0)(ray_tasks.described)

    async def look(self, command: bytes) -> None:
        """Ask the nodes that are there, and wait until each has answered or gone."""
        await self._once(command)
        told_at = time.monotonic() + _SAYING / 6  # soon for the first time
        while pending := [task for task in self._asked.values() if not task.done()]:
            await asyncio.wait(pending, timeout=_PERIOD)
            await self._once(command)
            if time.monotonic() >= told_at:
                told_at = time.monotonic() + _SAYING
                text = f"{number_of_nodes(len(pending))} still to be set up"
                self._send(wire.encode_reply(Said(text)))

    async def go_on(self, command: bytes) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD)
            await self._once(command)

    def missed(self, node: str, why: str) -> None:
        """A launch found ``node`` gone, which Ray may list for a while yet."""
        self._doubted[node] = time.monotonic()
        self._leave(node, why)

    async def _once(self, command: bytes) -> None:
        listed = await asyncio.to_thread(self._ray.nodes)
        measuring = {
            node["NodeID"]: node
            for node in listed
            if node["Alive"] and node["Resources"].get(RESOURCE, 0) > 0
        }
        now = time.monotonic()
        for node, since in list(self._doubted.items()):
            if node not in measuring or now - since > _DOUBT:
                del self._doubted[node]
        reasons = {node["NodeID"]: node["DeathReasonMessage"] for node in listed}
        for node in list(self._joined):
            if node not in measuring:
                self._leave(node, " ".join((reasons.get(node) or "").split()))
        self._refused &= measuring.keys()
        known = self._joined | self._refused | self._doubted.keys() | self._asked.keys()
        for node in measuring.keys() - known:
            task = asyncio.ensure_future(self._ask(node, command))
            self._asked[node] = task

    async def _ask(self, node: str, command: bytes) -> None:
        """Have ``node`` describe itself, which may build what it lacks."""
        from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(node, soft=False)
        try:
            joined = await self._task.options(scheduling_strategy=there).remote(
                node, command
            )
        except (RayTaskError, RuntimeEnvSetupError) as error:
            cause = error.cause if isinstance(error, RayTaskError) else error
            why = " ".join(str(cause or error).split())
            self._refused.add(node)
            self._send(wire.encode_reply(Refused(why)))
        except RayError:  # it was killed, or the process that was asked
            self._doubted[node] = time.monotonic()
        else:
            self._joined.add(node)
            self._send(joined)
        finally:
            del self._asked[node]

    def _leave(self, node: str, why: str) -> None:
        if node in self._joined:
            self._joined.discard(node)
            reason = why or "Ray lists it no more"
            self._send(wire.encode_reply(Left(node, reason)))

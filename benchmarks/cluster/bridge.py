"""The bridge between a session and a Ray cluster: a process of its own, Ray's driver.

``python -m benchmarks.cluster.bridge --address HOST:PORT`` takes commands on stdin and
answers on stdout, as `benchmarks.cluster.wire` has them. Ray ends its driver where the
head is gone for long; the session, which is another process, goes on.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from benchmarks.cluster import ray_listen, ray_tasks, ray_token, wire
from benchmarks.cluster.ray_orders import Orders, line
from benchmarks.cluster.ray_watch import Watch
from benchmarks.cluster.wire import Cancel, Failed, Open, Opened, Submit
from histocnn.errors import InputError

_LEAVING = 5.0  # seconds that Ray gets to end the job


def main(argv: list[str]) -> int:
    """Speak until stdin ends; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster.bridge")
    parser.add_argument("--address", required=True)
    parser.add_argument("--project", required=True, help="the folder that nodes get")
    parser.add_argument("--measure", default=ray_tasks.MEASURE)
    arguments = parser.parse_args(argv)
    replies = _own_stdout()
    commands = _Commands()
    failed = _absent(arguments.address) or _without_token()
    if failed is not None:
        replies.write(wire.encode_reply(failed))
        return 1
    try:
        ray = _connect(arguments.address, arguments.project)
    except Exception as error:  # of many types, by Ray and by what it stands on
        replies.write(wire.encode_reply(_failure(error, arguments.address)))
        return 1
    try:
        asyncio.run(Bridge(ray, arguments.measure, replies).run(commands))
    finally:
        _leave(ray)
    return 0


class Bridge:
    """Commands to Ray, and what comes of them back."""

    def __init__(self, ray: Any, measure: str, replies: BinaryIO) -> None:
        """``measure``: ``module:function`` that makes a launch on a node."""
        self._ray = ray
        self._replies = replies
        self._watch = Watch(ray, self.send)
        self._orders = Orders(ray, measure, self.send, self._watch.missed)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, *replies: bytes) -> None:
        """Pass lines on; where nobody reads them the bridge has no use."""
        try:
            self._replies.write(b"".join(replies))
        except BrokenPipeError:
            os._exit(0)

    async def run(self, commands: "_Commands") -> None:
        """Do what is asked until there is no more."""
        commands.begin(asyncio.get_running_loop())
        while (text := await commands.next()) is not None:
            match wire.decode_command(text):
                case Open(_, settings):
                    self._orders.settings = settings
                    self._start(self._open(text))
                case Submit(order, node):
                    self._start(self._orders.measure(order, node))
                case Cancel(ticket):
                    self._orders.cancel(ticket)

    async def _open(self, command: bytes) -> None:
        """Ask the nodes that are there, say so, then look out for others."""
        await self._watch.look(command)
        self.send(wire.encode_reply(Opened()))
        await self._watch.go_on(command)

    def _start(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            message = f"the bridge to the cluster failed: {line(error)}"
            self.send(wire.encode_reply(Failed(message, final=False)))
            os._exit(1)


class _Commands:
    """Lines of stdin, read by a thread: its end is heard of whatever Ray does."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._begun = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand lines to ``loop`` from now on."""
        self._loop = loop
        self._begun.set()

    async def next(self) -> bytes | None:
        """The next line; None behind the last."""
        return await self._lines.get()

    def _read(self) -> None:
        first = sys.stdin.buffer.readline()
        if not first:
            os._exit(0)  # the session left before Ray had answered
        self._begun.wait()
        for text in self._all(first):
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._lines.put_nowait, text)
        threading.Timer(2 * _LEAVING, os._exit, (0,)).start()  # whatever hangs

    def _all(self, first: bytes) -> Iterator[bytes | None]:
        yield first
        yield from iter(sys.stdin.buffer.readline, b"")
        yield None


def _connect(address: str, project: str) -> Any:
    """Ray, connected as a driver whose workers have the folder ``project``."""
    import ray

    ray.init(
        address=address,
        runtime_env={"working_dir": project},
        log_to_driver=False,
        logging_level="ERROR",
    )
    return ray


def _absent(address: str) -> Failed | None:
    """What is not there that a driver needs; Ray would look for it for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_LEAVING).close()
    except OSError:
        return Failed(
            f"no Ray head answers at {address}; start one there by make ray-head, and "
            "name its address and port",
            final=False,
        )
    if not ray_listen.nodes_here():
        return Failed(
            "no part of Ray runs on this machine, and its driver needs one; run make "
            f"ray-node ADDRESS={address} here, or start this on the head's machine",
            final=False,
        )
    return None


def _without_token() -> Failed | None:
    """That there is no token which may be used; None where there is."""
    try:
        ray_token.require()
    except InputError as error:
        return Failed(str(error), final=True)
    return None


def _leave(ray: Any) -> None:
    """End the job, and with it what it runs on the nodes; Ray may not answer."""
    ending = threading.Thread(target=ray.shutdown, daemon=True)
    ending.start()
    ending.join(_LEAVING)
    if ending.is_alive():
        os._exit(0)


def _failure(error: Exception, address: str) -> Failed:
    """Why there is no connection, in a line with the remedy."""
    said, cause = [], error
    while cause is not None:
        said.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    text = " ".join(said)
    if "AuthenticationError" in text:
        return Failed(
            f"the Ray head at {address} takes another token than that of "
            f"{ray_token.place()}, or there is none; copy the head's to there, "
            "readable by you alone (chmod 600)",
            final=True,
        )
    if "Version mismatch" in text:
        return Failed(
            f"the Ray head at {address} is of another version: {line(error)}; start it "
            "by make ray-head from a checkout of the same commit",
            final=True,
        )
    return Failed(f"no driver at the Ray head {address}: {line(error)}", final=False)


def _own_stdout() -> BinaryIO:
    """Where replies go; what Ray and others print goes to stderr from now on."""
    sys.stdout.flush()
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return replies


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))

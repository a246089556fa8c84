"""Starts Ray's head or one of its nodes: ``make ray-head``, ``make ray-node``.

Both stay in the foreground until Ctrl-C or SIGTERM. A node whose head went away joins
it again once it is back.
"""

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from benchmarks import fingerprint
from benchmarks.cluster import ray_listen, ray_token
from benchmarks.cluster.node import folder, name
from benchmarks.cluster.ray_options import (
    common,
    environment,
    labels,
    program,
    scratch_folder,
)
from benchmarks.cluster.ray_process import Ended, RayProcess
from benchmarks.cluster.ray_retry import Retry
from benchmarks.cluster.ray_watch import RESOURCE
from benchmarks.environments import ROOT
from histocnn import cache
from histocnn.errors import InputError


def main(argv: list[str]) -> int:
    """Run a head or a node until it is ended; return the exit status."""
    parser = argparse.ArgumentParser(prog="make")
    commands = parser.add_subparsers(dest="command", required=True)
    of_head = commands.add_parser("ray-head")
    of_head.add_argument("address", metavar="ADDRESS[:PORT]")
    of_node = commands.add_parser("ray-node")
    of_node.add_argument("address", metavar="ADDRESS:PORT")
    of_node.add_argument("--own-address", help="of this machine, for the others")
    arguments = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        if arguments.command == "ray-head":
            head(arguments.address)
        else:
            node(arguments.address, arguments.own_address)
    except InputError as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def head(text: str) -> NoReturn:
    """Run the head at the address ``text`` until Ctrl-C.

    Raises `InputError` where it cannot be there, or has ended by itself.
    """
    address, port = ray_listen.parse(text)
    _require_free(address, port)
    token = ray_token.ensure(ROOT)
    os.environ["HISTOCNN_CACHE"] = str(folder(ROOT / ".cache"))
    with scratch_folder(f"head-{port}") as scratch:
        command = [
            *(program(), "start", "--head", "--port", str(port)),
            *("--include-dashboard", "false", "--no-monitor"),
            *common(address, scratch),
        ]
        with RayProcess(command, environment(address, scratch), scratch) as process:
            try:
                process.wait_until_ready()
            except Ended as ended:
                raise InputError(f"Ray did not start: {ended.said}") from None
            print(_next_steps(f"{address}:{port}", token), flush=True)
            said = process.wait().said
    raise InputError(f"the head ended: {said}")


def node(text: str, own: str | None) -> NoReturn:
    """Run a node of the head at ``text`` until Ctrl-C, joining it again if need be.

    ``own`` is the address of this machine that it listens on; None for the one by which
    it reaches the head. Raises `InputError` where it cannot join.
    """
    host, port = ray_listen.parse(text)
    if own is not None and ":" in own:
        raise InputError(f"--own-address {own!r}: an IPv4 address or name, no port")
    own = ray_listen.own_address(host) if own is None else ray_listen.parse(own)[0]
    if not ray_listen.is_own(own):
        raise InputError(f"{own} is no address of this machine; hostname -I lists them")
    ray_token.require()
    os.environ["HISTOCNN_CACHE"] = str(folder(ROOT / ".cache"))
    hard = fingerprint.take().hard
    with _only_one(), scratch_folder(name()) as scratch:
        command = [
            *(program(), "start", "--address", f"{host}:{port}"),
            *("--resources", json.dumps({RESOURCE: 1})),
            *("--labels", ",".join(f"{k}={v}" for k, v in labels(hard).items())),
            *common(own, scratch),
        ]
        _stay(command, environment(own, scratch), scratch, (host, port))


def _stay(
    command: list[str], variables: dict[str, str], scratch: Path, head: tuple[str, int]
) -> NoReturn:
    """Run the node again and again; `InputError` once the head is away for long."""
    retry = Retry()
    while True:
        why = "no head answers there"
        if _answers(head):
            with RayProcess(command, variables, scratch) as process:
                try:
                    process.wait_until_ready()
                except Ended as ended:
                    why = ended.said
                else:
                    print(f"node-{name()} measures for {head[0]}:{head[1]}", flush=True)
                    why = process.wait().said
                    retry.reset()
        if (pause := retry.failed()) is None:
            raise InputError(f"{head[0]}:{head[1]}: {why}; start one by make ray-head")
        if (told := retry.announce(f"{head[0]}:{head[1]}: {why}")) is not None:
            print(told, flush=True)
        time.sleep(pause)


def _answers(head: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(head, timeout=5):
            return True
    except OSError:
        return False


def _require_free(address: str, port: int) -> None:
    """Raise `InputError` where nothing can listen at ``address`` and ``port``."""
    if not ray_listen.is_own(address):
        raise InputError(
            f"{address} is no address of this machine; hostname -I lists them"
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise InputError(
                f"port {port} of {address} cannot be had: {error.strerror}; a head may "
                "run there already: name another port as ADDRESS:PORT"
            ) from None


@contextmanager
def _only_one() -> Iterator[None]:
    """Raise `InputError` where a node of the same cache folder runs already."""
    lock = FileLock(cache.scratch() / "ray-node.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"a node with its caches in {cache.folder()} runs already; for another on "
            "this machine set HISTOCNN_CACHE to a folder of its own"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _next_steps(address: str, token: Path | None) -> str:
    """The commands for nodes and driver."""
    where = f"the token in {token}" if token else "the token of RAY_AUTH_TOKEN"
    return (
        f"Ray's head listens at {address}; Ctrl-C ends it.\n"
        f"On each machine that measures, once {where} has been copied there\n"
        "(to the same place, readable by you alone), in a checkout of this commit:\n"
        f"  make ray-node ADDRESS={address}\n"
        "On this machine, or on one of those:\n"
        "  .envs/bench/bin/python -m pytest benchmarks --launcher ray "
        f"--ray-address {address}"
    )


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

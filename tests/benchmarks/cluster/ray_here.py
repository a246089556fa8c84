"""A Ray cluster on this machine, as `make ray-head` and `make ray-node` start one.

Each of its members has an address of its own in 127.0.0.0/8, which no other machine
reaches, and caches of its own. All that it starts carries `MARK`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import psutil

from benchmarks import environments
from benchmarks.cluster.ray_retry import Retry
from benchmarks.launchers import Settings
from benchmarks.launchers.ray import Cluster
from tests.conftest import ROOT

MARK = "HISTOCNN_RAY_TEST"
HEAD = "127.0.0.11"
NODES = ("127.0.0.12", "127.0.0.13", "127.0.0.14")
_PATIENCE = 60.0

_Found = TypeVar("_Found")


def eventually(find: Callable[[], _Found], patience: float = _PATIENCE) -> _Found:
    """What ``find`` finds, once that is anything; fails after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not (found := find()):
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.1)
    return found


class RayHere:
    """A head and the nodes of ``NODES``; gone with all processes at the end."""

    def __init__(self, faults: str = "{}") -> None:
        """Nothing runs yet; fake workers behave as ``faults``, JSON, says."""
        # Not in TMPDIR, which may be a long path: those of sockets have to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="hr", dir="/tmp"))
        self.mark = uuid.uuid4().hex
        with socket.socket() as probe:
            probe.bind((HEAD, 0))
            self.address = f"{HEAD}:{probe.getsockname()[1]}"
        self.variables = {
            MARK: self.mark,
            "TMPDIR": str(self.folder),
            "RAY_AUTH_TOKEN_PATH": str(self.folder / "token"),
            "HISTOCNN_FAKE": faults,
            # Faults are noticed sooner than where machines are busy or far away.
            "RAY_health_check_initial_delay_ms": "1000",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_failure_threshold": "4",
            "RAY_gcs_rpc_server_reconnect_timeout_s": "3",
            "RAY_NUM_REDIS_GET_RETRIES": "3",
        }
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "RayHere":
        try:
            self.start_head()
            for address in NODES:
                self.start_node(address)
            for address in NODES:
                self.await_line(address, "measures for")
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def start_head(self) -> None:
        """Start the head; return once it serves."""
        self._start(HEAD, "ray-head", "--", self.address)
        self.await_line(HEAD, "listens at")

    def start_node(self, address: str) -> None:
        """Start a node that listens at ``address``, which takes some seconds."""
        self._start(address, "ray-node", "--own-address", address, "--", self.address)

    def await_line(self, address: str, words: str) -> None:
        """Return once the member at ``address`` has said ``words``, since its start."""
        eventually(lambda: words in self.said(address))

    def said(self, address: str) -> str:
        """What the member at ``address`` has printed."""
        return (self.folder / f"{address}.log").read_text(errors="replace")

    def kill(self, address: str) -> None:
        """As if the machine lost its power: SIGKILL to all that the member started."""
        process = self._started.pop(address)
        everything = family(process.pid)
        # All stop before the first goes: one that saw another's end would tell of it.
        for end in (psutil.Process.suspend, psutil.Process.kill):
            for each in everything:
                with contextlib.suppress(psutil.NoSuchProcess):
                    end(each)
        process.wait()
        psutil.wait_procs(everything, timeout=10)

    def end(self) -> None:
        """End every member as Ctrl-C does, the nodes first."""
        for address in sorted(self._started, key=lambda each: each == HEAD):
            process = self._started.pop(address)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """All living processes that carry this cluster's mark."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                dead = process.status() == psutil.STATUS_ZOMBIE
                if not dead and process.environ().get(MARK) == self.mark:
                    found.append(process)
        return found

    def bridges(self) -> list[psutil.Process]:
        """The sessions' bridges to this cluster that live."""
        return running("benchmarks.cluster.bridge", self.processes())

    @contextlib.contextmanager
    def cluster(
        self,
        measure: str | None = None,
        *,
        settings: Settings | None = None,
        said: list[str] | None = None,
    ) -> Iterator[Cluster]:
        """A cluster as a session has it; ``said`` takes what it tells the user."""
        settings = settings or Settings(address=self.address)
        lines: list[str] = [] if said is None else said
        cluster = Cluster(
            settings,
            measure=measure,
            say=lines.append,
            retry=Retry(pauses=(1.0, 2.0)),
        )
        try:
            yield cluster
        finally:
            cluster.close()

    def _start(self, address: str, *arguments: str) -> None:
        log = self.folder / f"{address}.log"
        with log.open("wb") as file:
            self._started[address] = subprocess.Popen(
                [
                    str(environments.interpreter("ray")),
                    *("-m", "benchmarks.cluster.ray_start", *arguments),
                ],
                cwd=ROOT,
                env={
                    **os.environ,
                    **self.variables,
                    "HISTOCNN_CACHE": str(self.folder / address),
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )


def family(pid: int) -> list[psutil.Process]:
    """The process ``pid`` and all that it has started, and those in turn."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def running(module: str, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of ``processes`` that run the Python ``module``."""
    found = []
    for process in processes:
        # One may have ended since it was listed, as those that are waited for do.
        with contextlib.suppress(psutil.NoSuchProcess):
            if module in process.cmdline():
                found.append(process)
    return found

"""The line to a worker in a container, and how to tell what became of it."""

import contextlib
import queue
import signal
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from benchmarks.launchers import WorkerDied
from benchmarks.outcomes import Outcome

_LAST_WORDS = 2000  # characters of stderr that an error shows
_GRACE = 10.0  # seconds that a worker gets to leave by itself


class DockerChannel:
    """The line to a container: its attach socket, on which stdout and stderr share."""

    def __init__(
        self,
        client: Any,
        container: Any,
        image: Any,
        limit: int | None,
        remedy: str = "",
        cpus: tuple[int, ...] = (),
    ) -> None:
        """Attach to ``container``, then start it, so that no word is lost.

        ``limit`` is its memory in bytes, for the words of an error; ``cpus`` are those
        it may use.
        """
        self._client = client
        self._container = container
        self._limit = limit
        self.remedy = remedy
        self.cpus = cpus
        self.pid: int | None = None
        self._since = time.time()
        self.facts = {
            "launcher": "docker",
            "image": next(iter(image.tags), image.id),
            "image_id": image.id,
            **{f"label:{key}": value for key, value in sorted(image.labels.items())},
        }
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._words: deque[bytes] = deque(maxlen=64)
        with contextlib.ExitStack() as unless_started:
            # One that never ran is not removed by itself.
            unless_started.callback(_remove, container)
            self._socket = container.attach_socket(params=streams)
            unless_started.callback(self._socket.close)
            container.start()
            unless_started.pop_all()
        self.pid = self._first_process()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, line: bytes) -> None:
        """Pass a line on; `WorkerDied` where nobody listens."""
        try:
            self._socket._sock.sendall(line)
        except OSError:
            raise WorkerDied(self._obituary()) from None

    def receive(self, timeout: float) -> bytes:
        """The next line within ``timeout`` seconds; `TimeoutError`, `WorkerDied`."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            self._lines.put(None)  # it stays dead, however often it is asked
            raise WorkerDied(self._obituary())
        return line

    def close(self) -> None:
        """Hang up, which ends the worker; kill what stays. Docker removes it."""
        with contextlib.suppress(OSError):  # the other side may have hung up
            self._socket._sock.shutdown(socket.SHUT_RDWR)
        self._reader.join(_GRACE)
        self._socket.close()
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the container, and wait until it is gone."""
        import docker

        gone = (docker.errors.DockerException, OSError)  # or its engine is
        with contextlib.suppress(*gone):
            self._container.kill()
        deadline = time.monotonic() + _GRACE
        while self._exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _first_process(self) -> int | None:
        """Its pid, where the engine shares this process's view of the machine."""
        import docker

        try:
            self._container.reload()
            pid = int(self._container.attrs["State"]["Pid"])
        except (docker.errors.DockerException, OSError, KeyError):
            return None
        # A remote engine's pid may be anybody's here: ours has the container's id.
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return None
        return pid if self._container.id in groups else None

    def _exists(self) -> bool:
        import docker

        try:
            self._container.reload()
        except (docker.errors.DockerException, OSError):
            return False
        return True

    def _read(self) -> None:
        """Take the stream apart into reply lines and last words, until it ends."""
        from docker.utils.socket import STDOUT, frames_iter

        pending = b""
        try:
            for stream, data in frames_iter(self._socket, tty=False):
                if stream != STDOUT:
                    self._words.append(data)
                    continue
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._lines.put(line + b"\n")
        except (OSError, ValueError):
            pass  # hung up from this side
        self._lines.put(None)

    def _obituary(self) -> Outcome:
        """How the container ended, from the engine's events: it is removed by now."""
        import docker

        self.kill()
        try:
            code, out_of_memory = self._ending()
        except (docker.errors.DockerException, OSError):
            message = "the Docker engine went away, and the worker with it"
            return Outcome("crashed", message)
        if out_of_memory:
            limit = (
                f"the container's limit of {self._limit / 2**20:.0f} MB"
                if self._limit
                else "what the machine has"
            )
            message = f"out of memory: the worker wanted more than {limit}"
            return Outcome("out-of-memory", message, "SIGKILL")
        words = b"".join(self._words).decode(errors="replace").strip()[-_LAST_WORDS:]
        message = f"the worker's container died (exit code {code})"
        return Outcome("crashed", message, _signal(code), words)

    def _ending(self) -> tuple[str, bool]:
        """Exit code, and whether the kernel killed it for its memory."""
        deadline = time.monotonic() + _GRACE
        while True:
            events = list(
                self._client.api.events(
                    since=int(self._since) - 1,
                    until=int(time.time()) + 1,
                    filters={"container": self._container.id},
                    decode=True,
                )
            )
            actions = [event.get("Action") for event in events]
            if "die" in actions or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        codes = [
            event["Actor"]["Attributes"].get("exitCode", "?")
            for event in events
            if event.get("Action") == "die"
        ]
        return (codes or ["unknown"])[-1], "oom" in actions


def _remove(container: Any) -> None:
    import docker

    with contextlib.suppress(docker.errors.DockerException, OSError):
        container.remove(force=True)


def _signal(code: str) -> str | None:
    """The signal of an exit code as shells count it: 137 is SIGKILL."""
    try:
        return signal.Signals(int(code) - 128).name
    except ValueError:
        return None

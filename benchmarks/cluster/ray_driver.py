"""The session's end of the line to a bridge: the process, its lines, its last words."""

import contextlib
import os
import selectors
import subprocess
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import environments
from benchmarks.cluster import ray_listen, wire
from histocnn.errors import InputError

_GRACE = 12.0  # seconds that the bridge gets to end its job and leave
#: Seconds without the head after which Ray ends the bridge.
_HEAD_SECONDS = 30
_TRIES = 5  # to reach the head, a second each


class BridgeEnded(Exception):
    """The bridge is gone, or will be; ``final``: another one would end alike."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        """``message`` is a line for the user."""
        super().__init__(message)
        self.final = final


class Driver:
    """A bridge that has been started."""

    def __init__(self, address: str, project: Path, measure: str | None) -> None:
        """Start one to the head at ``address`` that gives nodes the folder ``project``.

        ``measure``: ``module:function`` that makes a launch; None for the usual one.
        """
        command = [
            str(environments.interpreter("ray")),
            *("-m", "benchmarks.cluster.bridge"),
            *("--address", address, "--project", str(project)),
            *(("--measure", measure) if measure else ()),
        ]
        self._address = address
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                cwd=project,
                env=_variables(address, project),
                bufsize=0,
                start_new_session=True,  # Ctrl-C is the session's
            )
        except OSError as error:
            self._words.close()
            raise InputError(
                f"cannot start {command[0]}: {error.strerror}; run: make env ENGINE=ray"
            ) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def send(self, command: wire.Command) -> None:
        """Pass a command on; that it went nowhere shows when replies are asked for."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(wire.encode_command(command))

    def replies(self, timeout: float) -> list[wire.Reply]:
        """What it has said, waiting at most ``timeout`` seconds for the first.

        Raises `BridgeEnded` once it is gone and all that it said has been taken.
        """
        deadline = time.monotonic() + timeout
        while b"\n" not in self._pending:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                return []
            chunk = os.read(self._stdout.fileno(), 1 << 20)
            if not chunk:
                raise BridgeEnded(self._obituary())
            self._pending += chunk
        *lines, self._pending = self._pending.split(b"\n")
        try:
            return [wire.decode_reply(line) for line in lines]
        except msgspec.MsgspecError as error:
            raise BridgeEnded(f"the bridge wrote what is no reply: {error}") from None

    def close(self) -> None:
        """End its input, which it takes for goodbye; kill it where it stays."""
        if self._words.closed:
            return
        self._stdin.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._selector.close()
        self._stdout.close()
        self._words.close()

    def _obituary(self) -> str:
        """How it ended, and the last line of what it said."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._words.seek(0)
        said = self._words.read().decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        if "Failed to connect to GCS" in last:
            return f"the Ray head at {self._address} does not answer any more"
        how = f"the bridge to the cluster ended (exit code {self._process.poll()})"
        return f"{how}: {last[-300:]}" if last else how


def _variables(address: str, project: Path) -> dict[str, str]:
    """The bridge's environment: this one, and how Ray is to behave."""
    own = ray_listen.node_here(address)
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_NUM_REDIS_GET_RETRIES": str(_TRIES),
        "RAY_gcs_rpc_server_reconnect_timeout_s": str(_HEAD_SECONDS),
        **os.environ,
        "PYTHONPATH": str(project),
        # What is staged is what git lists, and goes as it is.
        "RAY_RUNTIME_ENV_IGNORE_GITIGNORE": "1",
        **(ray_listen.environment(own, os.environ) if own is not None else {}),
    }

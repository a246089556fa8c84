"""Workers as processes of this machine, each in its engine's own environment."""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import environments
from benchmarks.launchers import DEFAULTS, Settings, WorkerDied, beyond
from histocnn import cache, engines, pinning
from histocnn.errors import InputError
from histocnn.job import Job

#: Variables of the user's that would reach into a case.
_FOREIGN = (
    *("CUDA_", "GOMP_", "KERAS_", "KMP_", "MKL_", "NUMEXPR_", "OMP_", "OPENBLAS_"),
    *("PYTHON", "TF_", "THEANO", "VIRTUAL_ENV", "XLA_"),
)
#: …and those that only say which GPU to use.
_KEPT = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
_LAST_WORDS = 2000  # characters of stderr that an error shows
_GRACE = 10.0  # seconds that a worker gets to leave by itself


class Launcher:
    """Starts ``python -m histocnn.worker``, pinned, in a clean environment."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        """A process has no image and no limit: `InputError` for either."""
        if settings != DEFAULTS:
            raise InputError(
                "the local launcher sets no memory limit and uses no image; "
                "add --launcher docker or leave --memory-limit and --image out"
            )

    def cores(self) -> int:
        """Cores that this process itself may use."""
        return len(pinning.usable_cpus())

    def missing(self, job: Job) -> str | None:
        """Cores, device, environment, programs: the first that is not there."""
        if reason := beyond(job, self.cores()):
            return reason
        if job.device == "cuda" and not _gpu_present():
            return "no NVIDIA GPU answers; check the driver with nvidia-smi"
        name = environments.name_for(job.engine, job.device)
        if reason := environments.missing(name):
            return reason
        return engines.get(job.engine).lacks(environments.interpreter(name))

    def start(self, job: Job) -> "LocalChannel":
        """Start a worker; it has imported no framework yet."""
        usable = pinning.usable_cpus()
        cpus = pinning.choose(job.cores, usable, pinning.cpu_siblings(usable))
        name = environments.name_for(job.engine, job.device)
        command = [
            str(environments.interpreter(name)),
            *("-m", "histocnn.worker"),
            *("--cpus", ",".join(map(str, cpus))),
            *("--parent", str(os.getpid())),
        ]
        remedy = f"rm -r .envs/{name}; make env ENGINE={name}"
        return LocalChannel(command, self._environment(job), remedy)

    def path(self, entry: Path) -> str:
        """The same folder: worker and suite share the machine's disk."""
        return str(entry)

    def _environment(self, job: Job) -> dict[str, str]:
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_FOREIGN) or key in _KEPT
        }
        return (
            inherited
            | {"PYTHONPATH": str(environments.ROOT)}
            | pinning.environment(job.cores)
            | engines.get(job.engine).environment(job, cache.scratch())
        )


def _gpu_present() -> bool:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    try:
        return bool(pynvml.nvmlDeviceGetCount() > 0)
    finally:
        pynvml.nvmlShutdown()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have none
        return str(number)


class LocalChannel:
    """The line to a process: replies on its stdout, its stderr kept for errors."""

    def __init__(
        self, command: list[str], environment: dict[str, str], remedy: str = ""
    ) -> None:
        """Start ``command`` in a process group of its own."""
        self.remedy = remedy
        self.facts = {"launcher": "local"}
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=environment,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise InputError(
                f"cannot start {command[0]}: {error.strerror}; {remedy}"
            ) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)

    def send(self, line: bytes) -> None:
        """Pass a line on; `WorkerDied` where nobody listens."""
        try:
            self._stdin.write(line)
        except BrokenPipeError:
            raise WorkerDied(self._obituary()) from None

    def receive(self, timeout: float) -> bytes:
        """The next line within ``timeout`` seconds; `TimeoutError`, `WorkerDied`."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._pending:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(self._stdout.fileno(), 65536)
            if not chunk:
                raise WorkerDied(self._obituary())
            self._pending += chunk
        line, newline, self._pending = self._pending.partition(b"\n")
        return line + newline

    def close(self) -> None:
        """End its input, which a worker takes for goodbye; kill what stays."""
        if self._stderr.closed:
            return
        self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self.kill()
        self._selector.close()
        self._stdout.close()
        self._stderr.close()

    def kill(self) -> None:
        """SIGKILL to the whole process group, so that no child outlives the worker."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _obituary(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self.kill()  # it closed its end of the line, but stayed
        code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {_signal_name(-code)}"
        self._stderr.seek(0)
        words = self._stderr.read().decode(errors="replace").strip()[-_LAST_WORDS:]
        return f"the worker died ({how})" + (f"; it said:\n{words}" if words else "")

"""Workers as processes of this machine, each in its engine's own environment."""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar

from benchmarks import environments, gpu_needs
from benchmarks.kernel_facts import Kernel
from benchmarks.launchers import DEFAULTS, Settings, WorkerDied, beyond
from benchmarks.outcomes import Outcome
from benchmarks.scratch import Scratch
from histocnn import cache, engines, pinning
from histocnn.errors import InputError
from histocnn.job import Job

#: Variables of the user's that would reach into a case.
_FOREIGN = (
    *("CUBLAS", "CUDA_", "CUDNN_", "DNNL_", "GLIBC_", "GOMP_", "JAX_", "KERAS_"),
    *("KMP_", "MALLOC_", "MKL_"),
    *(
        "NUMEXPR_",
        "NVIDIA_TF32",
        "OMP_",
        "ONEDNN_",
        "OPENBLAS_",
        "PYTHON",
        "PYTORCH_",
        "TF_",
    ),
    *("THEANO", "TORCH", "TRITON_", "VIRTUAL_ENV", "XLA_"),
)
#: …and those that only say which GPU to use.
_KEPT = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
_LAST_WORDS = 2000  # characters of stderr that an error shows
_GRACE = 10.0  # seconds that a worker gets to leave by itself


class Launcher:
    """Starts ``python -m histocnn.worker``, pinned, in a clean environment."""

    GPU: ClassVar[Mapping[str, str]] = {}

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        """A process has no image and no limit: `InputError` for either."""
        self._own = dict(settings.interpreters)
        self._graphics = gpu_needs.Graphics()
        if settings.memory_bytes is not None or settings.image is not None:
            raise InputError(
                "the local launcher sets no memory limit and uses no image; "
                "add --launcher docker or leave --memory-limit and --image out"
            )

    def cores(self) -> int:
        """Cores that this process itself may use, all of them all the time.

        A control group may lend less time than CPUs, as of a pod: it has a process on
        more of them stand still for the rest.
        """
        usable, quota = len(pinning.usable_cpus()), Kernel().cpu_quota
        return usable if quota is None else max(1, min(usable, int(quota)))

    def missing(self, job: Job) -> str | None:
        """Cores, device, environment, programs: the first that is not there."""
        if (quota := Kernel().cpu_quota) is not None and quota < 1:
            return f"needs a whole core; a control group lends {quota:g} of one"
        if reason := beyond(job, self.cores()):
            return reason
        name = environments.name_for(job.engine, job.device)
        if job.device == "cuda" and (reason := self._no_gpu(job.engine, name)):
            return reason
        # What the user's own Python holds is the user's affair: no lock describes it.
        if name not in self._own and (reason := environments.missing(name)):
            return reason
        return engines.get(job.engine).lacks(self._interpreter(name))

    def start(self, job: Job) -> "LocalChannel":
        """Start a worker; it has imported no framework yet."""
        usable = pinning.usable_cpus()
        cpus = pinning.choose(job.cores, usable, pinning.cpu_siblings(usable))
        name = environments.name_for(job.engine, job.device)
        command = [
            str(self._interpreter(name)),
            *("-m", "histocnn.worker"),
            *("--cpus", ",".join(map(str, cpus))),
            *("--parent", str(os.getpid())),
        ]
        if own := name in self._own:
            remedy = (
                f"install what this Python lacks of requirements/{name}.txt, or name "
                f"another by --interpreter {name}=PATH"
            )
        else:
            remedy = f"rm -r .envs/{name}; make env ENGINE={name}"
        return LocalChannel(command, self._environment(job), remedy, own=own, cpus=cpus)

    def path(self, entry: Path) -> str:
        """The same folder: worker and suite share the machine's disk."""
        return str(entry)

    def _no_gpu(self, engine: str, name: str) -> str | None:
        """Why the GPU or its driver cannot run the environment ``name``, if it cannot.

        What the user's own Python or the machine's own CUDA needs of a driver, the
        suite does not know.
        """
        facts = self._graphics.facts()
        if reason := gpu_needs.unusable(facts):
            return reason
        if name in self._own or not environments.brings_cuda(name):
            return None
        return gpu_needs.outdated(
            facts.driver,
            engines.get(engine).LEAST_DRIVER,
            f"the locked {name}",
            f"name a Python of your own by --interpreter {name}=PATH",
        )

    def _interpreter(self, name: str) -> Path:
        """The user's own Python for the environment ``name``, else the locked one."""
        own = self._own.get(name)
        return Path(own) if own else environments.interpreter(name)

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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have none
        return str(number)


class LocalChannel:
    """The line to a process: replies on its stdout, its stderr kept for errors."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        remedy: str = "",
        *,
        own: bool = False,
        cpus: tuple[int, ...] = (),
    ) -> None:
        """Start ``command`` in a process group of its own.

        ``own``: its Python is one that the user named, not of a locked environment;
        ``cpus``: those it pins itself to.
        """
        self.remedy = remedy
        self.cpus = cpus
        self._killed_for_memory = _oom_kills()
        # Not which: nothing that is saved names the machine or its user.
        self.facts = {"launcher": "local"} | ({"interpreter": "own"} if own else {})
        try:
            self._scratch = Scratch()
        except OSError as error:
            raise InputError(
                f"no temporary folder can be made in {tempfile.gettempdir()}: "
                f"{error.strerror}; set TMPDIR to another"
            ) from None
        self._stderr = _unnamed_file(self._scratch.path)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=environment | {"TMPDIR": str(self._scratch.path)},
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            self._scratch.remove()
            raise InputError(
                f"cannot start {command[0]}: {error.strerror}; {remedy}"
            ) from None
        self.pid: int | None = self._process.pid
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
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
        finally:  # an interrupt would leave its children behind
            self.kill()
            self._selector.close()
            self._stdout.close()
            self._stderr.close()
            self._scratch.remove()

    def kill(self) -> None:
        """SIGKILL to the whole process group, so that no child outlives the worker."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _obituary(self) -> Outcome:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self.kill()  # it closed its end of the line, but stayed
        code = self._process.wait()
        name = _signal_name(-code) if code < 0 else None
        how = f"signal {name}" if name else f"exit code {code}"
        self._stderr.seek(0)
        words = self._stderr.read().decode(errors="replace").strip()[-_LAST_WORDS:]
        if name == "SIGKILL" and _oom_kills() > self._killed_for_memory:
            message = "out of memory: the kernel killed the worker for what it used"
            return Outcome("out-of-memory", message, name, words)
        # The worker itself needs packages before it can answer that one is missing.
        lacks = "ModuleNotFoundError: " in words and self.remedy
        how += f"; {self.remedy}" if lacks else ""
        return Outcome("crashed", f"the worker died ({how})", name, words)


def _unnamed_file(folder: Path) -> BinaryIO:
    """A file that goes with its last descriptor."""
    path = folder / "stderr"
    file = path.open("w+b")
    path.unlink()
    return file


def _oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since it started."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0

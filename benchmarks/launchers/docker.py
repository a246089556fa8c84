"""Workers in containers: the cores, memory and software of a case, on any Docker.

A container has what a worker needs and nothing else: no network, a read-only root, no
capabilities, the prepared images mounted read-only, Theano's compile cache on a named
volume. It is removed by the engine itself as soon as its process ends, and the process
ends when nobody holds the other end of its stdin: whatever becomes of the suite, no
container is left behind.
"""

import errno
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from benchmarks import driver, gpu_needs
from benchmarks.containers import DockerChannel
from benchmarks.environments import ROOT
from benchmarks.launchers import DEFAULTS, Settings, beyond
from histocnn import __version__, engines, pinning
from histocnn.cache import entries
from histocnn.errors import InputError
from histocnn.job import Job
from tools import image_labels

#: On every container and volume of the suite's, so that they can be found.
LABEL = "histocnn.suite"
COMPILE_CACHE = "histocnn-compile-cache"  # the named volume
_DATA, _CACHE = PurePosixPath("/data"), PurePosixPath("/cache")
_PROCESSES = 1024  # processes and threads that a container may have


@cache
def _wanted_labels(engine: str, device: str) -> dict[str, str]:
    """The labels of an image that was built from this tree as it is."""
    return image_labels.labels(ROOT, engine, device)


def _make(job: Job) -> str:
    """The command that builds the image of a job."""
    return f"make image ENGINE={job.engine} DEVICE={job.device}"


class Launcher:
    """Starts the worker of `docker/*.Dockerfile` in a container of its own."""

    # A request for one GPU is served the first by its place on the bus.
    GPU: ClassVar[Mapping[str, str]] = {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "0",
    }

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        """Nothing is asked of an engine yet; `InputError` for an own interpreter."""
        if settings.interpreters:
            raise InputError(
                "--interpreter: a container has its image's Python; leave it out, or "
                "name an image of your own with --image"
            )
        self._settings = settings
        self._graphics = gpu_needs.Graphics()
        self._client: Any = None

    def cores(self) -> int:
        """Cores that this process may use: containers run beside it."""
        return len(pinning.usable_cpus())

    def missing(self, job: Job) -> str | None:
        """Cores, an engine that answers, the image, GPU support."""
        if reason := beyond(job, self.cores()):
            return reason
        try:
            self._connect()
        except InputError as error:
            return str(error)
        if reason := self._check_image(job):
            return reason
        return self._no_gpu(job) if job.device == "cuda" else None

    def start(self, job: Job) -> "DockerChannel":
        """Create the container, attach to it, start it."""
        import docker

        self._connect()
        usable = pinning.usable_cpus()
        cpus = pinning.choose(job.cores, usable, pinning.cpu_siblings(usable))
        try:
            image = self._client.images.get(self._image(job))
            # Made here for its label's sake; one that is there is left as it is.
            self._client.volumes.create(COMPILE_CACHE, labels={LABEL: __version__})
            container = self._client.containers.create(
                image.id,
                ["--leave-with-stdin"],
                **self._confinement(),
                **self._share(job, cpus),
            )
            limit = self._settings.memory_bytes
            return DockerChannel(
                *(self._client, container, image, limit), remedy=_make(job), cpus=cpus
            )
        except (docker.errors.DockerException, OSError) as error:
            raise InputError(
                f"Docker did not start the worker: {_say(error)}"
            ) from None

    def path(self, entry: Path) -> str:
        """Below the mount point of the prepared arrays."""
        return str(_DATA / entry.name)

    def _connect(self) -> None:
        """Find an engine that answers; `InputError` says why none does."""
        if self._client is None:
            self._client = _engine(os.environ.get("DOCKER_HOST", ""))

    def _no_gpu(self, job: Job) -> str | None:
        """Why a container has no GPU, or a driver that is too old; None where it has.

        The driver is this machine's, so it is asked where the engine is, too. What an
        image of the user's own needs, the suite does not know.
        """
        if "nvidia" not in self._client.info()["Runtimes"]:
            return (
                "Docker has no GPU support here; install the NVIDIA Container Toolkit"
            )
        elsewhere = not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://")
        if not elsewhere and (silence := driver.silence()):
            return f"no NVIDIA GPU answers: {silence}"
        if elsewhere or self._settings.image:
            return None
        return gpu_needs.outdated(
            self._graphics.facts().driver,
            engines.get(job.engine).LEAST_DRIVER,
            f"image {self._image(job)}",
            "name an image of your own by --image",
        )

    def _image(self, job: Job) -> str:
        return self._settings.image or image_labels.image_name(job.engine, job.device)

    def _check_image(self, job: Job) -> str | None:
        """Why the image is missing; `InputError` where it is the wrong one."""
        import docker

        name = self._image(job)
        make = _make(job)
        try:
            labels = self._client.images.get(name).labels
        except docker.errors.ImageNotFound:
            return f"there is no image {name}; build it: {make}"
        except (docker.errors.DockerException, OSError) as error:
            raise InputError(_no_engine(error)) from None
        wanted = _wanted_labels(job.engine, job.device)
        for keys, problem in (
            (("engine", "device"), "holds {found}, not {wanted}"),
            (("version",), "is of version {found}, this suite is {wanted}"),
            (("protocol", "lock", "source"), "holds other code or pins than this tree"),
        ):
            held = [labels.get(f"histocnn.{key}") or "nothing" for key in keys]
            due = [wanted[f"histocnn.{key}"] for key in keys]
            if held != due:
                words = problem.format(found="-".join(held), wanted="-".join(due))
                raise InputError(f"image {name} {words}; build it again: {make}")
        return None

    def _confinement(self) -> dict[str, Any]:
        """What a careful administrator would ask of a stranger's container."""
        return {
            "network_mode": "none",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": _PROCESSES,
            "tmpfs": {"/tmp": "rw,nosuid,nodev,size=1g"},
            "labels": {LABEL: __version__},
            "auto_remove": True,
            # Attached, not detached: then the engine closes stdin with our end of it.
            "detach": False,
            "stdin_open": True,
        }

    def _share(self, job: Job, cpus: tuple[int, ...]) -> dict[str, Any]:
        """The case's share of the machine: CPUs, memory, GPU, data, environment."""
        import docker

        data = entries()
        data.mkdir(parents=True, exist_ok=True)
        environment = pinning.environment(job.cores) | engines.get(
            job.engine
        ).environment(job, Path(_CACHE))
        limit = self._settings.memory_bytes
        share: dict[str, Any] = {
            "cpuset_cpus": ",".join(map(str, cpus)),
            "environment": environment | {"HOME": "/tmp"},
            "volumes": {
                str(data.resolve()): {"bind": str(_DATA), "mode": "ro"},
                COMPILE_CACHE: {"bind": str(_CACHE), "mode": "rw"},
            },
        }
        if limit is not None:
            # Without swap: a limit that is met by swapping would only be slow.
            share |= {"mem_limit": limit, "memswap_limit": limit}
        if job.device == "cuda":
            gpu = docker.types.DeviceRequest(count=1, capabilities=[["gpu"]])
            share["device_requests"] = [gpu]
        return share


@cache
def _engine(host: str) -> Any:
    """The engine at ``host`` (DOCKER_HOST), one connection pool for the process.

    Raises
    ------
    InputError
        if none answers there, or only to others.
    """
    import docker

    try:
        client = docker.from_env()
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise InputError(_no_engine(error)) from None
    return client


def _no_engine(error: Exception) -> str:
    """Why no engine answers, in one line with the remedy."""
    where = os.environ.get("DOCKER_HOST", "its default socket")
    text = str(error)
    if _mentions(error, errno.EACCES, PermissionError) or "Permission denied" in text:
        return (
            f"no permission to use Docker at {where}; ask to be put into the group "
            "docker, or run as root"
        )
    return f"no Docker engine answers at {where}; start one, or see: make doctor"


def _mentions(error: BaseException | None, number: int, kind: type) -> bool:
    """Whether ``error`` or what caused it is of ``kind`` or bears ``number``."""
    while error is not None:
        if isinstance(error, kind) or getattr(error, "errno", None) == number:
            return True
        error = error.__cause__ or error.__context__
    return False


def _say(error: Exception) -> str:
    """Docker's own explanation, on one line."""
    text = getattr(error, "explanation", None) or str(error)
    return " ".join(str(text).split())

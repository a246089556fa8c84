"""What a session has left behind, of its own: processes, containers, files."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.launchers.docker import LABEL

#: In the environment of all that a soak starts, and of all that this starts in turn.
TOKEN = "HISTOCNN_SOAK"
#: A compiler whose worker was killed ends its file first, on a busy machine slowly.
_GRACE = 60.0  # seconds


def processes(token: str) -> list[psutil.Process]:
    """The living processes that carry ``token``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            dead = process.status() == psutil.STATUS_ZOMBIE
            if not dead and process.environ().get(TOKEN) == token:
                found.append(process)
    return found


def left_processes(token: str, grace: float = _GRACE) -> list[str]:
    """Processes that stay for ``grace`` seconds, in words; they are killed."""
    stayed = _wait(lambda: processes(token), grace)
    words = []
    for process in stayed:
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())[:200]
            words.append(f"process {process.pid} ({process.status()}): {command}")
            process.kill()
    return words


def containers(client: Any, cache: Path) -> list[Any]:
    """The suite's containers whose prepared images lie in ``cache``, a soak's own."""
    import docker

    found = []
    # Sparse: one that is removed while it is looked at is no error.
    for container in client.containers.list(
        all=True, sparse=True, filters={"label": LABEL}
    ):
        with contextlib.suppress(docker.errors.NotFound):
            container.reload()
            sources = [mount.get("Source", "") for mount in container.attrs["Mounts"]]
            if any(Path(source).is_relative_to(cache.resolve()) for source in sources):
                found.append(container)
    return found


def left_containers(client: Any, cache: Path, grace: float = _GRACE) -> list[str]:
    """Containers that stay for ``grace`` seconds, in words; they are removed."""
    import docker

    stayed = _wait(lambda: containers(client, cache), grace)
    words = []
    for container in stayed:
        words.append(f"container {container.name} ({container.status})")
        with contextlib.suppress(docker.errors.APIError):
            container.remove(force=True)
    return words


def _wait(find: Callable[[], list[Any]], grace: float) -> list[Any]:
    """What ``find`` finds, once that is nothing or ``grace`` seconds are over."""
    deadline = time.monotonic() + grace
    while (found := find()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def files(folder: Path) -> list[str]:
    """What lies in a folder that should be empty."""
    return [_words(path) for path in sorted(folder.iterdir())]


def half_written(cache: Path) -> list[str]:
    """What of a soak's own ``cache`` was begun and never finished; it is removed.

    Entries of prepared images without their last file, folders beside them, and
    modules of Theano's compile cache without a key.
    """
    data = cache / "data"
    entries = data.iterdir() if data.is_dir() else ()
    begun = [
        *(
            path
            for path in entries
            if path.suffix != ".lock" and not (path / "entry.json").is_file()
        ),
        *cache.glob("**/*.tmp"),
        *(path for path in cache.glob("**/tmp*/") if not _has_key(path)),
    ]
    words = [_words(path) for path in sorted(begun)]
    for path in begun:  # or each later session would find it again
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return words


def _has_key(module: Path) -> bool:
    return (module / "key.pkl").is_file()


def _words(path: Path) -> str:
    return f"{path}: {', '.join(_content(path)) or 'empty'}"


def _content(path: Path) -> Iterator[str]:
    """The first few files of it with their sizes in bytes."""
    inner = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in inner[:5]:
        with contextlib.suppress(FileNotFoundError):
            yield f"{file.name} {file.stat().st_size}"
    if len(inner) > 5:
        yield f"{len(inner) - 5} more"

"""What Ray's head and nodes are started with: options, variables, labels, a folder."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.cluster import ray_listen
from benchmarks.cluster.node import name
from benchmarks.cluster.ray_environments import CHECKOUT
from benchmarks.environments import ROOT
from benchmarks.fingerprint import Hard, hard_digest
from histocnn import cache
from histocnn.errors import InputError

_MOST_SHARED = 2**30  # bytes of shared memory, for prepared images on their way
_LABEL = 63  # characters of a label's value, by Kubernetes' rules, which are Ray's
_LONGEST_FOLDER = 40  # characters, of 107 that a socket's path may have
#: How Ray behaves on a machine that measures, and on the head, unless the user's own
#: variables say otherwise.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # The suite tells when memory ran out; Ray's monitor would kill before that.
    "RAY_memory_monitor_refresh_ms": "0",
    # 15 otherwise, which the engines' workers inherit.
    "RAY_worker_niceness": "0",
    # Which GPU a worker sees is the suite's affair.
    "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1",
    # A worker takes 2 s to start: it may wait so long for the next launch.
    "RAY_idle_worker_killing_time_threshold_ms": "600000",
    # Seconds without a head after which a node ends, and this starts it anew.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "30",
    "RAY_NUM_REDIS_GET_RETRIES": "5",
}


def program() -> str:
    """Ray's own command, beside this Python."""
    return str(Path(sys.executable).with_name("ray"))


def common(address: str, scratch: Path) -> list[str]:
    """Options of head and node alike: nothing lands there but what asks by name."""
    shared = min(_MOST_SHARED, int(psutil.virtual_memory().total * 0.1))
    return [
        *("--node-ip-address", address, "--num-cpus", "0", "--num-gpus", "0"),
        *("--object-store-memory", str(shared), "--temp-dir", str(scratch / "ray")),
        *("--include-log-monitor", "false", "--disable-usage-stats", "--block"),
    ]


def environment(address: str, scratch: Path) -> dict[str, str]:
    """This process's variables, and those of Ray and of what it starts."""
    inherited = {
        key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"
    }
    return {
        "RAY_AUTH_MODE": "token",
        **_SETTINGS,
        **inherited,
        "RAY_TMPDIR": str(scratch),
        "HISTOCNN_CACHE": str(cache.folder().absolute()),
        CHECKOUT: str(ROOT),
        **ray_listen.environment(address, inherited),
    }


@contextmanager
def scratch_folder(word: str) -> Iterator[Path]:
    """A folder of this user's alone, for Ray's sockets and logs; removed at the end."""
    path = Path(tempfile.gettempdir(), f"histocnn-ray-{os.getuid()}-{word}")
    if len(str(path)) > _LONGEST_FOLDER + len("histocnn-ray-"):
        raise InputError(f"{path.parent} is too long for Ray's sockets; set TMPDIR")
    shutil.rmtree(path, ignore_errors=True)  # of one that was killed
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(
            f"{path} cannot be made: {error.strerror or error}; set TMPDIR to another "
            "folder"
        ) from None
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def labels(hard: Hard) -> dict[str, str]:
    """What a node says of itself in Ray's list: CPU, cores, GPU, type of machine."""
    gpu = (hard.gpus[0].model if hard.gpus else None) or "none"
    facts = {
        "cpu": hard.cpu_model or hard.architecture,
        "cores": str(hard.usable_cpus),
        "gpu": gpu,
        "machine": hard_digest(hard),
        "node": name(),
    }
    return {f"histocnn/{key}": _label(value) for key, value in facts.items()}


def _label(text: str) -> str:
    """``text`` in characters that a label may have, as many as it may."""
    words = re.sub(r"[^A-Za-z0-9_.]+", "-", text)
    return words.strip("-_.")[:_LABEL].rstrip("-_.")

"""NVIDIA's driver, opened only where it answers: a call that hangs cannot be ended."""

import contextlib
import ctypes
import subprocess
import sys
from functools import cache
from typing import Any

#: Seconds for an answer: a driver without persistence first wakes each of its GPUs.
PATIENCE = 30.0

_LIBRARY = "libnvidia-ml.so.1"
#: As whoever asks for facts begins; it is the GPUs' handles that wake them.
_ASK = f"""
from ctypes import CDLL, byref, c_uint, c_void_p
nvml, count = CDLL("{_LIBRARY}"), c_uint()
nvml.nvmlInitWithFlags(0)
nvml.nvmlDeviceGetCount_v2(byref(count))
for index in range(count.value):
    nvml.nvmlDeviceGetHandleByIndex_v2(index, byref(c_void_p()))
"""
_REAPING = 0.5  # seconds for a process that was killed to be gone
#: Those that nobody can end; Python warns of one that is forgotten while it runs.
_stuck: list[subprocess.Popen[bytes]] = []


def start(nvml: Any) -> None:
    """``nvmlInit`` of the library ``nvml``, where the driver answers.

    Raises what that raises, and its error for a time-out where the driver does not.
    """
    if silence() is not None:
        raise nvml.NVMLError(nvml.NVML_ERROR_TIMEOUT)
    nvml.nvmlInit()


@cache
def silence() -> str | None:
    """That the driver gives no answer, in a line; None where it does, or is not there.

    Found out once in a session, by a process of its own: one that hangs in the driver
    heeds no signal, and takes nobody else with it.
    """
    try:
        ctypes.CDLL(_LIBRARY)  # which asks the driver nothing yet
    except OSError:
        return None
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _ASK],
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
    )
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return (
            f"the NVIDIA driver gave no answer in {PATIENCE:g} s; restart the machine, "
            "and look for its messages (dmesg) where that does not help"
        )
    finally:
        _end(process)
    return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REAPING)
        return
    _stuck.append(process)

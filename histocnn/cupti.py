"""CUDA's profiling library, asked one thing: how often the driver was asked for memory.

A memory pool is there to spare these calls, so that they are what proves one: whatever
an engine says of its settings, a pool in force makes none in a warm epoch. CUPTI calls
back at every entry to a function that was chosen. Its library comes with the CUDA
toolkit, and with the packages of JAX, PyTorch and TensorFlow.
"""

import ctypes
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_uint32, c_void_p
from typing import Any

from histocnn import cuda

_LIBRARIES = ("libcupti.so.13", "libcupti.so.12", "libcupti.so")
_DRIVER, _RUNTIME = 1, 2  # domains: CUDA's two interfaces
_ENTER = 0  # a call is reported where it begins and where it ends
_LAST_CALLBACK = 1200  # ids are dense from 1, some 700 of them in CUDA 13
#: Functions that take or give back device memory; CUPTI adds versions to their names.
_MEMORY = (
    *("cuMemAlloc", "cuMemCreate", "cuMemFree", "cuMemRelease"),
    *("cudaMalloc", "cudaFree"),
)
#: Of these, what takes pinned memory of the host.
_HOST = ("cuMemAllocHost", "cuMemFreeHost", "cudaMallocHost", "cudaFreeHost")
_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_uint32, POINTER(c_int))


@contextmanager
def memory_calls() -> Iterator[Counter[str] | None]:
    """Count the calls for device memory that this process makes inside.

    Yields a counter by function name, which is complete when the block ends; None where
    there is no CUPTI, or where another tool of the process has it. Every call goes
    through Python meanwhile, so nothing that is timed may run inside.
    """
    cupti = _library()
    names = {} if cupti is None else _functions(cupti)
    calls: Counter[str] = Counter()

    def count(_: Any, domain: int, callback: int, site: Any) -> None:
        if site[0] == _ENTER and (domain, callback) in names:
            calls[names[domain, callback]] += 1

    subscriber, counting = c_void_p(), _CALLBACK(count)
    if cupti is None or cupti.cuptiSubscribe(byref(subscriber), counting, None):
        yield None
        return
    try:
        enabled = [
            cupti.cuptiEnableCallback(c_uint32(1), subscriber, domain, c_uint32(number))
            for domain, number in names
        ]
        yield None if any(enabled) else calls
    finally:
        cupti.cuptiUnsubscribe(subscriber)


def allocations(calls: dict[str, int]) -> int:
    """How many of ``calls`` took memory.

    What CUDA's runtime is asked it asks of the driver, and CUPTI may tell of both.
    """
    runtime = sum(n for name, n in calls.items() if name.startswith("cudaMalloc"))
    driver = sum(
        n for name, n in calls.items() if name.startswith(("cuMemAlloc", "cuMemCreate"))
    )
    return max(runtime, driver)


def stream_ordered(calls: dict[str, int]) -> int:
    """How many of those were of the driver's own, stream-ordered pool."""
    return allocations({name: n for name, n in calls.items() if "Async" in name})


def _library() -> Any:
    for name in (*_LIBRARIES, *cuda.packaged("*/lib/libcupti.so.1?")):
        try:
            return ctypes.CDLL(str(name))
        except OSError:
            continue
    return None


def _functions(cupti: Any) -> dict[tuple[int, int], str]:
    """The functions to watch, by domain and callback id."""
    found = {}
    name = c_char_p()
    for domain in (_DRIVER, _RUNTIME):
        for number in range(1, _LAST_CALLBACK):
            if cupti.cuptiGetCallbackName(domain, c_uint32(number), byref(name)):
                break
            said = (name.value or b"").decode()
            if said.startswith(_MEMORY) and not said.startswith(_HOST):
                found[domain, number] = said
    return found

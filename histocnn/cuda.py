"""The NVIDIA driver, asked directly: what engines themselves do not tell.

On the standard library alone, so that a process which only asks is up at once.
"""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

_OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY in cuda.h


class DriverRefused(RuntimeError):
    """The driver answered ``code``, one of CUresult in cuda.h, and not 0."""

    def __init__(self, function: str, code: int, name: str) -> None:
        """``name`` is what the driver calls the code, "" where it does not know."""
        said = f"{code} ({name})" if name else str(code)
        super().__init__(f"the NVIDIA driver answered {said} to {function}")
        self.code = code


class Context:
    """The primary context of a GPU, current to this thread while it is entered.

    It is the one that an engine of this process computes in: where there is an engine,
    nothing is made beside it. Entering raises `OSError` without a driver; whatever the
    driver refuses is `DriverRefused`.
    """

    def __init__(self, device: int = 0) -> None:
        """Of the visible GPU number ``device``; nothing is asked yet."""
        self._number = device
        self._handle = ctypes.c_int()

    def __enter__(self) -> "Context":
        try:
            self._driver = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise OSError(f"there is no NVIDIA driver: {error}") from None
        context = ctypes.c_void_p()
        self._ask("cuInit", 0)
        self._ask("cuDeviceGet", ctypes.byref(self._handle), self._number)
        self._ask("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._handle)
        try:
            self._ask("cuCtxPushCurrent_v2", context)
        except DriverRefused:
            self._ask("cuDevicePrimaryCtxRelease_v2", self._handle)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._ask("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))
        finally:
            self._ask("cuDevicePrimaryCtxRelease_v2", self._handle)

    def memory(self) -> tuple[int, int]:
        """Bytes free and in all."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._ask("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def synchronise(self) -> None:
        """Wait until the GPU has done all that this process asked of it."""
        self._ask("cuCtxSynchronize")

    def allocate(self, nbytes: int) -> int | None:
        """The address of so many bytes of the GPU's own; None where it has not them."""
        address = ctypes.c_uint64()
        try:
            self._ask("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(nbytes))
        except DriverRefused as refusal:
            if refusal.code == _OUT_OF_MEMORY:
                return None
            raise
        return address.value

    def release(self, address: int) -> None:
        """Give back what `allocate` got."""
        self._ask("cuMemFree_v2", ctypes.c_uint64(address))

    def _ask(self, function: str, *arguments: object) -> None:
        if code := getattr(self._driver, function)(*arguments):
            raise DriverRefused(function, code, self._name(code))

    def _name(self, code: int) -> str:
        text = ctypes.c_char_p()
        self._driver.cuGetErrorName(code, ctypes.byref(text))
        return (text.value or b"").decode(errors="replace")


def packaged(pattern: str) -> Iterator[Path]:
    """What NVIDIA's Python packages have of that name, ``cuda_nvcc`` say.

    An engine finds what is its own; nobody else looks there.
    """
    for place in sys.path:
        yield from sorted(Path(place).glob(f"nvidia/{pattern}"))


def memory(device: int = 0) -> tuple[int, int]:
    """Bytes free and in all on the visible GPU number ``device``.

    Raises `OSError` without a driver, `RuntimeError` where it refuses.
    """
    with Context(device) as context:
        return context.memory()

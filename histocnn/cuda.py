"""The NVIDIA driver, asked directly: what engines themselves do not tell."""

import ctypes


def memory(device: int = 0) -> tuple[int, int]:
    """Bytes free and in all on the visible GPU number ``device``.

    Raises `OSError` without a driver, `RuntimeError` where it refuses.
    """
    driver = ctypes.CDLL("libcuda.so.1")
    free, total, handle = ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_int()
    context = ctypes.c_void_p()

    def ask(function: str, *arguments: object) -> None:
        if code := getattr(driver, function)(*arguments):
            raise RuntimeError(f"the NVIDIA driver answered {code} to {function}")

    ask("cuInit", 0)
    ask("cuDeviceGet", ctypes.byref(handle), device)
    # The context that the engine itself computes in: nothing is made beside it.
    ask("cuDevicePrimaryCtxRetain", ctypes.byref(context), handle)
    try:
        ask("cuCtxPushCurrent_v2", context)
        try:
            ask("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        finally:
            ask("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))
    finally:
        ask("cuDevicePrimaryCtxRelease_v2", handle)
    return free.value, total.value

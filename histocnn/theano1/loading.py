"""Loads Theano 1.0.5 and Keras 2.3.1 on today's Python 3.11.

Both were written for Python ≤ 3.8 and NumPy ≤ 1.19. What they need to run here is all
in this file, each with its reason; nothing of Theano or Keras is patched on disk.
"""

import collections
import collections.abc
import ctypes
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.memory import MEBIBYTE
from histocnn.theano1 import headers, modules

#: BLAS routines that Theano's C++ calls; scipy-openblas32 prefixes them with `scipy_`.
_BLAS_SYMBOLS = (
    *(f"{kind}{name}_" for kind in "sd" for name in ("gemm", "gemv", "dot", "ger")),
    *(f"{kind}{name}_" for kind in "sd" for name in ("scal", "axpy", "copy")),
    "openblas_get_num_threads",
    "openblas_set_num_threads",
)


_PREALLOCATING = re.compile(r"Preallocating (\d+)/\d+ Mb")


def join_flags(flags: dict[str, str]) -> str:
    """As THEANO_FLAGS has them; a comma inside a value is escaped."""
    return ",".join(
        f"{key}={value}".replace(",", r"\,") for key, value in flags.items()
    )


@dataclass(frozen=True)
class GpuPool:
    """Theano's pool in its own words: what it allocates with, and bytes reserved."""

    allocator: str = ""
    reserved: int = 0


def load_keras(job: Job) -> tuple[ModuleType, GpuPool]:
    """Import Theano and Keras 2.3 with what today's Python and NumPy took from them."""
    import scipy_openblas32

    # Theano splits its linker flags at spaces, so no path may stand in them: g++ finds
    # the library by LIBRARY_PATH, and what it compiles finds it loaded already.
    folder, name = scipy_openblas32.get_lib_dir(), scipy_openblas32.get_library()
    known = os.environ.get("LIBRARY_PATH")
    os.environ["LIBRARY_PATH"] = f"{folder}:{known}" if known else folder
    ctypes.CDLL(f"{folder}/lib{name}.so", ctypes.RTLD_GLOBAL)
    defines = [f"-D{symbol}=scipy_{symbol}" for symbol in _BLAS_SYMBOLS]
    cxxflags = ["-O3", "-march=native", "-w", *headers.FLAGS, *defines]
    headers.precompile_headers(cxxflags)
    os.environ["THEANO_FLAGS"] += "," + join_flags(
        {
            # Its default asks NumPy for an attribute that is gone.
            "blas.ldflags": f"-l{name}",
            "gcc.cxxflags": " ".join(cxxflags),
        }
    )
    _restore_collections()
    with _overheard() as said:
        import keras
    from theano import config
    from theano.gof import Op

    _version_ops_without_properties(Op)
    modules.clear_half_made(Path(config.compiledir))
    modules.compile_in_parallel()
    if job.device == "cuda":
        _require_gpu()
    return keras, pool_of(said.getvalue())


class _Overheard(io.StringIO):
    """Passes on to stderr what is printed, and keeps it.

    Theano's log goes on using the stderr that it found when it was imported.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stderr = sys.stderr

    def write(self, text: str) -> int:
        self._stderr.write(text)
        return super().write(text)


@contextmanager
def _overheard() -> Iterator[_Overheard]:
    """Keep what is printed inside."""
    said = _Overheard()
    with redirect_stdout(said), redirect_stderr(said):
        yield said


def pool_of(said: str) -> GpuPool:
    """The pool as Theano told of it while it took the GPU."""
    if "Disabling allocation cache on" in said:
        return GpuPool("libgpuarray, no cache")
    found = _PREALLOCATING.search(said)
    return GpuPool("libgpuarray", int(found[1]) * MEBIBYTE if found else 0)


def _require_gpu() -> None:
    """Raise where Theano found no GPU: it logs that, and would train on the CPU."""
    from theano import gpuarray

    if gpuarray.pygpu_activated:
        return
    try:
        ctypes.CDLL("libcuda.so")
    except OSError:
        raise InputError(
            "device=cuda needs the NVIDIA driver, and its libcuda.so is not here; give "
            "the container a GPU (NVIDIA Container Toolkit) or install the driver"
        ) from None
    # Theano logs what went wrong, and goes on. It raises where it is asked itself.
    gpuarray.init_dev.devmap.clear()
    gpuarray.init_dev("cuda")
    raise RuntimeError("Theano did not take the GPU, although it answers")


def _restore_collections() -> None:
    """Put the abstract base classes back where Python ≤ 3.9 had them too."""
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


def _version_ops_without_properties(op: Any) -> None:
    """Let the compile cache keep operations whose `__props__` is empty.

    Theano takes that empty tuple for 'no version' and compiles them anew in every
    process (`theano/gof/cc.py`, `cmodule_key_`): three modules, 2 s a launch. Nothing
    else reads the attribute after the class is made.
    """
    for child in op.__subclasses__():
        if child.__dict__.get("__props__") == ():
            del child.__props__
        _version_ops_without_properties(child)

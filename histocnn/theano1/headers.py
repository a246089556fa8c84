"""The headers of Theano's C++ modules, compiled ahead, once.

More than half of g++'s time goes into them, the same ones in each module. This changes
how fast a module is compiled, never what.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: g++'s own search path, and so no flag: Theano splits its flags at spaces.
HEADERS = "CPLUS_INCLUDE_PATH"
_HEADER = "histocnn_theano.h"
#: For `gcc.cxxflags`; nobody reads the debugging symbols that Theano asks for.
FLAGS = ("-g0", "-include", _HEADER)
#: A compiled header serves the modules alone that have its flags. g++ looks through all
#: files of the header's folder; some operations want OpenMP, and some do not.
_VARIANTS = {"plain": (), "openmp": ("-fopenmp",)}
_INCLUDES = (
    *("Python.h", "iostream", "math.h", "numpy/arrayobject.h"),
    *("numpy/arrayscalars.h", "vector", "algorithm"),
)
#: What every module of Theano's begins with, in its order; but Theano also compiles
#: programs to find out what g++ can, and gives those no Python.
_TEXT = "\n".join(
    [
        "#if __has_include(<Python.h>) && __has_include(<numpy/arrayobject.h>)",
        *(f"#include <{name}>" for name in _INCLUDES),
        "#endif\n",
    ]
)


def precompile_headers(cxxflags: Sequence[str]) -> None:
    """Have the common headers compiled, in a folder of ``$CPLUS_INCLUDE_PATH``'s.

    That variable then names the folder. g++ looks at nothing that a compiled header was
    made from again, so each combination of versions and flags has its own. It takes the
    header's text instead where the compiled form does not fit a module's flags.
    """
    command, root = _command(cxxflags), Path(os.environ[HEADERS])
    made_from = f"{_TEXT}{command}{_versions()}"
    folder = root / hashlib.sha256(made_from.encode()).hexdigest()[:12]
    os.environ[HEADERS] = str(folder)
    if folder.exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    with _held(root):
        if not folder.exists():
            _compile_headers(command, root, folder)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Let one process at a time work in ``folder``; a lock ends with its process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _compile_headers(command: Sequence[str], root: Path, folder: Path) -> None:
    # What is there was left by one that was killed: who works here has the lock.
    for left in root.glob("tmp*/"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=root) as beside:
        header = Path(beside, "new", _HEADER)
        compiled = header.with_name(f"{_HEADER}.gch")
        compiled.mkdir(parents=True)
        header.write_text(_TEXT)
        building = {
            compiled / name: subprocess.Popen(
                [*command, *flags, header, "-o", compiled / name]
            )
            for name, flags in _VARIANTS.items()
        }
        for made, compiler in building.items():
            # Where it fails there is the text, and g++ has said why; but half of a
            # compiled header (g++ was killed, the disk is full) stops every module.
            if compiler.wait():
                made.unlink(missing_ok=True)
        header.parent.rename(folder)


def _command(cxxflags: Sequence[str]) -> list[str]:
    """g++ on a header, with what Theano adds to ``cxxflags`` for a module."""
    import numpy as np

    include = cxxflags.index("-include")
    return [
        *("g++", "-O3", "-fno-math-errno"),
        *(*cxxflags[:include], *cxxflags[include + 2 :]),
        *("-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION", "-m64", "-fPIC"),
        *(f"-I{np.get_include()}", f"-I{sysconfig.get_path('include')}"),
        *("-fvisibility=hidden", "-x", "c++-header"),
    ]


def _versions() -> str:
    """Of what a compiled header depends on, beside its text and flags."""
    import numpy as np

    compiler = Path(shutil.which("g++") or "g++").resolve().stat()
    known = (np.__version__, sys.version, compiler.st_size, compiler.st_mtime_ns)
    return " ".join(map(str, known))

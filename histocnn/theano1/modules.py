"""Theano's C++ modules, some fifty for one network, compiled in less time.

Theano writes one module for each operation and compiles one after the other. More than
half of g++'s time goes into the same headers: they are compiled ahead, once. And what
a function needs is known before its first module is compiled: all are, on all cores.
Both change when something is compiled and how fast, never what.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: g++'s own search path, and so no flag: Theano splits its flags at spaces.
HEADERS = "CPLUS_INCLUDE_PATH"
_HEADER = "histocnn_theano.h"
#: For `gcc.cxxflags`; nobody reads the debugging symbols that Theano asks for.
FLAGS = ("-g0", "-include", _HEADER)
_MOST_AT_ONCE = 8  # each g++ takes some 150 MB, which a container may not have
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
    # Several processes may come here at once: the first to be ready is the one.
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
        with suppress(OSError):
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


def compile_in_parallel() -> None:
    """Let the first module that Theano misses bring all others of its function along.

    Theano's linker and compiler are wrapped in this process. A function whose modules
    are all in the cache is made as before.
    """
    from theano.gof import cmodule, vm

    ahead = Ahead(cmodule.GCC_compiler.compile_str)
    make_all = vm.VM_Linker.make_all

    def make_all_knowing_them(linker: Any, *args: Any, **kwargs: Any) -> Any:
        with ahead.of(linker):
            return make_all(linker, *args, **kwargs)

    vm.VM_Linker.make_all = make_all_knowing_them
    cmodule.GCC_compiler.compile_str = staticmethod(ahead.compile_str)


class Ahead:
    """Compiles the modules of a function together, and hands each out when asked."""

    def __init__(self, compile_str: Any) -> None:
        """``compile_str`` is `GCC_compiler.compile_str`, which compiles one."""
        self._compile_str = compile_str
        self._linker: Any = None
        self._folder: Path | None = None
        self._made: set[str] = set()

    @contextmanager
    def of(self, linker: Any) -> Iterator[None]:
        """For as long as ``linker`` makes its function, and others within it."""
        outer = self._linker, self._folder, self._made
        self._linker, self._folder, self._made = linker, None, set()
        try:
            yield
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._linker, self._folder, self._made = outer

    def compile_str(
        self, module_name: str, src_code: str, location: str, **options: Any
    ) -> Any:
        """The module, imported: compiled ahead, or else now."""
        if self._linker is not None and self._folder is None:
            self._compile_all()
        if self._folder is None or module_name not in self._made:
            return self._compile_str(module_name, src_code, location, **options)
        from theano.gof import cmodule

        shutil.copytree(self._folder / module_name, location, dirs_exist_ok=True)
        Path(location, "__init__.py").touch()
        library = f"{module_name}.{cmodule.get_lib_extension()}"
        return cmodule.dlimport(str(Path(location, library)))

    def _compile_all(self) -> None:
        folder = self._folder = Path(tempfile.mkdtemp())
        wanted, made = _missing_modules(self._linker.fgraph), self._made

        def compile_one(name: str) -> None:
            location = folder / name
            location.mkdir()
            # What fails here fails again in its turn, and is told there.
            with suppress(Exception):
                self._compile_str(
                    name, location=str(location), py_module=False, **wanted[name]
                )
                made.add(name)

        cores = len(os.sched_getaffinity(0))
        with ThreadPoolExecutor(min(cores, _MOST_AT_ONCE)) as pool:
            list(pool.map(compile_one, wanted))


def _missing_modules(graph: Any) -> dict[str, dict[str, Any]]:
    """Arguments of `compile_str` by module name, for what the cache has not."""
    from theano.gof import link
    from theano.gof.cc import CLinker, get_module_cache
    from theano.gof.cmodule import get_module_hash
    from theano.gof.fg import FunctionGraph

    cache = get_module_cache()
    order = graph.toposort()
    *_, storage = link.map_storage(graph, order, None, None, None)
    computed = {variable: [variable.owner is None] for variable in storage}
    wanted = {}
    for node in order:
        # Some operations have no C++; they say so in more than one way.
        with suppress(Exception):
            node.op.prepare_node(node, storage, computed, "c")
            linker = CLinker().accept(FunctionGraph(node.inputs, node.outputs))
            key, module = linker.cmodule_key(), linker.get_dynamic_module()
            source = module.code()
            known = get_module_hash(source, key) in cache.module_hash_to_key_data
            if known or key in cache.entry_from_key:
                continue
            wanted[module.code_hash] = {
                "src_code": source,
                "include_dirs": linker.header_dirs(),
                "lib_dirs": linker.lib_dirs(),
                "libs": linker.libraries(),
                "preargs": linker.compile_args(),
            }
    return wanted

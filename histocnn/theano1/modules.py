"""Theano's C++ modules, some fifty for one network, compiled together.

Theano compiles one after the other. What a function needs is known before its first
module is compiled: all are, on all cores. This changes when something is compiled,
never what.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_MOST_AT_ONCE = 8  # each g++ takes some 150 MB, which a container may not have


def clear_half_made(folder: Path) -> None:
    """Remove what a process that was killed while it compiled left in the cache.

    Theano makes a module in a folder ``tmp…`` of ``folder``, its ``compiledir``, under
    a lock of its own, and writes the key last. One without a key it never looks at
    again, nor does it ever remove it.
    """

    def found() -> list[Path]:
        made = folder.glob("tmp*/")
        return [each for each in made if not (each / "key.pkl").exists()]

    if not found():
        return
    from theano.gof import compilelock

    with compilelock.lock_ctx():
        # What is still so now is nobody's work: who works there has the lock.
        for left in found():
            shutil.rmtree(left, ignore_errors=True)


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

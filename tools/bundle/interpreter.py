"""This CPython, made so that it runs from any folder: bundled for the target."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from tools.bundle.elf import Patchelf, elves, libraries, strip
from tools.uv import PYTHON

ON_TARGET = Path(__file__).parent / "on_target"

#: Of the standard library: tests, the desktop's, and what installs.
_LEFT_OUT = (
    *("__pycache__", "config-*", "dist-packages", "ensurepip", "idle_test", "idlelib"),
    *("lib2to3", "pydoc_data", "site-packages", "test", "tests", "tkinter"),
    *("turtle.py", "turtledemo", "*.exe", "sitecustomize.py"),
)
#: Modules of tests, and those that bring libraries which nothing here asks for.
_MODULES_LEFT_OUT = (
    *("_ctypes_test*", "_curses*", "_dbm*", "_gdbm*", "_sqlite3*", "_test*"),
    *("_tkinter*", "_xx*", "nis*", "ossaudiodev*", "readline*", "xx*"),
)
#: Theano asks where Python was configured to have its library and its headers.
_MOVED = """
# It was moved, and they with it.
import sys
build_time_vars["LIBDIR"] = sys.base_prefix + "/lib"
for _name in "INCLUDEPY", "CONFINCLUDEPY":
    build_time_vars[_name] = sys.base_prefix + "/include/python{version}"
"""


def bundle_interpreter(target: Path, patchelf: Patchelf) -> None:
    """Copy the interpreter that runs this, its library and its headers to ``target``.

    ``target`` then holds bin, lib and include, as `sys.base_prefix` does.
    """
    stdlib = Path(sysconfig.get_path("stdlib"))
    own = target / "lib" / stdlib.name
    (target / "bin").mkdir(parents=True)
    program = target / "bin" / f"python{PYTHON}"
    shutil.copy2(_program(), program)
    shutil.copytree(stdlib, own, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    modules = own / "lib-dynload"
    for pattern in _MODULES_LEFT_OUT:
        for module in modules.glob(pattern):
            module.unlink()
    shutil.copy2(ON_TARGET / "sitecustomize.py", own)
    _make_relocatable(own)
    _copy_headers(target / "include")
    _copy_libraries(target, [program, *elves(modules)])
    _link_to_itself(target / "lib")
    found = {
        "$ORIGIN/../lib": [program],
        "$ORIGIN/../..": list(elves(modules)),
        "$ORIGIN": [
            each for each in elves(target / "lib") if each.parent.name == "lib"
        ],
    }
    for place, files in found.items():
        for file in files:
            file.chmod(0o755)
        strip(files)
        patchelf.look_in(place, files)


def _program() -> Path:
    """The interpreter's program, not an environment's link to it."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return Path(base).resolve()


def _copy_libraries(target: Path, files: list[Path]) -> None:
    for name, place in libraries(files).items():
        shutil.copy2(place, target / "lib" / name)


def _copy_headers(include: Path) -> None:
    """Python.h and what it includes, as `sysconfig` names their folder."""
    of_python = Path(sysconfig.get_path("include"))
    own = include / of_python.name
    shutil.copytree(of_python, own)
    # Debian's pyconfig.h only names another one, by the machine's architecture.
    multiarch = sysconfig.get_config_var("MULTIARCH") or "none"
    real = of_python.parent / multiarch / of_python.name / "pyconfig.h"
    if real.exists():
        shutil.copy2(real, own / "pyconfig.h")


def _make_relocatable(stdlib: Path) -> None:
    """Have what the interpreter tells of its own build follow it to any folder."""
    for data in stdlib.glob("_sysconfigdata_*.py"):
        text = data.read_text(encoding="utf-8")
        data.unlink()  # Debian's is a link
        data.write_text(text + _MOVED.format(version=PYTHON), encoding="utf-8")


def _link_to_itself(folder: Path) -> None:
    """Let modules that Theano compiles be linked with Python's library by its name.

    Where the interpreter has none, being one program, they find it all in there.
    """
    plain = folder / f"libpython{PYTHON}.so"
    if (folder / f"{plain.name}.1.0").exists():
        plain.symlink_to(f"{plain.name}.1.0")
    else:
        plain.write_text("/* A script for the linker: nothing has to be linked. */\n")

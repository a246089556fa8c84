"""Finds a folder's members by listing it: adding one is adding a file, nothing else."""

import importlib
import pkgutil
import sys
from types import ModuleType

from histocnn.errors import InputError


def names(package: ModuleType) -> tuple[str, ...]:
    """Names of the modules in ``package``, sorted; none of them is imported."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(package.__path__)))


def member(package: ModuleType, kind: str, name: str) -> ModuleType:
    """Import the module ``name`` of ``package``.

    Raises
    ------
    InputError
        if there is none of that name; ``kind`` ("engine", "dataset", …) says what was
        looked for, and the message lists what there is.
    """
    loaded = sys.modules.get(f"{package.__name__}.{name}")
    if loaded is not None and name.isidentifier():
        return loaded  # a grid of 100,000 jobs asks as often
    known = names(package)
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}; there are: {', '.join(known)}")
    return importlib.import_module(f"{package.__name__}.{name}")

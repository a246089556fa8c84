"""Keras 3, imported as in an environment that has nothing beside it and its engine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

#: What Keras imports where it is installed and does without elsewhere: plots, scaled
#: images, wrappers, data frames, checkpoints. None of it has a part in a case.
_OPTIONAL = ("cv2", "jax", "matplotlib", "pandas", "sklearn")


def import_keras() -> ModuleType:
    """Import Keras 3 over an engine that is imported already.

    A site's own Python may have all of Keras' optional packages, where a locked
    environment has none. They would be half of the import, and bring pools of threads
    that no case is about (scikit-learn's OpenMP, SciPy's BLAS). Later imports find them
    again.
    """
    with _hidden(name for name in _OPTIONAL if name not in sys.modules):
        import keras
    return keras  # type: ignore[no-any-return]


@contextmanager
def _hidden(names: Iterator[str]) -> Iterator[None]:
    """Have Python not find the modules ``names`` meanwhile."""
    hidden = tuple(names)
    # None in there makes an import fail as if there were no such module.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, ...) is None:
                del sys.modules[name]

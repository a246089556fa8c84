"""Keras 3, imported without the packages that it uses where they are installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

#: All that Keras looks for when it is imported and does without: plots, scaled images,
#: data frames, wrappers, downloads, checkpoints. None of it has a part in a case.
OPTIONAL = (
    *("IPython", "PIL", "cv2", "huggingface_hub", "jax", "matplotlib", "pandas"),
    *("psutil", "pydot", "pydot_ng", "pydotplus", "requests", "sklearn"),
)


def import_keras() -> ModuleType:
    """Import Keras 3 over JAX or PyTorch, which is imported already.

    A site's own Python may have all of `OPTIONAL`, of which a locked environment has
    none. They would be half of the import, and bring pools of threads that no case is
    about (scikit-learn's OpenMP, SciPy's BLAS). Keras goes on without them; who imports
    them later finds them, but not another thread meanwhile.
    """
    with _hidden([name for name in OPTIONAL if name not in sys.modules]):
        import keras
    return keras  # type: ignore[no-any-return]


@contextmanager
def _hidden(names: list[str]) -> Iterator[None]:
    """Have Python not find the modules ``names`` meanwhile."""
    # None in there makes an import fail as if there were no such module.
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            if sys.modules.get(name, ...) is None:
                del sys.modules[name]

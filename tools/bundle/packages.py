"""An environment's packages, without what only their developers need."""

from __future__ import annotations

import fnmatch
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tools.bundle.elf import elves, strip
from tools.checkout import STAMP, Checkout, fingerprint
from tools.uv import PYTHON

PACKAGES = Path("lib", f"python{PYTHON}", "site-packages")

#: What only tests, type checkers and those who build further packages read.
_LEFT_OUT = (
    *("__pycache__", "tests", "*.a", "*.pyc", "*.pyx", "*.pxd", "*.pxi"),
    *("*.f90", "*.pyf", "*.lib", "*.virtualenv", "_virtualenv.*"),
)
#: Parts of packages, by environment, that nothing of the suite's ever imports. What
#: is missed shows in tests/tools/test_bundle.py, which trains with what is left.
_UNUSED = {
    "bench": (
        *("networkx", "imageio/resources", "numpy/_core/include", "numpy/random/lib"),
        # The reporter's figures, page and change points are made where the results are
        # read.
        *("matplotlib*", "mpl_toolkits", "pylab.py", "contourpy*", "cycler*"),
        *("dateutil", "python_dateutil*", "fontTools", "fonttools*", "kiwisolver*"),
        *("pyparsing*", "six*", "jinja2*", "markupsafe*", "ruptures*"),
        "numpy/_core/_simd.*.so",
        # Images of the camera's and the web's formats, and drawn letters.
        *("PIL/_avif.*", "PIL/_imagingft.*", "PIL/_webp.*", "pillow.libs/libavif-*"),
        *("pillow.libs/libbrotli*", "pillow.libs/libfreetype-*"),
        *("pillow.libs/libharfbuzz-*", "pillow.libs/libpng16-*"),
        *("pillow.libs/libsharpyuv-*", "pillow.libs/libwebp*"),
        *("scipy/cluster", "scipy/datasets", "scipy/differentiate", "scipy/fft"),
        *("scipy/fftpack", "scipy/integrate", "scipy/interpolate", "scipy/io"),
        *("scipy/misc", "scipy/odr", "scipy/optimize", "scipy/signal", "scipy/stats"),
        "scipy/special/cython_special.*.so",
        *("skimage/data/*.jpg", "skimage/data/*.np?", "skimage/data/*.png"),
        *("skimage/data/*.xml", "skimage/feature", "skimage/filters"),
        *("skimage/future", "skimage/graph", "skimage/morphology"),
        *("skimage/registration", "skimage/restoration", "skimage/segmentation"),
    ),
    "theano": (
        # Keras goes on without h5py, which is for saved models.
        *("bin", "docs", "h5py", "h5py.libs", "numpy/core/_simd.*.so"),
        *("numpy/f2py/src", "numpy/random/lib", "scipy/cluster", "scipy/datasets"),
        *("scipy/fftpack", "scipy/io", "scipy/misc", "scipy/odr"),
        "scipy_openblas32/include",
    ),
}
#: …and what is imported of those that are left out.
_KEPT = {
    "bench": ("skimage/data/ihc.png",),
    # `import theano` imports its tests, and goes on where they cannot run.
    "theano": ("theano/tests/__init__.py", "theano/tests/breakpoint.py"),
}

Ignore = Callable[[str, list[str]], set[str]]


def bundle_environment(checkout: Checkout, name: str, target: Path) -> None:
    """Copy the environment ``name`` to ``target``/.envs, stamped as of its lock."""
    source, folder = checkout.folder(name), target / ".envs" / name
    origin = source / PACKAGES
    shutil.copytree(origin, folder / PACKAGES, ignore=_left_out(origin, _UNUSED[name]))
    for kept in _KEPT[name]:
        (folder / PACKAGES / kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(origin / kept, folder / PACKAGES / kept)
    strip([file for file in elves(folder) if file.parent.suffix != ".libs"])
    link_interpreter(folder)
    shutil.copy2(source / STAMP, folder / STAMP)


def link_interpreter(folder: Path) -> None:
    """Make ``folder`` a virtual environment that may be moved with its interpreter.

    A `pyvenv.cfg` that does not say where its Python lies is a virtual environment's
    all the same: Python then follows the link to find its library.
    """
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        link = folder / "bin" / name
        link.symlink_to(f"../../../python/bin/python{PYTHON}")
    config = "include-system-site-packages = false\n"
    (folder / "pyvenv.cfg").write_text(config, encoding="utf-8")


def stamp_as(folder: Path, lock: Path, python: str) -> None:
    """Declare ``folder`` complete, as of ``lock``."""
    stamp = {"lock": fingerprint(lock), "python": python}
    (folder / STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")


def _left_out(origin: Path, unused: tuple[str, ...]) -> Ignore:
    """For `shutil.copytree`: names to pass over in each folder."""

    def names(folder: str, inside: list[str]) -> set[str]:
        here = Path(folder).relative_to(origin)
        return {
            name
            for name in inside
            if any(fnmatch.fnmatch(name, pattern) for pattern in _LEFT_OUT)
            or any(
                (here / name).match(each) and _deep(here / name) == _deep(Path(each))
                for each in unused
            )
        }

    return names


def _deep(path: Path) -> int:
    return len(path.parts)

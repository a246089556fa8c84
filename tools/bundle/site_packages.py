"""For a site's own JAX or PyTorch: what the suite needs beside the framework."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from tools.bundle.interpreter import ON_TARGET
from tools.bundle.pins import write_pins
from tools.checkout import Checkout
from tools.uv import SetupError, Uv

#: Keras 3, what it imports that the framework does not bring, and the worker's own.
_ALWAYS = (
    *("absl-py", "h5py", "keras", "markdown-it-py", "mdurl", "msgspec", "namex"),
    *("optree", "packaging", "pygments", "rich", "threadpoolctl", "typing-extensions"),
)
#: NumPy and the framework are always the site's, and so is what these two share.
SITE_ENGINES = {"jax": _ALWAYS, "torch": (*_ALWAYS, "ml-dtypes")}

_LEAST = (3, 11)


def require_version(python: str) -> None:
    """`SetupError` for a ``python`` that is no version, or older than Keras takes."""
    version = re.fullmatch(r"([0-9]+)\.([0-9]+)", python)
    if not version or not _LEAST <= (int(version[1]), int(version[2])) < (4, 0):
        raise SetupError(
            f"SITE_PYTHON={python!r} is no version like 3.12, from 3.11 on"
        )


def bundle_site_packages(
    checkout: Checkout, engine: str, python: str, target: Path
) -> None:
    """Fill ``target``/site with packages for a Python of the version ``python``.

    Raises
    ------
    SetupError
        for a version that the locked packages have no wheels for.
    """
    folder = target / "site"
    folder.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        pins = Path(scratch, "pins.txt")
        write_pins(checkout.lock(engine), SITE_ENGINES[engine], pins)
        Uv(checkout).fetch(folder / "packages", pins, python)
    shutil.rmtree(folder / "packages" / "bin", ignore_errors=True)
    shutil.copy2(ON_TARGET / "site_python", folder / "python")
    (folder / "python").chmod(0o755)
    shutil.copy2(ON_TARGET / "check.py", folder)

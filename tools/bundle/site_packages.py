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


def bundle_site_packages(
    checkout: Checkout, engine: str, python: str, target: Path
) -> None:
    """Fill ``target``/site with packages for a Python of the version ``python``.

    Raises
    ------
    SetupError
        for a version that is none, or that the locked packages have no wheels for.
    """
    if not re.fullmatch(r"3\.\d+", python) or python < "3.11":
        raise SetupError(
            f"SITE_PYTHON={python!r} is no version like 3.12, from 3.11 on"
        )
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

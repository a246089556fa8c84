"""The engines' environments on this machine: which are built, and which are broken."""

from pathlib import Path

from histocnn.errors import InputError
from tools.checkout import Checkout, is_ready

ROOT = Path(__file__).parents[1]


def name_for(engine: str, device: str) -> str:
    """The environment that trains with ``engine`` on ``device``."""
    return engine if device == "cpu" else f"{engine}-{device}"


def missing(name: str, root: Path = ROOT) -> str | None:
    """Why there is no environment ``name`` and how to get it; None where it is built.

    Raises
    ------
    InputError
        if its building broke off, or its pins have changed since.
    """
    checkout = Checkout(root)
    folder, lock = checkout.folder(name), checkout.lock(name)
    if not lock.exists():
        return f"this version of the suite has no environment {name}"
    if not folder.exists():
        return f"environment {name} is not built; run: make env ENGINE={name}"
    if not is_ready(folder, lock):
        raise InputError(
            f"environment {name} is half-installed or of other pins; run: "
            f"make env ENGINE={name}"
        )
    return None


def interpreter(name: str, root: Path = ROOT) -> Path:
    """The environment's Python."""
    return Checkout(root).folder(name) / "bin" / "python"

"""The engines' environments on a node: built once for all commits with those pins."""

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.alone import measuring
from benchmarks.environments import ROOT
from histocnn import cache
from histocnn.errors import InputError
from tools.checkout import Checkout, fingerprint, is_ready
from tools.env import build
from tools.uv import SetupError

#: The variable that names the checkout which the node was started from.
CHECKOUT = "HISTOCNN_CHECKOUT"
_DIGITS = 16  # of a lock's digest, in a folder's name


@dataclass(frozen=True)
class Store(Checkout):
    """Environments by the locks of ``root``, each in a folder that names its lock."""

    store: Path

    def folder(self, name: str) -> Path:
        """Where `name` is built, as its lock is now."""
        lock = self.uv_lock if name == "uv" else self.lock(name)
        return self.store / f"{name}-{fingerprint(lock)[:_DIGITS]}"


def store(root: Path = ROOT) -> Store:
    """That of this node, in its cache folder."""
    return Store(root, cache.folder() / "envs")


def provide(name: str, root: Path = ROOT) -> str | None:
    """Have ``.envs/name`` of ``root`` be there; why it cannot be, else None.

    It leads to that of the checkout which the node was started from, where that is of
    the same lock, else to one of the node's own, built here by the first who asks.
    """
    if link(name, root):
        return None
    try:
        with measuring():  # building takes all cores
            build(store(root), name)
    except (SetupError, InputError, OSError, subprocess.SubprocessError) as error:
        return f"environment {name} could not be built on this node: {error}"
    link(name, root)
    return None


def link(name: str, root: Path = ROOT) -> bool:
    """Have ``.envs/name`` of ``root`` lead to one that is ready; whether there is."""
    own = Checkout(root)
    lock = own.lock(name)
    if not lock.exists() or is_ready(own.folder(name), lock):
        return lock.exists()
    started_from = os.environ.get(CHECKOUT)
    checkouts = [Checkout(Path(started_from))] if started_from else []
    for checkout in (*checkouts, store(root)):
        if is_ready(checkout.folder(name), lock):
            return _lead(own.folder(name), checkout.folder(name))
    return False


def _lead(name: Path, target: Path) -> bool:
    """Make ``name`` a link to ``target`` in one move, unless it is a folder itself."""
    if name.is_dir() and not name.is_symlink():
        return False
    name.parent.mkdir(parents=True, exist_ok=True)
    draft = name.with_name(f".{name.name}-{secrets.token_hex(4)}")
    draft.symlink_to(target.absolute())
    draft.replace(name)
    return True

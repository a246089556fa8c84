"""What an image of this checkout says of itself: labels, from the locks and sources.

An image whose labels differ from these holds other pins or other code.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

from histocnn import engines, protocol
from tools.checkout import Checkout, fingerprint

DEVICES = ("cpu", "cuda")
OCI = "org.opencontainers.image"


def lock_of(checkout: Checkout, engine: str, device: str) -> Path:
    """Return the lock that the image's environment is built from."""
    return checkout.lock(engine if device == "cpu" else f"{engine}-{device}")


def image_name(engine: str, device: str) -> str:
    """Return the name that `make image` gives the image."""
    return f"histocnn:{engine}-{device}"


def pinned(lock: str, package: str) -> str:
    """Return the version that the text of a lock pins `package` to, '' for none."""
    match = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    return match[1] if match else ""


def source_fingerprint(package: Path) -> str:
    """Return the SHA-256 of the names and contents of a folder's Python files."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def revision(root: Path) -> str:
    """Return git's commit, with '-dirty' where files differ from it; '' without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def labels(root: Path, engine: str, device: str) -> dict[str, str]:
    """Return the labels of the image of `engine` on `device`."""
    checkout = Checkout(root)
    lock = lock_of(checkout, engine, device)
    pins = lock.read_text(encoding="utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    # An engine may go by another name on another device.
    versions = (pinned(pins, name) for name in engines.get(engine).DISTRIBUTIONS)
    return {
        f"{OCI}.title": f"histocnn: {engine} on {device}",
        f"{OCI}.version": version,
        f"{OCI}.revision": revision(root),
        f"{OCI}.licenses": project["project"]["license"],
        "histocnn.engine": engine,
        "histocnn.device": device,
        "histocnn.version": version,
        "histocnn.keras": pinned(pins, "keras"),
        "histocnn.engine-version": next(filter(None, versions), ""),
        "histocnn.protocol": str(protocol.VERSION),
        "histocnn.lock": fingerprint(lock),
        "histocnn.source": source_fingerprint(root / "histocnn"),
    }

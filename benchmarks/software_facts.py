"""What measures: versions of packages, the locks of environments, git's state."""

import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import histocnn
from tools.checkout import Checkout, fingerprint

#: What the measuring side itself is made of; engines tell their own versions.
_PACKAGES = ("pytest", "pytest-benchmark", "numpy", "psutil", "nvidia-ml-py")
_GIT_SECONDS = 5.0


@dataclass(frozen=True)
class Git:
    """The checkout: its commit, None before the first, and files that differ from it.

    ``changed_files`` counts new ones that git does not ignore, too.
    """

    commit: str | None
    dirty: bool
    changed_files: int


def packages() -> dict[str, str]:
    """Versions by name, of what is installed here."""
    found = {"python": platform.python_version(), "histocnn": histocnn.__version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def locks(root: Path) -> dict[str, str]:
    """The SHA-256 of each environment's lock, hexadecimal, by the environment."""
    checkout, found = Checkout(root), {}
    for name in checkout.names:
        try:
            found[name] = fingerprint(checkout.lock(name))
        except OSError:
            continue
    return found


def git(root: Path) -> Git | None:
    """The state of the checkout; None without git or in a copy without ``.git``."""
    if not (root / ".git").exists():
        return None  # a repository around it would answer in its place
    command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch"]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    commits = [each.split()[-1] for each in lines if each.startswith("# branch.oid ")]
    changed = sum(not line.startswith("#") for line in lines)
    known = [commit for commit in commits if commit != "(initial)"]
    return Git(known[0] if known else None, changed > 0, changed)

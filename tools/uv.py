"""uv at its pinned version, set up in .envs/uv and told what pip is told."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.checkout import Checkout, held, is_ready, write_stamp
from tools.pip_settings import pip_options, uv_environment, uv_flags

PYTHON = "3.11"  # Theano's last; one version for all, so that engines compare

NO_PACKAGES = (
    "packages could not be had: check the network, and what `pip config list` says of "
    "index-url, find-links, cert and proxy; then run this again"
)
NO_PYTHON = (
    f"no Python {PYTHON} here, and uv could not fetch one: install it "
    f"(Debian: apt install python{PYTHON} python{PYTHON}-dev); then run this again"
)
NO_ENSUREPIP = (
    f"{sys.executable} cannot make a virtual environment, it lacks ensurepip: install "
    "it (Debian: apt install python3-venv); then run this again"
)
NO_VENV = f"`{sys.executable} -m venv` failed; try another Python: make PYTHON=..."


class SetupError(Exception):
    """An environment could not be built; the text is the line for the user."""


def call(
    command: list[str],
    environ: Mapping[str, str],
    remedy: str,
    folder: Path | None = None,
) -> None:
    """Run `command` in `folder`; raise SetupError with `remedy` if it fails.

    On a terminal its progress is shown; elsewhere only what a failed one said.
    """
    output = None if sys.stderr.isatty() else subprocess.PIPE
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(environ),
        stdout=output,
        stderr=output,
        check=False,
    )
    if done.returncode:
        said = (done.stdout or b"") + (done.stderr or b"")
        sys.stderr.write(said.decode(errors="replace"))
        raise SetupError(remedy)


class Uv:
    """uv of one checkout; made ready when the object is made."""

    def __init__(self, checkout: Checkout) -> None:
        folder = checkout.folder("uv")
        if not is_ready(folder, checkout.uv_lock):
            with held(folder):
                if not is_ready(folder, checkout.uv_lock):
                    _bootstrap(folder, checkout.uv_lock)
        self._root = checkout.root
        self._program = str(folder / "bin" / "uv")
        self._constraints = ["--build-constraints", str(checkout.constraints)]
        self._options = pip_options(pip_listing(folder), os.environ)

    def venv(self, folder: Path) -> None:
        """Make an empty environment at `folder`, whatever was there before."""
        # Relocatable: a checkout may be moved, or copied into an image.
        how = ["--clear", "--relocatable", "--no-project", "--python", PYTHON]
        self._run(["venv", "--quiet", *how, str(folder)], NO_PYTHON)

    def sync(self, folder: Path, lock: Path) -> None:
        """Install exactly what `lock` pins; every file is checked by its hash."""
        # Build tools are checked by their hashes too: still a preview in this uv.
        hashes = ["--require-hashes", "--require-build-hashes", *self._constraints]
        preview = ["--preview-features", "build-dependency-hashes"]
        # Bytecode now: PYTHONDONTWRITEBYTECODE may keep the frameworks from writing
        # any, and every launch would then compile them (TensorFlow: 8 s, not 2.5 s).
        how = ["--compile-bytecode", *preview, *uv_flags(self._options)]
        pins = lock.read_text(encoding="utf-8")
        how += self._torch_index(pins)
        # A folder with PyTorch's build for CPUs would hide PyPI's for CUDA: uv takes a
        # version with a local part for the newer one, and then finds another hash.
        hides = "torch==" in pins and "+cpu" not in pins and "--no-index" not in how
        unsaid = ["find-links"] if hides else []
        python = ["--python", str(folder / "bin" / "python")]
        command = ["pip", "sync", *python, *hashes, *how, str(lock)]
        self._run(command, NO_PACKAGES, unsaid)

    def fetch(self, folder: Path, pins: Path, python: str = PYTHON) -> None:
        """Put the wheels that `pins` names into `folder`, for Linux and `python`.

        Exactly those, without what they depend on; by their hashes.
        """
        how = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
        fits = [
            "--python-version",
            python,
            "--python-platform",
            "x86_64-manylinux_2_28",
        ]
        how += [*fits, *uv_flags(self._options)]
        command = ["pip", "install", "--quiet", "--target", str(folder), *how]
        self._run([*command, "--requirement", str(pins)], NO_PACKAGES)

    def compile(self, what: list[str], lock: Path, pins: list[str]) -> None:
        """Write `lock` for the requirements `what`, keeping pins that still fit.

        Paths in `what` are relative to the checkout, since the lock quotes them.
        `pins` is what they ask for: a build that PyPI has not is looked for elsewhere.
        """
        target = ["--python-version", PYTHON, "--python-platform", "linux"]
        how = ["--quiet", "--generate-hashes", "--custom-compile-command", "make lock"]
        built = self._constraints if lock.parent.name != "build" else []
        flags = uv_flags(self._options)
        command = ["pip", "compile", *target, *how, *built, *flags, "-o", str(lock)]
        command += self._torch_index("\n".join(pins))
        # No extra index: a partial mirror would leave the hashes of its files only. And
        # wheels of the user's own only where PyPI has no such build.
        unsaid = ["extra-index-url"]
        unsaid += [] if any("+" in pin for pin in pins) else ["find-links"]
        self._run([*command, *what], NO_PACKAGES, unsaid)

    def _torch_index(self, pins: str) -> list[str]:
        """Return what has uv ask PyTorch's own index for the builds for CPUs.

        Nothing where pip knows a folder of wheels: it may be there, and the index is
        one more place that a closed network has to let through.
        """
        wanted = "torch==" in pins and "+cpu" in pins
        own = self._options.get("find-links") or os.environ.get("UV_FIND_LINKS")
        return ["--torch-backend", "cpu"] if wanted and not own else []

    def _run(
        self, arguments: list[str], remedy: str, unsaid: Sequence[str] = ()
    ) -> None:
        """Run uv, telling it all that pip is told but the options `unsaid`."""
        options = {k: v for k, v in self._options.items() if k not in unsaid}
        environ = {**os.environ, **uv_environment(options, os.environ)}
        if not environ.get("SSL_CERT_FILE") and _system_has_certificates():
            environ.setdefault("UV_SYSTEM_CERTS", "true")
        call([self._program, *arguments], environ, remedy, self._root)


def pip_listing(folder: Path) -> str:
    """Ask the user's own pip what it is told; lacking one, the pip beside uv."""
    for python in (sys.executable, str(folder / "bin" / "python")):
        asked = subprocess.run(
            [python, "-m", "pip", "config", "list"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if asked.returncode == 0:
            return asked.stdout.decode(errors="replace")
    return ""


def _bootstrap(folder: Path, lock: Path) -> None:
    """Set uv up in `folder` by venv and pip, from nothing."""
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(NO_ENSUREPIP)
    shutil.rmtree(folder, ignore_errors=True)
    call([sys.executable, "-m", "venv", str(folder)], os.environ, NO_VENV)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    how = ["--disable-pip-version-check", "--require-hashes", "--requirement"]
    call([*pip, *how, str(lock)], os.environ, NO_PACKAGES)
    write_stamp(folder, lock)


def _system_has_certificates() -> bool:
    """Say whether the system has a store; uv's own roots know no private one."""
    import ssl  # here, since it is slow and most runs have nothing to build

    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())))

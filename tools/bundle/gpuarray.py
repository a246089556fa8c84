"""Theano's half for the GPU: libgpuarray and pygpu, as Debian 12 has built them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.bundle.elf import Patchelf, elves, strip
from tools.bundle.packages import PACKAGES, link_interpreter, stamp_as
from tools.bundle.pins import write_pins
from tools.checkout import STAMP, Checkout
from tools.uv import PYTHON, Uv

NAME = "theano-cuda"
#: Small packages of the lock that `theano` has not; CUDA itself is the target's.
_MORE = ("mako", "markupsafe")


class NoGpuarray(Exception):
    """Debian's packages cannot be had here; the text says why."""


def bundle_gpuarray(checkout: Checkout, target: Path, patchelf: Patchelf) -> None:
    """Make ``target``/.envs/theano-cuda: the environment `theano` and what is added.

    Raises
    ------
    NoGpuarray
        where apt-get, its network or a pygpu for this Python is missing.
    """
    folder = target / ".envs" / NAME
    packages = folder / PACKAGES
    listed = checkout.root / "docker" / "packages" / f"{NAME}.unpacked"
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = _unpack(listed.read_text(encoding="utf-8").split(), Path(scratch))
        packages.mkdir(parents=True)
        ignore = shutil.ignore_patterns("tests", "*.c")
        for each in (unpacked / "lib" / "python3" / "dist-packages").iterdir():
            shutil.copytree(each, packages / each.name, ignore=ignore)
        # Theano looks in its environment for both.
        shutil.copytree(unpacked / "include", folder / "include")
        for library in (unpacked / "lib").glob("lib*.so*"):
            shutil.copy2(library, folder / "lib", follow_symlinks=False)
        pins = write_pins(checkout.lock(NAME), _MORE, Path(scratch, "pins.txt"))
        Uv(checkout).fetch(packages, pins)
    files = list(elves(packages / "pygpu"))
    strip(files)
    patchelf.look_in("$ORIGIN/../../..", files)
    (packages / "theano.pth").write_text(f"../../../../theano/{PACKAGES}\n")
    link_interpreter(folder)
    stamp = json.loads((target / ".envs" / "theano" / STAMP).read_text())
    stamp_as(folder, checkout.lock(NAME), stamp["python"])


def _unpack(names: list[str], scratch: Path) -> Path:
    """Debian's packages ``names``, unpacked into ``scratch``; their /usr."""
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise NoGpuarray(f"there is no {program}")
    # Where it may not drop its privileges, apt says so at length.
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *names]
    done = subprocess.run(
        download, cwd=scratch, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise NoGpuarray(f"apt-get cannot download {', '.join(names)}")
    for package in scratch.glob("*.deb"):
        subprocess.run(["dpkg", "--extract", package, scratch], check=True)
    if not list(
        scratch.rglob(f"pygpu/gpuarray.cpython-{PYTHON.replace('.', '')}-*.so")
    ):
        raise NoGpuarray(
            f"this system's pygpu is not for Python {PYTHON} (Debian 12's is)"
        )
    return scratch / "usr"

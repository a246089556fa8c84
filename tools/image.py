"""Builds the images: `python -m tools.image [--base NAME] [ENGINE-DEVICE ...]`.

There is a CPU image of every engine and a CUDA image of every engine whose CUDA
packages are locked. Without names it builds those of the CPU, and for CUDA those that
hold unpacked packages of Debian; the other CUDA images take several GB each to hold
what `make env` sets up as well, and are built by name. With --clean it removes all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from histocnn import engines
from tools.checkout import Checkout
from tools.docker_cli import Docker
from tools.image_labels import DEVICES, image_name, labels, lock_of
from tools.image_secrets import (
    apt_conf,
    certificates_file,
    folder_server,
    pip_conf,
)
from tools.pip_settings import pip_options
from tools.uv import SetupError, call, pip_listing

OWN_BASE = "histocnn-base:bookworm"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def images(checkout: Checkout) -> dict[str, tuple[str, str]]:
    """Return engine and device of every image there is, keyed 'ENGINE-DEVICE'."""
    return {
        f"{engine}-{device}": (engine, device)
        for engine in engines.names()
        for device in DEVICES
        if lock_of(checkout, engine, device).exists()
    }


def usual(checkout: Checkout) -> list[str]:
    """Return the images to build where none is named.

    A CUDA image is one of them if docker/packages/ names packages of Debian that are
    unpacked into it: then its engine may run nowhere else.
    """
    packages = checkout.root / "docker" / "packages"
    return [
        name
        for name, (_, device) in images(checkout).items()
        if device == "cpu" or (packages / f"{name}.unpacked").exists()
    ]


def default_base(dockerfile: str) -> str:
    """Return the base that the text of a Dockerfile names."""
    match = re.search(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)
    assert match, "the Dockerfile has lost its ARG BASE"
    return match[1]


def choose_base(docker: Docker, root: Path, asked: str, public: str) -> str:
    """Return a base that the engine has: the one asked for, else the public one.

    Where the public one cannot be pulled, root gets one made here. Raises SetupError.
    """
    for base in (asked,) if asked else (public, OWN_BASE):
        if docker.has(base):
            return base
    base = asked or public
    print(f"{base}: pulling it", flush=True)
    if docker.pull(base):
        return base
    remedy = f"{base} cannot be pulled; name a Debian 12 that is there: BASE=…"
    if asked or os.geteuid() != 0:
        raise SetupError(remedy)
    print(f"{base} cannot be pulled; making {OWN_BASE} of packages", flush=True)
    call([str(root / "tools" / "docker_base.sh"), OWN_BASE], docker.environ, remedy)
    return OWN_BASE


def secret_files(
    checkout: Checkout, folder: Path, serve: Callable[[Path], str]
) -> dict[str, Path]:
    """Write into `folder` what a build may know of the host; return id and file."""
    options = pip_options(pip_listing(checkout.folder("uv")), os.environ)
    certificates = certificates_file(options, os.environ)
    files = {"pip": folder / "pip", "apt": folder / "apt"}
    text = pip_conf(options, serve, certificates is not None)
    files["pip"].write_text(text, encoding="utf-8")
    text = apt_conf(_apt_settings(), certificates is not None)
    files["apt"].write_text(text, encoding="utf-8")
    return files | ({"certificates": certificates} if certificates else {})


def _apt_settings() -> str:
    try:
        done = subprocess.run(
            ["apt-config", "dump"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""  # no Debian
    return done.stdout


def build_command(
    engine: str, device: str, base: str, stamps: dict[str, str], files: dict[str, Path]
) -> list[str]:
    """Return the arguments of `docker` that build one image."""
    proxies = [name for p in PROXIES for name in (p, p.upper()) if name in os.environ]
    command = ["build", "--network=host", "--file", f"docker/{device}.Dockerfile"]
    command += ["--tag", image_name(engine, device)]
    for value in (f"BASE={base}", f"ENGINE={engine}", *proxies):
        command += ["--build-arg", value]
    for name, file in files.items():
        command += ["--secret", f"id={name},src={file}"]
    # As options they come after the last layer, so that none depends on them.
    for name, text in stamps.items():
        command += ["--label", f"{name}={text}"]
    return [*command, "."]


def build(root: Path, names: list[str], base: str) -> list[str]:
    """Build the images `names`; return a line on each. Raises SetupError."""
    checkout = Checkout(root)
    known = images(checkout)
    docker = Docker.find()
    dockerfile = (root / "docker" / "cpu.Dockerfile").read_text(encoding="utf-8")
    base = choose_base(docker, root, base, default_base(dockerfile))
    lines = []
    with tempfile.TemporaryDirectory() as scratch, folder_server() as serve:
        files = secret_files(checkout, Path(scratch), serve)
        for name in names:
            engine, device = known[name]
            began = time.monotonic()
            stamps = labels(root, engine, device)
            command = build_command(engine, device, base, stamps, files)
            remedy = f"{name}: not built; what failed is above"
            docker.run(command, remedy, root)
            image = image_name(engine, device)
            megabytes = docker.size_bytes(image) / 1e6
            seconds = time.monotonic() - began
            lines.append(f"{image:<28} {megabytes:6.0f} MB  built in {seconds:.0f} s")
    return lines


def main(argv: list[str], root: Path) -> int:
    """Build or remove images; return the exit status."""
    checkout = Checkout(root)
    known = images(checkout)
    by_default = usual(checkout)
    by_name = ", ".join(name for name in known if name not in by_default)
    parser = argparse.ArgumentParser(
        prog="tools.image",
        description=__doc__,
        epilog=f"By name only: {by_name or 'none'}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="ENGINE-DEVICE")
    parser.add_argument("--base", default="", help="a Debian 12 (default: the public)")
    parser.add_argument("--clean", action="store_true", help="remove the images")
    asked = parser.parse_args(argv)
    if unknown := [name for name in asked.names if name not in known]:
        there = ", ".join(known)
        print(f"there is no image {unknown[0]!r}; there are: {there}", file=sys.stderr)
        return 2
    try:
        if asked.clean:
            Docker.find().remove("histocnn.engine", OWN_BASE)
            return 0
        print(*build(root, asked.names or by_default, asked.base), sep="\n")
    except SetupError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("images: interrupted; layers that were done are kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))

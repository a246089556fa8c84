"""Writes an engine's bundle: `python -m tools.bundle [--site-python 3.12] ENGINE`."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import histocnn
from tools.bundle import archive
from tools.bundle.elf import Patchelf
from tools.bundle.gpuarray import NoGpuarray, bundle_gpuarray
from tools.bundle.interpreter import bundle_interpreter
from tools.bundle.packages import bundle_environment
from tools.bundle.project import bundle_project, commit_facts
from tools.bundle.site_packages import (
    SITE_ENGINES,
    bundle_site_packages,
    require_version,
)
from tools.checkout import Checkout
from tools.uv import SetupError

OWN_ENGINES = ("theano",)
#: What has to be carried to where no network is; more is told, not refused.
MOST_MEGABYTES = 60


def bundle(
    checkout: Checkout, engine: str, site_python: str, folder: Path
) -> dict[str, str]:
    """Fill ``folder`` with all that a target needs; return what VERSION says of it."""
    patchelf = Patchelf(checkout)
    facts = {
        "histocnn": histocnn.__version__,
        "engine": engine,
        "python": platform.python_version(),
        "site_python": "" if engine in OWN_ENGINES else site_python,
        **commit_facts(checkout.root),
    }
    bundle_project(checkout, folder, facts)
    bundle_interpreter(folder / "python", patchelf)
    bundle_environment(checkout, "bench", folder)
    if engine in SITE_ENGINES:
        bundle_site_packages(checkout, engine, site_python, folder)
        return facts
    bundle_environment(checkout, engine, folder)
    try:
        bundle_gpuarray(checkout, folder, patchelf)
    except NoGpuarray as why:
        print(f"{engine}: bundled for the CPU only: {why}", file=sys.stderr)
        shutil.rmtree(folder / ".envs" / f"{engine}-cuda", ignore_errors=True)
    return facts


def main(
    argv: list[str],
    root: Path,
    make: Callable[[Checkout, str, str, Path], object] = bundle,
) -> int:
    """Write build/histocnn-ENGINE.tar.xz; return the exit status."""
    parser = argparse.ArgumentParser(prog="make bundle")
    parser.add_argument("--site-python", default="3.12", metavar="VERSION")
    parser.add_argument("--output", type=Path, default=root / "build")
    parser.add_argument("--preset", type=int, default=archive.PRESET, help="of xz")
    parser.add_argument("engine")
    args = parser.parse_args(argv)
    known = [*OWN_ENGINES, *SITE_ENGINES]
    if args.engine not in known:
        there = ", ".join(sorted(known))
        print(f"{args.engine!r} cannot be bundled; there are: {there}", file=sys.stderr)
        return 2
    try:
        if args.engine in SITE_ENGINES:
            require_version(args.site_python)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    began = time.monotonic()
    name = f"histocnn-{args.engine}"
    file: Path = args.output / f"{name}{archive.SUFFIX}"
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=args.output) as scratch:
            folder = Path(scratch, name)
            folder.mkdir()
            make(Checkout(root), args.engine, args.site_python, folder)
            archive.pack(folder, file, args.preset)
    except (SetupError, OSError) as error:
        print(f"{name}: not built: {error}", file=sys.stderr)
        return 1
    size, seconds = file.stat().st_size / 1e6, time.monotonic() - began
    print(f"{name}: {size:.1f} MB in {file} ({seconds:.0f} s)")
    if size > MOST_MEGABYTES:
        print(
            f"{name}: meant to be {MOST_MEGABYTES} MB at most; leave more out: "
            "tools/bundle/packages.py",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[2]))

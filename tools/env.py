"""Builds the environments under .envs/ from their locks, once.

`python3 tools/env.py NAME...` makes .envs/NAME hold what requirements/NAME.txt pins.
It runs before anything is installed, so it and what it imports need no more than the
standard library of any Python from 3.8 on.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run by its path, it would see its own folder only

from tools.checkout import STAMP, Checkout, held, is_ready, write_stamp  # noqa: E402
from tools.uv import PYTHON, SetupError, Uv  # noqa: E402


def build(checkout: Checkout, name: str, tool: Callable[[Checkout], Uv] = Uv) -> bool:
    """Make the environment `name` ready; return whether there was work to do.

    It is built from scratch where its stamp is missing or tells of another lock, so
    that nothing of an older or an interrupted build stays. Raises SetupError.
    """
    folder, lock = checkout.folder(name), checkout.lock(name)
    if is_ready(folder, lock, f"{PYTHON}."):
        return False
    began = time.monotonic()
    with held(folder):
        if is_ready(folder, lock, f"{PYTHON}."):
            return False  # another process built it while this one waited
        with contextlib.suppress(FileNotFoundError):
            (folder / STAMP).unlink()  # first, so that an interrupt leaves none
        uv = tool(checkout)
        uv.venv(folder)
        uv.sync(folder, lock)
        write_stamp(folder, lock)
    seconds = time.monotonic() - began
    print(f"{name}: ready in .envs/{name} ({seconds:.0f} s)", flush=True)
    return True


def missing_for_theano(python: Path) -> list[str]:
    """Return what this machine lacks to compile what Theano generates.

    `python` is the interpreter of Theano's environment.
    """
    missing = [] if shutil.which("g++") else ["a C++ compiler (Debian: g++)"]
    ask = [str(python), "-c", "import sysconfig as s; print(s.get_path('include'))"]
    headers = subprocess.run(ask, stdout=subprocess.PIPE, check=True).stdout.decode()
    if not (Path(headers.strip()) / "Python.h").exists():
        missing.append(f"Python.h (Debian: python{PYTHON}-dev)")
    return missing


def main(argv: list[str], root: Path = ROOT) -> int:
    """Build the environments that `argv` names; return the exit status."""
    checkout = Checkout(root)
    known = checkout.names
    unknown = [name for name in argv if name not in known]
    if unknown or not argv:
        asked = f"{unknown[0]!r} is no environment" if unknown else "name one"
        print(f"{asked}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in argv:
        try:
            built = build(checkout, name)
        except (SetupError, OSError) as error:  # OSError: disk full, no permission
            print(f"{name}: not built: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"{name}: interrupted; run this again to build it", file=sys.stderr)
            return 130
        if built and name == "theano":
            for lack in missing_for_theano(checkout.folder(name) / "bin" / "python"):
                print(f"theano: will be skipped without {lack}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Writes requirements/ again from pyproject.toml: one lock an extra (`make lock`)."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from tools.checkout import Checkout
from tools.uv import SetupError, Uv


def targets(checkout: Checkout) -> dict[Path, list[str]]:
    """Return, for each lock file, which part of pyproject.toml it pins.

    What builds the environments comes first: the rest is resolved with it.
    """
    source = checkout.root / "pyproject.toml"
    project = tomllib.loads(source.read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    return {
        checkout.uv_lock: ["--group", "uv"],
        checkout.constraints: ["--group", "constraints"],
        **{checkout.lock(name): ["--extra", name, source.name] for name in extras},
    }


def main(argv: list[str], root: Path) -> int:
    """Write every lock, giving uv the flags in `argv` too, such as --upgrade."""
    checkout = Checkout(root)
    try:
        uv = Uv(checkout)
        for lock, part in targets(checkout).items():
            uv.compile([*argv, *part], lock)
    except SetupError as error:
        print(f"locks: not written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))

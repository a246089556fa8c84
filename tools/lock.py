"""Writes requirements/ again from pyproject.toml: one lock an extra (`make lock`)."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from tools.checkout import Checkout
from tools.uv import SetupError, Uv


def targets(checkout: Checkout) -> dict[Path, tuple[list[str], list[str]]]:
    """Return, for each lock, which part of pyproject.toml it pins, and those pins.

    What builds the environments comes first: the rest is resolved with it.
    """
    source = checkout.root / "pyproject.toml"
    project = tomllib.loads(source.read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    build = {
        "uv": checkout.uv_lock,
        "constraints": checkout.constraints,
        "bundle": checkout.bundle_lock,
    }
    extras = project["project"]["optional-dependencies"]
    return {
        **{lock: (["--group", name], groups[name]) for name, lock in build.items()},
        **{
            checkout.lock(name): (["--extra", name, source.name], pins)
            for name, pins in extras.items()
        },
    }


def main(argv: list[str], root: Path) -> int:
    """Write every lock, giving uv the flags in `argv` too, such as --upgrade."""
    checkout = Checkout(root)
    try:
        uv = Uv(checkout)
        for lock, (part, pins) in targets(checkout).items():
            uv.compile([*argv, *part], lock, pins)
    except SetupError as error:
        print(f"locks: not written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))

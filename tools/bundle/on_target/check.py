"""Says whether the site's Python is one that a bundle's packages fit.

Where each of its starts would compile their modules, it prints ``uncompiled-NAME``: the
name of a folder for their bytecode, which no other installation shares.
"""

import hashlib
import importlib.util
import os
import sys
from pathlib import Path


def problem(engine: str, version: str) -> str:
    """What is wrong with this Python, and what to do; empty: nothing."""
    here = "{}.{}".format(*sys.version_info)
    if here != version:
        return (
            f"{sys.executable} is Python {here}, and this bundle is for {version}; "
            "name another by --site-python, or have one made: "
            f"make bundle ENGINE={engine} SITE_PYTHON={here}"
        )
    if importlib.util.find_spec(engine) is None:
        return f"{sys.executable} has no {engine}; name one that has by --site-python"
    return ""


def is_uncompiled(module: str) -> bool:
    """Whether the bytecode of ``module`` is neither there nor can be put there.

    So it is in a container image that was built without, used by another than root.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or spec.cached is None:
        return False
    writable = os.access(Path(spec.origin).parent, os.W_OK)
    return not (writable or Path(spec.cached).exists())


def installation(module: str) -> str:
    """16 hexadecimal digits that differ between installations of ``module``.

    Bytecode is looked up by its source's path, time and size, and of two container
    images another version may have all three. When its folder was made says which it
    is; device and inode would tell containers of one image apart, too.
    """
    spec = importlib.util.find_spec(module)
    folder = Path((spec and spec.origin) or sys.prefix).parent
    said = f"{sys.version} {folder} {folder.stat().st_ctime_ns}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


if __name__ == "__main__":
    if found := problem(*sys.argv[1:]):
        sys.exit(f"run: {found}")
    if any(map(is_uncompiled, (sys.argv[1], "keras"))):
        print(f"uncompiled-{installation(sys.argv[1])}")

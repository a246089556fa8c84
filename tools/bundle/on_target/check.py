"""Says whether the site's Python is one that a bundle's packages fit.

Prints the word ``uncompiled`` where each of its starts would compile their modules.
"""

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


if __name__ == "__main__":
    if found := problem(*sys.argv[1:]):
        sys.exit(f"run: {found}")
    if any(map(is_uncompiled, (sys.argv[1], "keras"))):
        print("uncompiled")

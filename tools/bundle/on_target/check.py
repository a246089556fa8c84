"""Says whether the site's Python is one that a bundle's packages fit."""

import importlib.util
import sys


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


if __name__ == "__main__":
    found = problem(*sys.argv[1:])
    sys.exit(f"run: {found}" if found else 0)

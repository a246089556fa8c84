"""The engines' environments on this machine: built, broken, or the user's own."""

import os
from collections.abc import Sequence
from pathlib import Path

from histocnn import engines
from histocnn.errors import InputError
from tools.checkout import Checkout, is_ready

ROOT = Path(__file__).parents[1]


def name_for(engine: str, device: str) -> str:
    """The environment that trains with ``engine`` on ``device``."""
    return engine if device == "cpu" else f"{engine}-{device}"


def missing(name: str, root: Path = ROOT) -> str | None:
    """Why there is no environment ``name`` and how to get it; None where it is built.

    Raises
    ------
    InputError
        if its building broke off, or its pins have changed since.
    """
    checkout = Checkout(root)
    folder, lock = checkout.folder(name), checkout.lock(name)
    if not lock.exists():
        return f"this version of the suite has no environment {name}"
    if not folder.exists():
        return f"environment {name} is not built; run: make env ENGINE={name}"
    if not is_ready(folder, lock):
        raise InputError(
            f"environment {name} is half-installed or of other pins; run: "
            f"make env ENGINE={name}"
        )
    return None


def brings_cuda(name: str, root: Path = ROOT) -> bool:
    """Whether the environment ``name`` has CUDA's packages, or will have once built.

    One of a bundle has none: it trains with the machine's.
    """
    checkout = Checkout(root)
    folder = checkout.folder(name)
    held = folder.glob("lib/python*/site-packages/nvidia")
    return any(held) or not is_ready(folder, checkout.lock(name))


def interpreter(name: str, root: Path = ROOT) -> Path:
    """The environment's Python."""
    return Checkout(root).folder(name) / "bin" / "python"


def names() -> list[str]:
    """The environments that engines train in, built or not."""
    return [
        name_for(engine, device)
        for engine in engines.names()
        for device in engines.get(engine).DEVICES
    ]


def parse_interpreters(
    texts: Sequence[str], *, here: bool = True
) -> tuple[tuple[str, str], ...]:
    """Pairs of environment and absolute path of ``--interpreter ENV=PATH``, each once.

    ``here``: they run on this machine, not on a cluster's nodes.

    Raises
    ------
    InputError
        for another form, an unknown or repeated environment, or a path that cannot be
        executed here, or is relative where it is another machine's.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals:
            raise InputError(f"--interpreter {text!r} is not of the form ENV=PATH")
        if name not in names():
            there = ", ".join(names())
            raise InputError(
                f"--interpreter: unknown environment {name!r}; there are: {there}"
            )
        if name in found:
            raise InputError(f"--interpreter names {name} twice; leave one out")
        found[name] = _program(name, path) if here else _elsewhere(name, path)
    return tuple(found.items())


def _program(name: str, path: str) -> str:
    """The absolute path of a Python of this machine; `InputError` for none."""
    # Not resolved: a virtual environment's Python is a link, and its path is how
    # it knows where its packages are.
    program = Path(path).absolute()
    try:
        program = Path(path).expanduser().absolute()
        runs = program.is_file() and os.access(program, os.X_OK)
    except (OSError, RuntimeError):  # no such user, too long, no permission
        runs = False
    if not runs:
        raise InputError(
            f"--interpreter {name}: {path!r} is no executable file; name a Python, "
            "such as /opt/site/bin/python3"
        )
    return str(program)


def _elsewhere(name: str, path: str) -> str:
    """The same of a node's, which says itself whether it has it."""
    if not Path(path).is_absolute():
        raise InputError(
            f"--interpreter {name}: {path!r} is no absolute path; name a Python of the "
            "cluster's nodes, such as /opt/site/bin/python3"
        )
    return path

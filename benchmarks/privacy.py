"""Privacy: text that others will read, without the names of people and machines."""

import getpass
import os
import socket
from pathlib import Path

_SHORTEST = 4  # letters: shorter names are parts of ordinary words
_NOBODYS = ("root", "localhost")


def without_names(text: str, checkout: Path) -> str:
    """``text`` with ``checkout`` as ``.``, the home as ``~``, host and user as …."""
    for folder, stands_for in ((str(checkout), "."), (_home(), "~")):
        if len(folder) > 1:
            text = text.replace(folder, stands_for)
    for name in (socket.gethostname(), _user()):
        if len(name) >= _SHORTEST and name not in _NOBODYS:
            text = text.replace(name, "…")
    return text


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # a container's user often has none
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nor a name
        return os.environ.get("USER", "")

"""Privacy: text that others will read, without the names of people and machines."""

import getpass
import os
import re
import socket
from pathlib import Path

_NOBODYS = ("root", "localhost")


def without_names(text: str, checkout: Path) -> str:
    """``text`` with ``checkout`` as ``.``, the home as ``~``, host and user as …."""
    for folder, stands_for in ((str(checkout), "."), (_home(), "~")):
        if len(folder) > 1:
            # A folder of its own: another's name may begin alike.
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", stands_for, text)
    for name in (socket.gethostname(), _user()):
        if name and name not in _NOBODYS:
            # As a word of its own: others may have it as a part.
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
    return text


def without_folders(argument: str) -> str:
    """A command line's argument, of each absolute path in it only the last name."""
    return re.sub(r"(^|[=:])[/~][^=:?]*/(?=[^/])", r"\1…/", argument)


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

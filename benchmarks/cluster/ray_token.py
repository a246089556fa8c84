"""The token of a Ray cluster: who has it may run what he likes on its nodes."""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from histocnn.errors import InputError


def ensure(checkout: Path, variables: Mapping[str, str] = os.environ) -> Path | None:
    """The file of the token, made where there is none; None for one in a variable.

    Raises `InputError` where it lies in ``checkout``, can be read by others, or cannot
    be made.
    """
    path = _path(variables)
    if path is None:
        return None
    if path.resolve().is_relative_to(checkout.resolve()):
        raise InputError(
            f"the token {path} is in the checkout, from which it may be published; "
            "name another file in RAY_AUTH_TOKEN_PATH"
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        require(variables)
        return path
    except OSError as error:
        raise InputError(
            f"no token can be made in {path}: {error.strerror or error}; name another "
            "file in RAY_AUTH_TOKEN_PATH"
        ) from None
    with os.fdopen(made, "w") as file:
        file.write(secrets.token_hex(32))
    return path


def require(variables: Mapping[str, str] = os.environ) -> None:
    """Raise `InputError` where there is no token, or others can read it."""
    path = _path(variables)
    if path is None or variables.get("RAY_AUTH_MODE", "token") != "token":
        return
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
    except OSError:
        raise InputError(
            f"there is no token in {path}; copy the head's to there, readable by you "
            "alone (chmod 600)"
        ) from None
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is to be the token, and is no file; remove it")
    if not size:
        raise InputError(f"the token {path} is empty; remove it, or copy the head's")
    if stat.S_IMODE(mode) & 0o077:
        raise InputError(
            f"others can read the token {path}, and with it run what they like on the "
            f"nodes; run: chmod 600 {path}"
        )


def place(variables: Mapping[str, str] = os.environ) -> str:
    """Where this process's token is, in words."""
    path = _path(variables)
    return "RAY_AUTH_TOKEN" if path is None else str(path)


def _path(variables: Mapping[str, str]) -> Path | None:
    """Where Ray looks for it; None where a variable holds it."""
    if variables.get("RAY_AUTH_TOKEN"):
        return None
    named = variables.get("RAY_AUTH_TOKEN_PATH")
    return Path(named) if named else Path("~/.ray/auth_token").expanduser()

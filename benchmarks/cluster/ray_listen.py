"""Where Ray listens: on one address of a machine, and not on all that it has.

Ray's servers (the head's, each node's, each worker's) listen on every address of their
machine, whatever ``--node-ip-address`` says. `environment` has them take one.
"""

import contextlib
import hashlib
import ipaddress
import os
import socket
import subprocess
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

import psutil

from histocnn import cache
from histocnn.errors import InputError

ADDRESS = "HISTOCNN_LISTEN"
_PRELOAD = "LD_PRELOAD"
_SOURCE = Path(__file__).with_name("ray_listen.c")
_COMPILERS = ("cc", "gcc", "clang")
PORT = 6379  # Ray's own default


def parse(text: str, default_port: int | None = PORT) -> tuple[str, int]:
    """Address and port of ``HOST[:PORT]``; the host's name, if it is one, is looked up.

    Raises
    ------
    InputError
        for no such host, IPv6, no port where there is no default, and for addresses
        that mean all of a machine's or that Ray takes for another.
    """
    host, colon, number = text.strip().partition(":")
    if text.strip().strip("[]") in ("::", "*") or host in ("0.0.0.0", "*"):
        raise InputError(
            f"{text!r} is every network that the machine is in; name the one address "
            "that the nodes reach it by: hostname -I lists them"
        )
    if ":" in number or not host or (not colon and default_port is None):
        raise InputError(
            f"{text!r} is not of the form HOST:PORT, such as 10.0.0.5:6379 (IPv4)"
        )
    port = int(number) if number.isdecimal() else 0
    if colon and not 0 < port < 2**16:
        raise InputError(f"{text!r}: the port is no number from 1 to 65535")
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InputError(f"{text!r}: there is no host {host!r} (IPv4)") from None
    address = str(found[0][4][0])
    if ipaddress.ip_address(address).is_unspecified:
        return parse("0.0.0.0")
    if address == "127.0.0.1":
        raise InputError(
            f"{text!r}: Ray takes 127.0.0.1 for the machine's address on the network; "
            "name that, or 127.0.0.2 for processes of this machine alone"
        )
    return address, port or default_port or 0


def own_address(head: str) -> str:
    """The address by which this machine reaches ``head``; that itself, if it is its."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((head, 0))
        except OSError:
            probe.connect((head, 9))  # nothing is sent
        return str(probe.getsockname()[0])


def is_own(address: str) -> bool:
    """Whether this machine has ``address``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def nodes_here() -> list[tuple[str, str]]:
    """Of each Ray node that runs on this machine: its head's address, and its own."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "raylet":
            words = [word.partition("=") for word in process.info["cmdline"] or []]
            options = {name: value for name, _, value in words}
            head = options.get("--gcs-address", "")
            found.append((head, options.get("--node_ip_address", "")))
    return found


def node_here(head: str) -> str | None:
    """The address of a node of ``head`` (HOST:PORT) here; the head's own rather."""
    found = [own for of_head, own in nodes_here() if of_head == head and own]
    host = head.rpartition(":")[0]
    return host if host in found else next(iter(found), None)


def environment(address: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Variables with which Ray's processes listen on ``address`` alone.

    Raises `InputError` where what that needs cannot be compiled.
    """
    before = inherited.get(_PRELOAD)
    library = str(_library())
    return {ADDRESS: address, _PRELOAD: f"{library}:{before}" if before else library}


def forget(variables: MutableMapping[str, str]) -> None:
    """Take `environment` back, for what a worker of Ray's starts."""
    variables.pop(ADDRESS, None)
    loaded = variables.pop(_PRELOAD, "").split(":")
    others = [path for path in loaded if path and not path.endswith(_name())]
    if others:
        variables[_PRELOAD] = ":".join(others)


def _name() -> str:
    return f"listen-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}.so"


def _library() -> Path:
    """The compiled `ray_listen.c`, made on first use."""
    library = cache.scratch().absolute() / _name()
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        draft = Path(folder, library.name)
        how = ["-shared", "-fPIC", "-O2", "-o", str(draft), str(_SOURCE), "-ldl"]
        for compiler in (os.environ.get("CC"), *_COMPILERS):
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                if compiler:
                    subprocess.run([compiler, *how], capture_output=True, check=True)
                    draft.replace(library)
                    return library
    raise InputError(
        "Ray would listen on all addresses of this machine, and what keeps it to one "
        "needs a C compiler; install one (Debian: gcc and libc6-dev)"
    )

"""What the host tells pip and apt, as files that builds may read and no image keeps."""

from __future__ import annotations

import contextlib
import functools
import http.server
import io
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from tools.pip_settings import local_path

#: Where a Dockerfile mounts the host's certificates.
CERTIFICATES = "/run/secrets/certificates"

_PLACES = ("index-url", "extra-index-url", "find-links")
_PLAIN = ("trusted-host", "timeout", "default-timeout", "proxy", "no-index")
# Not what names a program of the host (Proxy-Auto-Detect) or a file of it (CaInfo).
_APT = re.compile(r"Acquire::(https?::(Proxy(?!-)|Timeout)|Retries|Check-|Force)")
# An index may link to files beside its own folder: ../../files/name-1.0.whl.
_PACKAGES = (".whl", ".whl.metadata", ".tar.gz", ".zip")


def pip_conf(
    options: Mapping[str, str], serve: Callable[[Path], str], certificates: bool
) -> str:
    """Return a pip.conf of the user's `options` that holds inside a build.

    A build sees no folder of the host: `serve` makes an address of one. Folders that do
    not exist are left out.
    """
    lines = ["[global]"]
    for name in _PLACES:
        places = [_reachable(place, serve) for place in options.get(name, "").split()]
        if found := " ".join(filter(None, places)):
            lines.append(f"{name} = {found}")
    lines += [
        f"{name} = {' '.join(options[name].split())}"
        for name in _PLAIN
        if options.get(name)
    ]
    if certificates:
        lines.append(f"cert = {CERTIFICATES}")
    return "\n".join(lines) + "\n"


def _reachable(place: str, serve: Callable[[Path], str]) -> str:
    path = local_path(place)
    if not path:
        return place
    return serve(Path(path)) if Path(path).is_dir() else ""


def apt_conf(dump: str, certificates: bool) -> str:
    """Return of `apt-config dump` what decides how packages are fetched."""
    lines = [line for line in dump.splitlines() if _APT.match(line)]
    if certificates:
        lines.append(f'Acquire::https::CaInfo "{CERTIFICATES}";')
    return "\n".join(lines) + "\n"


def certificates_file(
    options: Mapping[str, str], environ: Mapping[str, str]
) -> Path | None:
    """Return the certificates that the host trusts; None where it has no such file."""
    default = ssl.get_default_verify_paths()
    candidates = (
        options.get("cert"),
        environ.get("SSL_CERT_FILE"),
        default.cafile,
        "/etc/ssl/certs/ca-certificates.crt",  # a Python of its own looks elsewhere
    )
    return next((Path(c) for c in candidates if c and Path(c).is_file()), None)


class _Packages(http.server.SimpleHTTPRequestHandler):
    """Answers with what is in a folder of packages, and packages beside that folder."""

    def __init__(self, *arguments: Any, folder: Path) -> None:
        self._folder = folder
        super().__init__(*arguments, directory=str(folder.parent))

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Refuse all else: the folder's neighbours may be anything."""
        path = Path(self.translate_path(self.path))
        if path.is_relative_to(self._folder) or path.name.endswith(_PACKAGES):
            return super().send_head()
        self.send_error(http.HTTPStatus.NOT_FOUND)
        return None

    def log_message(self, *_: object) -> None:
        """Say nothing: uv reports what it could not get."""


@contextlib.contextmanager
def folder_server() -> Iterator[Callable[[Path], str]]:
    """Give a function that serves a folder on the loopback address until the end.

    Builds use the host's network. What is served are packages, for reading.
    """
    with contextlib.ExitStack() as servers:

        def serve(folder: Path) -> str:
            handler = functools.partial(_Packages, folder=folder)
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            servers.callback(server.server_close)
            servers.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/{quote(folder.name)}/"

        yield serve

"""What pip is told, in uv's words: pure functions from one to the other.

uv reads none of pip's settings. Its own names are those of uv 0.13's reference of
environment variables.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

OLDER_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}


def pip_options(listing: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return pip's options for `pip install`, keyed like its long flags.

    `listing` is what `pip config list` prints. As in pip, [install] outranks
    [global], and PIP_* variables outrank both.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for line in listing.splitlines():
        key, _, quoted = line.partition("=")
        section, _, option = key.partition(".")
        if section in sections:
            # Quoted as by repr(); a list over several lines holds '\n'.
            sections[section][option] = quoted[1:-1].replace("\\n", " ").strip()
    variables = {
        name[len("PIP_") :].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    return {**sections["global"], **sections["install"], **variables}


def uv_environment(
    options: Mapping[str, str],
    environ: Mapping[str, str],
    exists: Callable[[str], bool] = os.path.exists,
) -> dict[str, str]:
    """Return the variables that tell uv what `options` tell pip.

    A variable that the user has set in `environ`, by its new or its older name, is
    left out. Local folders that do not exist are left out too: pip passes over them,
    uv stops at a missing find-links folder.
    """

    def listed(option: str) -> list[str]:
        places = options.get(option, "").split()
        return [p for p in places if not local_path(p) or exists(local_path(p))]

    indexes, links = listed("extra-index-url"), listed("find-links")
    timeout = options.get("timeout") or options.get("default-timeout")
    proxy = options.get("proxy", "")
    wanted = {
        "UV_DEFAULT_INDEX": options.get("index-url", ""),
        "UV_INDEX": " ".join(indexes),
        # pip weighs all indexes alike; uv stops at the first that knows a name. The
        # hashes in the locks keep pip's way safe.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if indexes else "",
        "UV_FIND_LINKS": ",".join(links),
        "UV_INSECURE_HOST": " ".join(options.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": str(round(float(timeout))) if timeout else "",
        "SSL_CERT_FILE": options.get("cert", ""),
        "SSL_CLIENT_CERT": options.get("client-cert", ""),
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
    }
    taken = {name.upper() for name, value in environ.items() if value}
    return {
        name: value
        for name, value in wanted.items()
        if value and taken.isdisjoint({name, OLDER_NAMES.get(name, name)})
    }


def uv_flags(options: Mapping[str, str]) -> list[str]:
    """Return the flags for what uv reads from no variable."""
    yes = {"1", "y", "yes", "t", "true", "on"}
    return ["--no-index"] if options.get("no-index", "").lower() in yes else []


def local_path(place: str) -> str:
    """Return the path that an index or link folder means, '' for an address."""
    if place.startswith("file:"):
        return unquote(urlsplit(place).path)
    return "" if "://" in place else place

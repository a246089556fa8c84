"""tools/image_secrets.py: what of the host's settings reaches a build, and how."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tools.image_secrets import apt_conf, certificates_file, folder_server, pip_conf


def no_folder(folder: Path) -> str:
    """Stand in for the server where no folder is asked for."""
    raise AssertionError(folder)


def test_addresses_pass_and_folders_become_addresses(tmp_path: Path) -> None:
    """A build sees nothing of the host's disk."""
    options = {
        "index-url": "https://user:secret@index.example/simple",
        "extra-index-url": f"file://{tmp_path} https://more.example/simple",
        "find-links": f"{tmp_path} {tmp_path / 'missing'}",
        "timeout": "60",
        "cert": "/host/bundle.pem",
    }
    text = pip_conf(options, lambda folder: f"http://here/{folder.name}/", True)
    served = f"http://here/{tmp_path.name}/"
    assert text.splitlines() == [
        "[global]",
        "index-url = https://user:secret@index.example/simple",
        f"extra-index-url = {served} https://more.example/simple",
        f"find-links = {served}",
        "timeout = 60",
        "cert = /run/secrets/certificates",
    ]


def test_without_settings_pip_is_told_nothing() -> None:
    assert pip_conf({}, no_folder, certificates=False) == "[global]\n"


def test_apt_keeps_how_to_fetch_and_drops_the_hosts_programs_and_files() -> None:
    dump = "\n".join(
        [
            'APT::Architecture "amd64";',
            'Acquire::Check-Valid-Until "false";',
            'Acquire::http::Proxy "http://proxy.example:3128";',
            'Acquire::http::Proxy::archive.example.org "DIRECT";',
            'Acquire::http::Proxy-Auto-Detect "/usr/local/bin/find-proxy";',
            'Acquire::https::CaInfo "/host/bundle.pem";',
            'DPkg::Post-Invoke:: "rm -f /tmp/x";',
        ]
    )
    assert apt_conf(dump, certificates=True).splitlines() == [
        'Acquire::Check-Valid-Until "false";',
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::http::Proxy::archive.example.org "DIRECT";',
        'Acquire::https::CaInfo "/run/secrets/certificates";',
    ]


def test_pips_own_certificates_come_before_the_hosts(tmp_path: Path) -> None:
    own, host = tmp_path / "own.pem", tmp_path / "host.pem"
    own.touch()
    host.touch()
    environ = {"SSL_CERT_FILE": str(host)}
    assert certificates_file({"cert": str(own)}, environ) == own
    assert certificates_file({"cert": str(tmp_path / "gone")}, environ) == host


def test_a_folder_is_served_with_the_packages_beside_it_and_nothing_else(
    tmp_path: Path,
) -> None:
    """An index links to ../../files/; its neighbours may hold anything."""
    (tmp_path / "simple" / "pkg").mkdir(parents=True)
    (tmp_path / "simple" / "pkg" / "index.html").write_text("links")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "pkg-1-py3-none-any.whl").write_text("wheel")
    (tmp_path / "diary.txt").write_text("private")

    def get(url: str) -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    with folder_server() as serve:
        address = serve(tmp_path / "simple")
        assert get(f"{address}pkg/") == "links"
        assert get(f"{address}../files/pkg-1-py3-none-any.whl") == "wheel"
        for refused in ("../diary.txt", "../", "../files/"):
            with pytest.raises(urllib.error.HTTPError, match="404") as error:
                get(address + refused)
            error.value.close()
    with pytest.raises(urllib.error.URLError):
        get(address)

"""tools/pip_settings.py: what pip is told reaches uv."""

import pytest

from tools.pip_settings import pip_options, uv_environment, uv_flags

LISTING = """\
:env:.timeout='99'
download.index-url='https://download.test/simple'
global.cert='/etc/certs.pem'
global.extra-index-url='\\nhttps://one.test/simple\\nfile:///srv/two'
global.index-url='https://global.test/simple'
install.index-url='https://install.test/simple'
"""


def everything_exists(_: str) -> bool:
    return True


def nothing_exists(_: str) -> bool:
    return False


def test_sections_and_variables_rank_as_in_pip() -> None:
    """[install] outranks [global], PIP_* both; other commands do not count."""
    options = pip_options(LISTING, {"PIP_CERT": "/home/me.pem", "PIP_RETRIES": ""})
    assert options == {
        "cert": "/home/me.pem",
        "extra-index-url": "https://one.test/simple file:///srv/two",
        "index-url": "https://install.test/simple",
    }


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        (
            "index-url",
            "https://a.test/simple",
            {"UV_DEFAULT_INDEX": "https://a.test/simple"},
        ),
        (
            "extra-index-url",
            "https://a.test/x file:///srv/b",
            {
                "UV_INDEX": "https://a.test/x file:///srv/b",
                "UV_INDEX_STRATEGY": "unsafe-best-match",
            },
        ),
        (
            "find-links",
            "/srv/wheels https://a.test/w",
            {"UV_FIND_LINKS": "/srv/wheels,https://a.test/w"},
        ),
        ("trusted-host", "a.test\nb.test:80", {"UV_INSECURE_HOST": "a.test b.test:80"}),
        ("timeout", "12.5", {"UV_HTTP_TIMEOUT": "12"}),
        ("default-timeout", "180", {"UV_HTTP_TIMEOUT": "180"}),
        ("cert", "/etc/certs.pem", {"SSL_CERT_FILE": "/etc/certs.pem"}),
        ("client-cert", "/me.pem", {"SSL_CLIENT_CERT": "/me.pem"}),
        (
            "proxy",
            "http://p.test:1",
            {"HTTP_PROXY": "http://p.test:1", "HTTPS_PROXY": "http://p.test:1"},
        ),
        ("retries", "5", {}),
    ],
)
def test_an_option_of_pip_becomes_uvs_variable(
    option: str, value: str, expected: dict[str, str]
) -> None:
    """Each in uv's own spelling: indexes and hosts by spaces, links by commas."""
    assert uv_environment({option: value}, {}, everything_exists) == expected


def test_local_folders_that_are_gone_are_left_out() -> None:
    """A file:// index or a links folder that does not exist never reaches uv."""
    options = {
        "extra-index-url": "file:///gone/simple https://a.test/simple",
        "find-links": "/gone/wheels",
    }
    assert uv_environment(options, {}, nothing_exists) == {
        "UV_INDEX": "https://a.test/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_a_file_address_is_looked_for_as_a_path() -> None:
    """Escapes in a file:// address are undone before it is looked for."""
    asked: list[str] = []

    def exists(path: str) -> bool:
        asked.append(path)
        return True

    uv_environment({"extra-index-url": "file:///srv/my%20index"}, {}, exists)
    assert asked == ["/srv/my index"]


@pytest.mark.parametrize(
    ("theirs", "option"),
    [
        ({"UV_DEFAULT_INDEX": "https://mine.test"}, "index-url"),
        ({"UV_INDEX_URL": "https://mine.test"}, "index-url"),
        ({"UV_FIND_LINKS": "/mine"}, "find-links"),
        ({"UV_HTTP_TIMEOUT": "7"}, "timeout"),
        ({"SSL_CERT_FILE": "/mine.pem"}, "cert"),
        ({"https_proxy": "http://p", "http_proxy": "http://p"}, "proxy"),
    ],
)
def test_what_the_user_told_uv_wins(theirs: dict[str, str], option: str) -> None:
    """A variable already set, by either of its names, is not touched."""
    assert uv_environment({option: "5"}, theirs, everything_exists) == {}


@pytest.mark.parametrize(("value", "flags"), [("1", ["--no-index"]), ("0", [])])
def test_no_index_is_a_flag(value: str, flags: list[str]) -> None:
    """Uv has no variable for it, so the command line carries it."""
    assert uv_flags(pip_options("", {"PIP_NO_INDEX": value})) == flags

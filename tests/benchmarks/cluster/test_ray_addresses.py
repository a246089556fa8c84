"""Addresses, tokens, labels, patience: what head and nodes are started with."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cluster import ray_listen, ray_token
from benchmarks.cluster.ray_options import labels
from benchmarks.cluster.ray_retry import Retry
from histocnn.errors import InputError
from tests.benchmarks.cluster.a_node import a_node


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.5", ("10.0.0.5", 6379)),
        ("10.0.0.5:1234", ("10.0.0.5", 1234)),
        (" 127.0.0.2:1 ", ("127.0.0.2", 1)),
    ],
)
def test_an_address_may_leave_its_port_out(text: str, found: tuple[str, int]) -> None:
    assert ray_listen.parse(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.0.0.0", "every network"),
        ("0.0.0.0:6379", "every network"),
        ("0", "every network"),
        ("::", "every network"),
        ("[::]", "every network"),
        ("*", "every network"),
        ("", "HOST:PORT"),
        (":6379", "HOST:PORT"),
        ("fe80::1", "HOST:PORT"),
        ("127.0.0.1", "127.0.0.2"),
        ("localhost:6379", "127.0.0.2"),
        ("10.0.0.5:0", "port"),
        ("10.0.0.5:65536", "port"),
        ("10.0.0.5:ray", "port"),
        ("no.such.host.invalid", "there is no host"),
    ],
)
def test_an_address_that_cannot_be_is_told_why(text: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        ray_listen.parse(text)


def test_a_machines_own_address() -> None:
    """That of the head, where it is this machine's; else one that reaches it."""
    assert ray_listen.own_address("127.0.0.9") == "127.0.0.9"
    assert ray_listen.is_own("127.0.0.9")
    assert not ray_listen.is_own("198.51.100.1")  # for documentation: nobody's


_LISTENING = """
import socket, sys
for family, address in ((socket.AF_INET, ""), (socket.AF_INET6, "::"),
                        (socket.AF_INET6, "::ffff:0.0.0.0"),
                        (socket.AF_INET, "127.0.0.1")):
    with socket.socket(family) as server:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((address, 0))
        print(server.getsockname()[0])
"""


def test_who_asks_for_every_address_gets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IPv4 and both forms of IPv6, as gRPC has them; who names one gets that."""
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path))
    variables = ray_listen.environment("127.0.0.9", os.environ)
    done = subprocess.run(
        [sys.executable, "-c", _LISTENING],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    mapped = "::ffff:127.0.0.9"
    assert done.stdout.split() == ["127.0.0.9", mapped, mapped, "127.0.0.1"]


def test_what_workers_start_is_not_meddled_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own library stays, in its place."""
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path))
    for before in ({}, {"LD_PRELOAD": "/usr/lib/mine.so"}):
        variables = {**before, **ray_listen.environment("127.0.0.9", before)}
        assert "listen-" in variables["LD_PRELOAD"]
        ray_listen.forget(variables)
        assert variables == before


def test_without_a_compiler_nothing_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(InputError, match="needs a C compiler; install one"):
        ray_listen.environment("127.0.0.9", {})


def test_a_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / ".ray" / "auth_token"
    variables = {"RAY_AUTH_TOKEN_PATH": str(path)}
    assert ray_token.ensure(tmp_path / "checkout", variables) == path
    token = path.read_text()
    assert len(token) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert ray_token.ensure(tmp_path / "checkout", variables) == path
    assert path.read_text() == token


def test_a_token_in_a_variable_needs_no_file(tmp_path: Path) -> None:
    variables = {"RAY_AUTH_TOKEN": "x", "RAY_AUTH_TOKEN_PATH": str(tmp_path / "no")}
    assert ray_token.ensure(tmp_path, variables) is None
    ray_token.require(variables)


def test_a_token_that_others_may_have_is_refused(tmp_path: Path) -> None:
    """Readable, in the checkout, or none at all."""
    path = tmp_path / "token"
    variables = {"RAY_AUTH_TOKEN_PATH": str(path)}
    with pytest.raises(InputError, match="from which it may be published"):
        ray_token.ensure(tmp_path, variables)
    with pytest.raises(InputError, match="there is no token in"):
        ray_token.require(variables)
    path.touch(0o600)
    with pytest.raises(InputError, match="is empty"):
        ray_token.require(variables)
    path.write_text("x")
    path.chmod(0o640)
    with pytest.raises(InputError, match="run: chmod 600"):
        ray_token.require(variables)
    ray_token.require({**variables, "RAY_AUTH_MODE": "disabled"})
    path.chmod(0o600)
    ray_token.require(variables)
    folder = {"RAY_AUTH_TOKEN_PATH": str(tmp_path)}
    with pytest.raises(InputError, match="is no file"):
        ray_token.require(folder)
    assert ray_token.place(folder) == str(tmp_path)


def test_labels_are_what_ray_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters, digits and ``-_.``, 63 at most, begun and ended by one of the former."""
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path))
    hard = a_node(cpu=f"Intel(R) Xeon(R) @ 2,3GHz = {'x' * 80} ", gpus=("H100 (80)",))
    found = labels(hard.fingerprint.hard)
    assert found["histocnn/cpu"].startswith("Intel-R-Xeon-R-2-3GHz-x")
    assert found["histocnn/gpu"] == "H100-80"
    assert found["histocnn/cores"] == "2"
    allowed = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
    assert all(re.fullmatch(allowed, value) for value in found.values())
    without = replace(hard.fingerprint.hard, gpus=())
    assert labels(without)["histocnn/gpu"] == "none"


def test_pauses_grow_until_patience_ends_and_anew_after_a_success() -> None:
    now = 0.0
    retry = Retry(patience=10.0, pauses=(1.0, 4.0), clock=lambda: now)
    assert [retry.failed(), retry.failed(), retry.failed()] == [1.0, 4.0, 4.0]
    now = 10.1
    assert retry.failed() is None
    retry.reset()
    assert retry.failed() == 1.0


def test_why_it_is_tried_again_is_told_now_and_then() -> None:
    """With the time that is left; another reason at once."""
    now = 0.0
    retry = Retry(patience=600.0, clock=lambda: now)
    retry.failed()
    assert retry.announce("no head") == "no head; trying again for 10 minutes"
    now = 119.0
    assert retry.announce("no head") is None
    assert retry.announce("no route") == "no route; trying again for 9 minutes"
    now = 570.0
    assert retry.announce("no route") == "no route; trying again for a minute"
    retry.reset()
    assert retry.announce("no route") is not None

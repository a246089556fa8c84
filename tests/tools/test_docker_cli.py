"""tools/docker_cli.py: which docker command is taken, and what is said without one."""

from pathlib import Path

import pytest

from tools import docker_cli
from tools.docker_cli import Docker, builds, candidates
from tools.uv import SetupError


def docker(folder: Path, script: str) -> str:
    """Put a `docker` into a new folder; return the folder."""
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


def client(version: str, server: str = "echo 26.1") -> str:
    """A docker without buildx, its client of `version`; `server` answers for it."""
    return (
        'case "$*" in\n'
        "buildx*) exit 1 ;;\n"
        f"*Client*) echo {version} ;;\n"
        f"*Server*) {server} ;;\n"
        "esac"
    )


@pytest.mark.parametrize(
    ("version", "plugin", "can"),
    [
        ("20.10.24+dfsg1", False, True),
        ("28.2.2", False, False),
        ("28.2.2", True, True),
        ("", False, False),
    ],
)
def test_buildkit_is_in_old_clients_and_in_the_plugin_of_new_ones(
    version: str, plugin: bool, can: bool
) -> None:
    assert builds(version, plugin) is can


def test_every_docker_on_the_path_is_a_candidate_once(tmp_path: Path) -> None:
    one, two = docker(tmp_path / "one", "true"), docker(tmp_path / "two", "true")
    empty = str(tmp_path)
    found = candidates(f"{one}:{empty}:{two}:{one}")
    assert found == [f"{one}/docker", f"{two}/docker"]


def test_a_docker_that_cannot_build_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer client without its plugin may stand before the distribution's."""
    new = docker(tmp_path / "new", client("28.2.2"))
    old = docker(tmp_path / "old", client("20.10.24"))
    monkeypatch.setenv("PATH", f"{new}:{old}")
    assert Docker.find().program == f"{old}/docker"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (client("28.2.2"), docker_cli.NO_BUILDKIT),
        (client("20.10", "exit 1"), docker_cli.NO_ENGINE),
        (
            client("20.10", "echo 'dial: permission denied' >&2; exit 1"),
            "no permission on the Docker engine's socket",
        ),
    ],
    ids=["no BuildKit", "no engine", "no permission"],
)
def test_what_stands_in_the_way_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setenv("PATH", docker(tmp_path / "bin", script))
    with pytest.raises(SetupError) as error:
        Docker.find()
    assert str(error.value).startswith(said)


def test_without_any_docker_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="install Docker"):
        Docker.find()

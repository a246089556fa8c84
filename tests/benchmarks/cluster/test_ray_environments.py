"""Environments on a node: those that are there are used, others are built once."""

import shutil
from pathlib import Path

import pytest

from benchmarks.cluster import ray_environments
from benchmarks.cluster.ray_environments import CHECKOUT, link, provide, store
from tools.checkout import Checkout, is_ready, write_stamp
from tools.uv import SetupError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as Ray unpacks it, with the lock of one environment."""
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(CHECKOUT, raising=False)
    return a_project(tmp_path / "project", "jax==1\n")


def a_project(root: Path, pins: str) -> Path:
    """A folder with a lock, and that of uv."""
    (root / "requirements" / "build").mkdir(parents=True)
    (root / "requirements" / "jax.txt").write_text(pins)
    (root / "requirements" / "build" / "uv.txt").write_text("uv==1\n")
    return root


def make(folder: Path, lock: Path) -> None:
    """An environment of that lock, without anything in it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(shutil.which("python3") or "/bin/sh")
    (folder / "pyvenv.cfg").write_text("version_info = 3.11.7\n")
    write_stamp(folder, lock)


def leads_to(root: Path) -> Path:
    """Where the project's environment really is."""
    assert is_ready(Checkout(root).folder("jax"), Checkout(root).lock("jax"))
    return Checkout(root).folder("jax").resolve()


def test_that_of_the_checkout_which_the_node_runs_from_is_taken(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is of the same lock; another commit's pins are another environment."""
    own = Checkout(a_project(tmp_path / "own", "jax==1\n"))
    monkeypatch.setenv(CHECKOUT, str(own.root))
    assert not link("jax", project)
    make(own.folder("jax"), own.lock("jax"))
    assert link("jax", project)
    assert leads_to(project) == own.folder("jax")
    other = a_project(tmp_path / "other", "jax==2\n")
    assert not link("jax", other)


def test_one_is_built_for_all_projects_with_its_pins(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the node's own cache, whose folder outlives what Ray unpacks."""
    built = []

    def build(checkout: Checkout, name: str) -> bool:
        built.append(checkout.folder(name))
        make(checkout.folder(name), checkout.lock(name))
        return True

    monkeypatch.setattr(ray_environments, "build", build)
    assert provide("jax", project) is None
    again = a_project(tmp_path / "again", "jax==1\n")
    assert provide("jax", again) is None
    newer = a_project(tmp_path / "newer", "jax==2\n")
    assert provide("jax", newer) is None
    assert len(built) == 2
    assert leads_to(project) == leads_to(again) == built[0]
    assert leads_to(newer) == built[1]
    assert built[0].is_relative_to(tmp_path / "cache")


def test_one_that_cannot_be_built_is_told_in_a_line(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(checkout: Checkout, name: str) -> bool:
        raise SetupError("packages could not be had: check the network")

    monkeypatch.setattr(ray_environments, "build", build)
    assert provide("jax", project) == (
        "environment jax could not be built on this node: packages could not be had: "
        "check the network"
    )
    assert not Checkout(project).folder("jax").exists()


def test_a_checkouts_own_environment_is_left_alone(project: Path) -> None:
    """Where the node's project is a checkout that somebody works in."""
    own = Checkout(project)
    own.folder("jax").mkdir(parents=True)
    make(store(project).folder("jax"), own.lock("jax"))
    assert not link("jax", project)
    assert not own.folder("jax").is_symlink()


def test_an_environment_that_no_lock_describes_is_not_there(project: Path) -> None:
    assert not link("mxnet", project)

"""What a node tells of itself, and why it cannot run something, without any Ray."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks import environments, fingerprint
from benchmarks.cluster import (
    Faulted,
    Order,
    kind,
    node,
    ray_environments,
    ray_tasks,
    wire,
)
from benchmarks.launchers import DEFAULTS, Settings
from benchmarks.settling import Effort
from histocnn import pinning
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch

JOB = kind(Job("tensorflow", "cpu", 64, 10, None, 1))
PEER = kind(Job("tensorflow", "cpu", 64, 10, None, 1, loop="peer"))
NO_ENVIRONMENT = "environment tensorflow is not built; run: make env ENGINE=tensorflow"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The node's folder of caches."""
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "one"))
    node._launcher.cache_clear()
    return tmp_path / "one"


def test_a_name_stays_and_another_folder_has_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells neither host nor user, and is the same for the next session."""
    first = node.name()
    assert node.name() == first
    assert len(first) == 8
    assert int(first, 16) >= 0
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "two"))
    assert node.name() != first
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["node-name"]


def test_a_node_has_this_machines_facts() -> None:
    found = node.describe("abc", [PEER], DEFAULTS)
    assert found.id == "abc"
    assert found.name == f"node-{node.name()}"
    assert found.machine == fingerprint.hard_digest(fingerprint.take().hard)
    assert found.cores == len(pinning.usable_cpus())
    assert found.refusals == {PEER: "tensorflow has no peer written by hand"}


def test_an_environment_is_built_where_it_alone_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither where something else is, nor where it is there."""
    built: list[str] = []
    is_built = False

    def provide(name: str) -> None:
        nonlocal is_built
        built.append(name)
        is_built = True

    monkeypatch.setattr(ray_environments, "link", lambda name: is_built)
    monkeypatch.setattr(ray_environments, "provide", provide)
    missing = lambda name: None if is_built else NO_ENVIRONMENT  # noqa: E731
    monkeypatch.setattr(environments, "missing", missing)
    assert node.describe("abc", [PEER], DEFAULTS).refusals.keys() == {PEER}
    assert built == []
    assert node.describe("abc", [JOB], DEFAULTS).refusals == {}
    assert node.describe("abc", [JOB], DEFAULTS).refusals == {}
    assert built == ["tensorflow"]


def test_an_environment_that_cannot_be_built_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_environments, "link", lambda name: False)
    monkeypatch.setattr(ray_environments, "provide", lambda name: f"no network: {name}")
    monkeypatch.setattr(environments, "missing", lambda name: NO_ENVIRONMENT)
    refusals = node.describe("abc", [JOB], DEFAULTS).refusals
    assert refusals == {JOB: "no network: tensorflow"}


def test_a_python_of_the_users_own_must_be_on_the_node(tmp_path: Path) -> None:
    """It is named on the driver's machine, where it was looked for, too."""
    there = Settings(interpreters=(("tensorflow", sys.executable),))
    assert node.describe("abc", [JOB], there).refusals == {}
    nowhere = Settings(interpreters=(("tensorflow", str(tmp_path / "python")),))
    (reason,) = node.describe("abc", [JOB], nowhere).refusals.values()
    assert reason.endswith("python, which --interpreter names for tensorflow")


def test_a_folder_of_caches_is_one_machines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where several machines share the checkout's disk."""
    assert node.folder(tmp_path) == Path(os.environ["HISTOCNN_CACHE"])
    monkeypatch.delenv("HISTOCNN_CACHE")
    found = set()
    for host in ("one.example", "two.example"):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        found.add(node.folder(tmp_path))
    assert len(found) == 2
    assert all(path.is_relative_to(tmp_path) for path in found)
    assert not any("example" in str(path) for path in found)


def broken(order: Order, settings: Settings, on_step: object) -> Launch:
    """A launch that a node lacks something for, or whose code fails."""
    del settings, on_step
    if order.number:
        raise ZeroDivisionError("ours")
    raise InputError("no space left")


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "no space left"), (1, "the node failed: ZeroDivisionError: ours")],
)
def test_what_a_node_cannot_make_is_its_own_fault(number: int, said: str) -> None:
    """Told apart from what comes of a worker, which is the case's."""
    order = Order(7, JOB, number, Effort(1, 1), Path("/nowhere"))
    task = wire.encode_task(wire.submit(order, "abc").order, DEFAULTS)
    (line,) = ray_tasks.measured(f"{__name__}:broken", task, [])
    told = wire.decode_reply(line)
    assert isinstance(told, Faulted)
    assert (told.ticket, told.outcome.kind) == (7, "failed")
    assert told.outcome.message == said
    assert bool(told.outcome.words) == bool(number)

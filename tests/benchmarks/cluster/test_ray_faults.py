"""What Ray says went wrong, and what a session is told of it."""

import json
import socket
import subprocess
from typing import Any

import psutil
import pytest

from benchmarks import environments
from benchmarks.launchers import Settings
from benchmarks.launchers.ray import Cluster, Launcher
from histocnn.errors import InputError
from histocnn.job import Job
from tests.benchmarks.cluster.ray_here import running
from tests.conftest import ROOT

#: Runs where Ray is: each of its errors, and the replies that come of it.
_TOLD = """
import json
from ray import exceptions
from benchmarks.cluster import wire
from benchmarks.cluster.ray_orders import Orders

class Ray:
    def remote(self, **options):
        return lambda function: function

errors = {
    "out of memory": exceptions.OutOfMemoryError("killed\\nfor memory"),
    "a worker": exceptions.WorkerCrashedError(),
    "a node": exceptions.NodeDiedError("the node died"),
    "no such node": exceptions.TaskUnschedulableError("it is gone"),
    "the files": exceptions.RuntimeEnvSetupError("no space"),
    "ours": exceptions.RayTaskError("measured", "Traceback …", ValueError("bad")),
}
told = {}
for name, error in errors.items():
    replies = []
    missed = lambda *what: replies.append(what)
    orders = Orders(Ray(), "module:function", replies.append, missed)
    orders._went_wrong(7, "a-node", error)
    *gone, last = replies  # that a node is gone comes before what is lost with it
    reply = wire.decode_reply(last)
    outcome = getattr(reply, "outcome", None)
    told[name] = [
        type(reply).__name__,
        reply.ticket,
        getattr(reply, "why", None) or [outcome.kind, outcome.message],
        gone,
    ]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """By error: the type, ticket and words of its reply, and nodes gone before it."""
    if reason := environments.missing("ray"):
        pytest.skip(reason)
    done = subprocess.run(
        [environments.interpreter("ray"), "-c", _TOLD],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_launch_that_ray_kills_for_memory_has_run_out_of_it(
    told: dict[str, Any],
) -> None:
    """A result like any other, not one to be made again."""
    kind, ticket, (outcome, message), gone = told["out of memory"]
    assert (kind, ticket, outcome, gone) == ("Measured", 7, "out-of-memory", [])
    assert message.startswith("out of memory: Ray killed the launch: ")
    assert "\n" not in message


def test_a_fault_of_the_node_s_code_is_told_as_the_node_s(told: dict[str, Any]) -> None:
    """Whether it would come again another node tells."""
    kind, _, words, gone = told["ours"]
    assert (kind, words, gone) == (
        "Faulted",
        ["failed", "the node failed: bad"],
        [],
    )


@pytest.mark.parametrize("error", ["a node", "no such node"])
def test_a_launch_whose_node_is_gone_is_lost_with_it(
    told: dict[str, Any], error: str
) -> None:
    """Ray may list the node for a while yet: no more is to be sent there.

    The node goes first, or it would be free and have the next launch.
    """
    gone = [["a-node", "it does not answer"]]
    assert told[error] == ["Lost", 7, "its node is gone", gone]


def test_a_launch_whose_process_is_gone_is_lost_alone(told: dict[str, Any]) -> None:
    assert told["a worker"] == [
        *("Lost", 7, "the process that made it was killed"),
        [],
    ]


def test_any_other_error_of_rays_loses_the_launch(told: dict[str, Any]) -> None:
    kind, _, why, gone = told["the files"]
    assert (kind, gone) == ("Lost", [])
    assert "no space" in why


def test_where_no_head_answers_is_told_at_once() -> None:
    """In a line, with the remedy; nothing stays behind."""
    if reason := environments.missing("ray"):
        pytest.skip(reason)
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.2", 0))
        address = f"127.0.0.2:{taken.getsockname()[1]}"
        cluster = Cluster(Settings(address=address))
        with pytest.raises(InputError) as refused:
            cluster.open([])
    assert str(refused.value).startswith(f"no Ray head answers at {address}; start one")
    assert not running("benchmarks.cluster.bridge", psutil.Process().children())


def test_a_cluster_needs_an_address_and_nothing_starts_here() -> None:
    with pytest.raises(InputError, match="name its head by --ray-address"):
        Cluster(Settings())
    launcher = Launcher(Settings())
    job = Job("jax", "cpu", 32, 10, None, 1)
    assert "on the cluster's nodes only" in (launcher.missing(job) or "")
    with pytest.raises(InputError, match="on the cluster's nodes only"):
        launcher.start(job)

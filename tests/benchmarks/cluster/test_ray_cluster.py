"""A real Ray cluster of three nodes on this machine, and what happens to it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import psutil
import pytest

from benchmarks import environments, launchers
from benchmarks.cluster import (
    Event,
    Joined,
    Left,
    Lost,
    Measured,
    Order,
    Stepped,
    kind,
)
from benchmarks.launchers import Settings
from benchmarks.launchers.ray import Cluster
from benchmarks.settling import Effort
from histocnn.data import DatasetSpec
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.prepare import prepare
from tests.benchmarks.cluster.ray_here import HEAD, NODES, RayHere, eventually
from tests.benchmarks.cluster.ray_made import SLEEP
from tests.conftest import ROOT
from tests.docker_cases import small_job
from tests.fake_worker import Behaviour, fake_python
from tools.image_labels import image_name

JOB = Job("tensorflow", "cpu", 32, 10, None, 1, images=20, dataset="synthetic")
GPU = Job("tensorflow", "cuda", 32, 10, "0", 1)
NOWHERE = Path("/nowhere")
LONG = 60.0  # seconds; of a launch that something happens to


@pytest.fixture(scope="module")
def ray() -> Iterator[RayHere]:
    """The cluster that all tests share, in the order of this file."""
    if reason := environments.missing("ray"):
        pytest.skip(reason)
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler: Ray would listen on all addresses")
    dying = msgspec.json.encode(Behaviour(faults={"-b20-": "SIGSEGV"})).decode()
    with RayHere(dying) as cluster, pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.variables.items():
            patch.setenv(name, value)
        yield cluster
    assert eventually(lambda: not cluster.processes(), 20)
    assert not cluster.folder.exists()


def order(ticket: int, seconds: float, job: Job = JOB, arrays: Path = NOWHERE) -> Order:
    """A launch of so many seconds, where it is one of `ray_made`'s."""
    return Order(ticket, job, 0, Effort(1, 1, timeout=seconds), arrays)


def until(
    cluster: Cluster, found: Callable[[Sequence[Event]], bool], patience: float = 40
) -> list[Event]:
    """All events until ``found`` says that those are enough."""
    events: list[Event] = []
    deadline = time.monotonic() + patience
    while not found(events):
        assert time.monotonic() < deadline, events
        events += cluster.wait(1.0)
    return events


def outcome(cluster: Cluster, ticket: int, patience: float = 40) -> Measured | Lost:
    """What becomes of the launch of ``ticket``."""
    events = until(cluster, lambda events: bool(_ends(events, ticket)), patience)
    return _ends(events, ticket)[0]


def _ends(events: Sequence[Event], ticket: int) -> list[Measured | Lost]:
    return [
        event
        for event in events
        if isinstance(event, Measured | Lost) and event.ticket == ticket
    ]


def process_of(cluster: Cluster, ticket: int) -> psutil.Process:
    """The process in which a launch of `ray_made` sleeps."""

    def steps(events: Sequence[Event]) -> list[Stepped]:
        of_kind = [event for event in events if isinstance(event, Stepped)]
        return [step for step in of_kind if step.ticket == ticket]

    (told, *_) = steps(until(cluster, lambda events: bool(steps(events))))
    return psutil.Process(int(told.step.text.removeprefix("pid ")))


def at(process: psutil.Process) -> str:
    """The address of the node that ``process`` belongs to."""
    return Path(process.environ()["HISTOCNN_CACHE"]).name


def test_nodes_tell_what_they_are(ray: RayHere) -> None:
    """Each has a name of its own, all are of one type, and none has a GPU."""
    with ray.cluster(SLEEP) as cluster:
        nodes = cluster.open([kind(JOB), kind(GPU)])
    assert len({node.name for node in nodes}) == len(NODES)
    assert len({node.machine for node in nodes}) == 1
    for node in nodes:
        assert node.cores == len(os.sched_getaffinity(0))
        assert "NVIDIA" in (node.refusal(GPU) or "")
        assert (ROOT / ".git").exists() == (node.fingerprint.soft.git is not None)


def test_nothing_listens_on_all_addresses(ray: RayHere) -> None:
    """Head, nodes, workers and driver listen where they were told to, each alone."""
    with ray.cluster(SLEEP) as cluster:
        (node, *_) = cluster.open([kind(JOB)])
        cluster.submit(order(1, 1.0), node)
        process_of(cluster, 1)
        listening = {
            str(connection.laddr.ip).removeprefix("::ffff:")
            for process in ray.processes()
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
    assert listening == {HEAD, *NODES}


def test_launches_are_those_of_the_local_launcher(ray: RayHere, tmp_path: Path) -> None:
    """A worker in its own process; images fetched once a node; faults as outcomes."""
    fake = str(fake_python(tmp_path))
    settings = Settings(interpreters=(("tensorflow", fake),), address=ray.address)
    dataset = DatasetSpec.parse("synthetic").load()
    arrays = prepare(dataset, JOB.size, JOB.images, root=tmp_path)
    written: list[int] = []
    with ray.cluster(settings=settings) as cluster:
        (node, *_) = cluster.open([kind(JOB)])
        assert node.refusal(JOB) is None
        for ticket in (1, 2):
            cluster.submit(order(ticket, 30.0, arrays=arrays), node)
            measured = outcome(cluster, ticket)
            assert isinstance(measured, Measured)
            assert measured.launch is not None, measured.outcome
            assert measured.launch.device_name == "fake"
            assert measured.launch.launched == {
                "launcher": "local",
                "interpreter": "own",
                "node": node.name,
                "machine": node.machine,
            }
            (entry,) = ray.folder.glob(f"*/data/{arrays.name}")
            written.append((entry / "entry.json").stat().st_mtime_ns)
        assert written[0] == written[1]
        job = Job("tensorflow", "cpu", 32, 20, None, 1, images=20, dataset="synthetic")
        cluster.submit(order(3, 30.0, job, arrays), node)
        crashed = outcome(cluster, 3)
    assert isinstance(crashed, Measured)
    assert crashed.outcome is not None
    assert (crashed.outcome.kind, crashed.outcome.signal) == ("crashed", "SIGSEGV")
    assert (entry / "images.npy").read_bytes() == (arrays / "images.npy").read_bytes()


def test_containers_are_those_of_the_docker_launcher(ray: RayHere) -> None:
    """In the node's own engine, with the limit that was asked for."""
    job = small_job("theano")
    if reason := launchers.get("docker").missing(job):
        pytest.skip(reason)
    arrays = prepare(DatasetSpec.parse("tissue").load(), job.size, job.images)
    image = image_name(job.engine, job.device)
    with ray.cluster(settings=Settings(image=image, address=ray.address)) as cluster:
        (node, *_) = cluster.open([kind(job)])
        assert node.refusal(job) is None
        cluster.submit(order(1, 300.0, job, arrays), node)
        measured = outcome(cluster, 1, 300)
    assert isinstance(measured, Measured)
    assert measured.launch is not None, measured.outcome
    launched = measured.launch.launched
    assert (launched["launcher"], launched["image"]) == ("docker", image)
    assert (launched["node"], launched["machine"]) == (node.name, node.machine)
    small = Settings(memory_bytes=48 * 2**20, address=ray.address)
    with ray.cluster(settings=small) as cluster:
        (node, *_) = cluster.open([kind(job)])
        cluster.submit(order(2, 300.0, job, arrays), node)
        killed = outcome(cluster, 2, 300)
    assert isinstance(killed, Measured)
    assert killed.outcome is not None
    assert killed.outcome.kind == "out-of-memory"


def test_a_killed_or_cancelled_launch_leaves_its_node_to_the_next(ray: RayHere) -> None:
    """Of the killed one is told, of the cancelled one not; both processes are gone."""
    with ray.cluster(SLEEP) as cluster:
        (node, *_) = cluster.open([kind(JOB)])
        cluster.submit(order(1, LONG), node)
        process_of(cluster, 1).kill()
        lost = outcome(cluster, 1)
        assert isinstance(lost, Lost)
        assert lost.why == "the process that made it was killed"
        cluster.submit(order(2, LONG), node)
        cancelled = process_of(cluster, 2)
        cluster.cancel(2)
        cluster.submit(order(3, 0.0), node)
        events = until(cluster, lambda events: bool(_ends(events, 3)))
        assert [event.ticket for event in events if isinstance(event, Measured)] == [3]
        assert not _ends(events, 2)
        assert eventually(lambda: not cancelled.is_running(), 10)


def test_a_killed_node_leaves_and_joins_when_it_is_back(ray: RayHere) -> None:
    """Its launch is lost, the others' go on, and its name is the same as before."""
    with ray.cluster(SLEEP) as cluster:
        nodes = cluster.open([kind(JOB)])
        for ticket, node in enumerate(nodes):
            cluster.submit(order(ticket, 8.0 if ticket else LONG), node)
        address = at(process_of(cluster, 0))
        ray.kill(address)
        events = until(
            cluster,
            lambda events: (
                len(list(filter(_is_end, events))) == len(nodes)
                and any(isinstance(event, Left) for event in events)
            ),
        )
        assert [e.ticket for e in events if isinstance(e, Lost)] == [0]
        assert [e.id for e in events if isinstance(e, Left)] == [nodes[0].id]
        assert {e.ticket for e in events if isinstance(e, Measured)} == {1, 2}
        ray.start_node(address)
        (joined,) = until(cluster, bool)
        assert isinstance(joined, Joined)
        assert joined.node.name == nodes[0].name
        assert joined.node.id != nodes[0].id
        cluster.submit(order(9, 0.0), joined.node)
        assert isinstance(outcome(cluster, 9), Measured)


def _is_end(event: Event) -> bool:
    return isinstance(event, Measured | Lost)


def test_a_killed_bridge_is_started_again(ray: RayHere) -> None:
    """What was out is lost, the nodes leave and join, and the user is told."""
    said: list[str] = []
    with ray.cluster(SLEEP, said=said) as cluster:
        nodes = cluster.open([kind(JOB)])
        cluster.submit(order(1, LONG), nodes[0])
        sleeping = process_of(cluster, 1)
        (bridge,) = ray.bridges()
        bridge.kill()
        events = until(cluster, lambda events: _joined(events) == len(nodes))
        assert isinstance(events[0], Lost)
        assert {e.id for e in events if isinstance(e, Left)} == {n.id for n in nodes}
        assert eventually(lambda: not sleeping.is_running(), 20)
        cluster.submit(order(2, 0.0), nodes[0])
        assert isinstance(outcome(cluster, 2), Measured)
    assert any("; trying again for " in text for text in said)


def _joined(events: Sequence[Event]) -> int:
    return sum(isinstance(event, Joined) for event in events)


def test_a_killed_session_leaves_nothing_behind(ray: RayHere) -> None:
    """Its bridge goes, and with it what it had running on the nodes."""
    script = (
        "import sys, time\n"
        "from tests.benchmarks.cluster.test_ray_cluster import *\n"
        f"cluster = Cluster(Settings(address={ray.address!r}), measure=SLEEP)\n"
        "node = cluster.open([kind(JOB)])[0]\n"
        "cluster.submit(order(1, LONG), node)\n"
        "print(process_of(cluster, 1).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE
    ) as session:
        assert session.stdout is not None
        sleeping = psutil.Process(int(session.stdout.readline()))
        session.send_signal(signal.SIGKILL)
    assert eventually(lambda: not sleeping.is_running(), 20)
    assert eventually(lambda: not ray.bridges(), 20)


def test_a_restarted_head_has_its_nodes_again(ray: RayHere) -> None:
    """The session says that it waits; the nodes find the head by themselves."""
    said: list[str] = []
    with ray.cluster(SLEEP, said=said) as cluster:
        nodes = cluster.open([kind(JOB)])
        cluster.submit(order(1, LONG), nodes[0])
        process_of(cluster, 1)
        ray.kill(HEAD)
        events = until(cluster, lambda events: len(events) > len(nodes))
        assert _ends(events, 1)
        ray.start_head()
        back = until(cluster, lambda events: _joined(events) == len(nodes), 60)
        joined = [event.node for event in back if isinstance(event, Joined)]
        assert {node.name for node in joined} == {node.name for node in nodes}
        cluster.submit(order(2, 0.0), joined[0])
        assert isinstance(outcome(cluster, 2), Measured)
    assert any("; trying again for " in text for text in said)


@pytest.mark.parametrize("token", ["another", None])
def test_who_has_not_the_token_is_told_in_a_line(
    ray: RayHere, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: str | None
) -> None:
    """Driver and node alike: a wrong token, or none."""
    path = tmp_path / "token"
    if token is not None:
        path.write_text(token)
        path.chmod(0o600)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    with ray.cluster(SLEEP) as cluster, pytest.raises(InputError) as refused:
        cluster.open([kind(JOB)])
    assert "token" in str(refused.value)
    assert "\n" not in str(refused.value)
    command = [
        str(environments.interpreter("ray")),
        "-m",
        "benchmarks.cluster.ray_start",
    ]
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(ray.folder))
    node = subprocess.run(
        [*command, "ray-node", "--", ray.address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert node.returncode == 1
    (line,) = node.stderr.splitlines()
    assert "token" in line

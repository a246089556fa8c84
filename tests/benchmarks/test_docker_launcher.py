"""Workers in containers: confined, counted, and gone when they should be."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from benchmarks import launchers
from benchmarks.launchers import DEFAULTS, Settings, parse_size
from benchmarks.launchers.docker import COMPILE_CACHE, LABEL
from benchmarks.measure import measure
from benchmarks.outcomes import MeasuringFailed
from benchmarks.workers import worker
from histocnn.data import DatasetSpec
from histocnn.errors import InputError
from histocnn.prepare import prepare
from tests.conftest import ROOT
from tests.docker_cases import EFFORT, small_job, wait_for_containers
from tools.image_labels import image_name

JOB = small_job("theano")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """The engine; without one, or without the image, a skip that says why."""
    if reason := launchers.get("docker").missing(JOB):
        pytest.skip(reason)
    engine = docker.from_env()
    yield engine
    engine.close()


@pytest.fixture
def launcher(client: Any) -> Iterator[Any]:
    """A launcher of containers; afterwards none of the suite's must be left."""
    yield launchers.get("docker")
    assert not wait_for_containers(client, 0)


@pytest.fixture(scope="module")
def arrays() -> Path:
    """The prepared images of the job."""
    return prepare(DatasetSpec.parse("tissue").load(), JOB.size, JOB.images)


def test_a_container_has_what_it_needs_and_nothing_else(
    client: Any, launcher: Any
) -> None:
    """No network, read-only root, no capabilities, limits, data read-only, no root."""
    with worker(launcher, JOB, timeout=60) as process:
        process.ping()
        (sparse,) = wait_for_containers(client, 1)
        container = client.containers.get(sparse.id)
        host = container.attrs["HostConfig"]
        assert host["NetworkMode"] == "none"
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["PidsLimit"] > 0
        assert len(host["CpusetCpus"].split(",")) == JOB.cores
        assert "/tmp" in host["Tmpfs"]
        mounts = {mount["Destination"]: mount for mount in container.attrs["Mounts"]}
        assert not mounts["/data"]["RW"]
        assert mounts["/cache"]["Name"] == COMPILE_CACHE
        assert set(mounts) == {"/data", "/cache"}
        assert LABEL in client.volumes.get(COMPILE_CACHE).attrs["Labels"]
        assert container.attrs["Config"]["User"] not in {"", "0", "root"}


def test_out_of_memory_is_told_apart_from_a_crash(client: Any, arrays: Path) -> None:
    """The kernel's kill is told with the limit; any other death with its code."""
    small = launchers.get("docker", Settings(memory_bytes=48 * 2**20))
    with pytest.raises(MeasuringFailed) as caught:
        measure(JOB, EFFORT, small, arrays)
    assert str(caught.value) == (
        "out of memory: the worker wanted more than the container's limit of 48 MB"
    )
    with worker(launchers.get("docker"), JOB, timeout=60) as process:
        process.ping()
        (sparse,) = wait_for_containers(client, 1)
        sparse.kill()
        with pytest.raises(MeasuringFailed, match=r"container died \(exit code 137\)"):
            process.ping()
    assert not wait_for_containers(client, 0)


def test_a_hung_worker_is_killed(client: Any, launcher: Any) -> None:
    """A container that gives no answer is removed when its time is up."""
    with worker(launcher, JOB, timeout=20) as process:
        process.ping()
        (sparse,) = wait_for_containers(client, 1)
        client.api.pause(sparse.id)
        process._timeout = 1.0
        with pytest.raises(MeasuringFailed, match="gave no answer for 1 s"):
            process.ping()
    assert not wait_for_containers(client, 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_suite_killed_in_the_middle_leaves_no_container(
    client: Any, launcher: Any, number: signal.Signals, tmp_path: Path
) -> None:
    """While it trains: the engine itself clears up behind the suite."""
    suite = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/test_train.py"),
            *("--launcher", "docker", "--engines", "theano", "--sizes", "128"),
            *("--batches", "50", "--cores", "1", "--rounds", "500"),
            f"--journal={tmp_path}",
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_for_containers(client, 1)
        time.sleep(3)  # by now it imports, compiles or trains
        assert wait_for_containers(client, 1)
    finally:
        suite.send_signal(number)
        try:
            suite.wait(60)
        finally:
            suite.kill()
    assert not wait_for_containers(client, 0)


@contextlib.contextmanager
def relay(folder: Path) -> Iterator[tuple[str, Any]]:
    """A socket that leads to the engine until it is cut: an engine that goes away."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    path = str(folder / "relay.sock")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    ends: list[socket.socket] = [server]

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(engine.removeprefix("unix://"))
                ends.extend([near, far])
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    def cut() -> None:
        Path(path).unlink(missing_ok=True)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"unix://{path}", cut
    finally:
        cut()


def test_an_engine_that_goes_away_is_one_line_each(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The running case and the next ones fail with a line; nothing hangs."""
    with relay(tmp_path) as (address, cut):
        monkeypatch.setenv("DOCKER_HOST", address)
        through = launchers.get("docker")
        with worker(through, JOB, timeout=60) as process:
            process.ping()
            cut()
            with pytest.raises(MeasuringFailed, match="the Docker engine went away"):
                process.ping()
        with pytest.raises(InputError, match="Docker did not start the worker"):
            through.start(JOB)
    assert not wait_for_containers(client, 0)


def labelled(client: Any, **labels: str) -> str:
    """An image like the suite's own but for these labels; nothing runs in it."""
    source = client.api.create_container(image_name("theano", "cpu"))
    changes = [f'LABEL histocnn.{key}="{value}"' for key, value in labels.items()]
    client.api.commit(source, "histocnn-test", "odd", changes="\n".join(changes))
    client.api.remove_container(source)
    return "histocnn-test:odd"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"version": "0.0.1"}, "is of version 0.0.1, this suite is .* build it again"),
        ({"engine": "tensorflow"}, "holds tensorflow-cpu, not theano-cpu; build"),
        ({"engine": "", "device": ""}, "holds nothing-nothing, not theano-cpu"),
        ({"source": "0" * 64}, "holds other code or pins than this tree; build it"),
        ({"protocol": "0"}, "holds other code or pins than this tree; build it"),
    ],
)
def test_a_wrong_image_is_refused(
    client: Any, labels: dict[str, str], message: str
) -> None:
    """Of another version, of another engine, of somebody else."""
    name = labelled(client, **labels)
    try:
        with pytest.raises(InputError, match=message):
            launchers.get("docker", Settings(image=name)).missing(JOB)
    finally:
        client.images.remove(name, force=True)


def test_a_missing_image_is_offered_not_made(client: Any) -> None:
    """The line says how to build it; nothing is pulled."""
    odd = launchers.get("docker", Settings(image="histocnn:nowhere"))
    assert odd.missing(JOB) == (
        "there is no image histocnn:nowhere; build it: "
        "make image ENGINE=theano DEVICE=cpu"
    )


def test_a_cpuset_beyond_the_machine_is_dockers_own_word(
    client: Any, launcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the engine sees fewer CPUs than this process, the case fails in one line."""
    monkeypatch.setattr("histocnn.pinning.choose", lambda *_: (4095,))
    with pytest.raises(InputError, match=r"did not start the worker: .*4095") as caught:
        launcher.start(JOB)
    assert "\n" not in str(caught.value)


def test_without_an_engine_a_case_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says where it was looked for, and what to do."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    reason = launchers.get("docker").missing(JOB) or ""
    assert reason.startswith(f"no Docker engine answers at unix://{tmp_path}/none.sock")
    assert "make doctor" in reason


def test_no_permission_on_the_socket_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not mistaken for an engine that is not there."""

    def refuse() -> None:
        try:
            raise PermissionError(13, "Permission denied")
        except PermissionError as error:
            raise docker.errors.DockerException("Error while fetching") from error

    monkeypatch.setattr(docker, "from_env", refuse)
    monkeypatch.setenv("DOCKER_HOST", "unix:///asked/nowhere/else.sock")
    reason = launchers.get("docker").missing(JOB) or ""
    assert reason.startswith("no permission to use Docker at")


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MB", 2**29), ("4g", 2**32), ("4GiB", 2**32), ("8000000", 8000000)],
)
def test_memory_limits_are_read_as_docker_reads_them(text: str, size: int) -> None:
    """Units are powers of 1024."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1GB", "1MB", "lots", "4 apples", "nan"])
def test_other_memory_limits_are_refused(text: str) -> None:
    """One line that names the option."""
    with pytest.raises(InputError, match=r"--memory-limit .* is not a size of 6 MB"):
        parse_size(text)


def test_the_local_launcher_has_no_limit_to_set() -> None:
    """What it cannot do is an error, not silence."""
    with pytest.raises(InputError, match="add --launcher docker"):
        launchers.get("local", Settings(memory_bytes=2**30))
    assert launchers.get("local", DEFAULTS).cores() >= 1

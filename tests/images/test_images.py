"""The images hold what they say, train as the machine does, and no more than needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from benchmarks import launchers
from benchmarks.containers import DockerChannel
from benchmarks.measure import measure
from benchmarks.outcomes import MeasuringFailed
from benchmarks.workers import Worker
from histocnn import engines, protocol
from histocnn.data import DatasetSpec
from histocnn.job import Job
from histocnn.prepare import prepare
from tests.docker_cases import EFFORT, small_job, wait_for_containers
from tools.image_labels import image_name

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """An engine that answers; else a skip that says why."""
    reason = launchers.get("docker").missing(small_job("theano"))
    if reason and "engine" in reason:
        pytest.skip(reason)
    engine = docker.from_env()
    yield engine
    engine.close()


def image(client: Any, engine: str, device: str) -> Any:
    """The suite's image, or a skip that says how to build it."""
    try:
        return client.images.get(image_name(engine, device))
    except docker.errors.ImageNotFound:
        pytest.skip(f"build it: make image ENGINE={engine} DEVICE={device}")


@pytest.mark.parametrize("engine", engines.names())
def test_every_engine_trains_in_its_image_as_on_the_machine(
    client: Any, engine: str
) -> None:
    """Same losses and versions, pinned to the case's cores; the image is stored."""
    held = image(client, engine, "cpu")
    job = small_job(engine)
    arrays = prepare(DatasetSpec.parse("tissue").load(), job.size, job.images)
    (contained,) = measure(job, EFFORT, launchers.get("docker"), arrays).launches
    assert len(contained.cores.affinity) == contained.cores.engine_threads == 1
    assert contained.launched["launcher"] == "docker"
    assert contained.launched["image_id"] == held.id
    assert contained.launched["label:histocnn.engine"] == engine
    assert not wait_for_containers(client, 0)
    local = launchers.get("local")
    if local.missing(job) is None:
        (plain,) = measure(job, EFFORT, local, arrays).launches
        assert [epoch.loss for epoch in contained.rounds] == pytest.approx(
            [epoch.loss for epoch in plain.rounds], rel=1e-5
        )
        assert contained.versions == plain.versions


def run(client: Any, held: Any, *command: str) -> str:
    """What a command in the image prints."""
    said: bytes = client.containers.run(
        held.id,
        list(command[1:]),
        entrypoint=command[0],
        remove=True,
        network_mode="none",
        stderr=True,
    )
    return said.decode()


@pytest.mark.parametrize("engine", engines.names())
def test_an_image_says_what_it_holds(client: Any, engine: str) -> None:
    """Version, engine, Keras and the engine's own version stand in its labels."""
    held = image(client, engine, "cpu")
    labels = held.labels
    script = "from importlib.metadata import version as v; print(v('keras'))"
    keras = run(client, held, "/opt/env/bin/python", "-c", script).strip()
    assert labels["histocnn.keras"] == keras
    assert labels["org.opencontainers.image.version"] == labels["histocnn.version"]
    assert labels["histocnn.engine-version"]
    assert held.attrs["Config"]["User"] not in {"", "0", "root"}


@pytest.mark.parametrize("engine", engines.names())
def test_only_theano_keeps_a_compiler(client: Any, engine: str) -> None:
    """It compiles while it trains; the others have none."""
    look = ("/bin/sh", "-c", "command -v g++ || echo none")
    said = run(client, image(client, engine, "cpu"), *look).strip()
    assert said.endswith("g++") if engine == "theano" else said == "none"


@pytest.mark.parametrize(
    ("engine", "most"), [("theano", 900), ("jax", 1200), ("torch", 1400)]
)
def test_an_image_is_small(client: Any, engine: str, most: int) -> None:
    """Megabytes, the framework and all that it needs in them."""
    assert image(client, engine, "cpu").attrs["Size"] < most * MEGABYTE


def test_no_secret_of_the_build_stays(client: Any) -> None:
    """The host's certificates and package settings were lent, not left."""
    held = image(client, "theano", "cpu")
    said = run(client, held, "/bin/sh", "-c", "find /run/secrets -type f | wc -l")
    assert said.strip() == "0"


def test_the_cuda_image_can_load_what_theano_needs(client: Any) -> None:
    """Pygpu imports beside the environment's NumPy; CUDA is found by its names."""
    held = image(client, "theano", "cuda")
    script = (
        "import ctypes, numpy, pygpu; print(numpy.__version__);"
        "[ctypes.CDLL(f'lib{n}.so') for n in ('nvrtc', 'cublas', 'gpuarray')]"
    )
    assert "1.23.5" in run(client, held, "/opt/env/bin/python", "-c", script)


def test_on_a_gpu_pytorch_can_compile_in_its_image(client: Any) -> None:
    """Else its `fused` goes on without, and the image is not what it could be."""
    script = "from histocnn.torch2 import device; print(device.why_no_compiler())"
    held = image(client, "torch", "cuda")
    assert run(client, held, "/opt/env/bin/python", "-c", script).strip() == "None"


def test_a_cuda_case_without_a_driver_names_it(client: Any) -> None:
    """Not a silent training on the CPU: the error says libcuda.so and the remedy."""
    held = image(client, "theano", "cuda")
    job = Job("theano", "cuda", 32, 20, "0", 1, 20)
    environment = engines.get("theano").environment(job, Path("/cache"))
    container = client.containers.create(
        held.id,
        ["--leave-with-stdin"],
        network_mode="none",
        environment={**environment, "HOME": "/tmp"},
        stdin_open=True,
        detach=False,
        auto_remove=True,
    )
    channel = DockerChannel(client, container, held, None)
    try:
        process = Worker(channel, 120)
        assert process.ping().version == protocol.VERSION
        with pytest.raises(MeasuringFailed, match=r"NVIDIA driver.*libcuda\.so"):
            process.open(job, "/data/none")
    finally:
        channel.close()

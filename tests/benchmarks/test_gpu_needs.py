"""A GPU case is refused in a line where the driver, or what it shows, will not do."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import doctor, environments, gpu_facts, gpu_needs, launchers
from benchmarks.gpu_facts import Gpu, GpuFacts
from benchmarks.launchers import Settings, docker, local
from histocnn import engines
from histocnn.job import Job
from tools.checkout import Checkout, write_stamp

JOB = Job("torch", "cuda", 32, 10, "0", 1)
WHOLE = Gpu("NVIDIA T4", 16 * 2**30)
UUIDS = ("GPU-1b2c-77", "GPU-1b3d-88")  # of the two GPUs
INSTANCES = ("MIG-5e6f-1", "MIG-5e7a-2")  # of the first, where it is cut


class NvmlError(Exception):
    """As the library's: a number, and the driver's words."""

    def __init__(self, value: int, words: str) -> None:
        super().__init__(words)
        self.value = value


def refuse(value: int, words: str) -> Callable[..., Any]:
    """A function of the library's that has this to say."""

    def ask(*_: object) -> Any:
        raise NvmlError(value, words)

    return ask


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Stand a driver with two GPUs in for NVML; what is not named is not supported."""

    def stand_in(**functions: Any) -> None:
        class Library(SimpleNamespace):
            def __getattr__(self, name: str) -> object:
                return 1 if name.isupper() else refuse(3, "Not Supported")

        told = {
            "NVMLError": NvmlError,
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": lambda _: WHOLE.model,
            "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=16 * 2**30),
            "nvmlSystemGetDriverVersion": lambda: "470.82.01",
            **functions,
        }
        monkeypatch.setitem(sys.modules, "pynvml", Library(**told))

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpu_needs.uuids.cache_clear()
    yield stand_in
    gpu_needs.uuids.cache_clear()


def why(job: Job = JOB, *interpreters: tuple[str, str]) -> str:
    """Why the local launcher cannot run ``job``; '' where it can."""
    launcher = local.Launcher(Settings(interpreters=interpreters))
    return launcher.missing(job) or ""


def mig(instances: int) -> dict[str, Callable[..., Any]]:
    """Both GPUs in MIG mode, cut into so many."""

    def instance(_: object, place: int) -> int:
        if place >= instances:
            raise NvmlError(6, "Not Found")
        return place

    return {
        "nvmlDeviceGetMigMode": lambda _: [1, 1],
        "nvmlDeviceGetMaxMigDeviceCount": lambda _: 7,
        "nvmlDeviceGetMigDeviceHandleByIndex": instance,
    }


@pytest.mark.parametrize(
    ("value", "words", "said"),
    [
        (9, "Driver Not Loaded", "the NVIDIA driver is not loaded; load it"),
        (12, "NVML Shared Library Not Found", "no NVIDIA driver is installed"),
        (
            18,
            "RM has detected an NVML/RM version mismatch.",
            "the NVIDIA driver that runs and its libraries are of two versions, as "
            "after an update; restart",
        ),
        (999, "Unknown\n  Error", "the NVIDIA driver says: Unknown Error"),
    ],
)
def test_a_driver_that_refuses_is_heard(
    nvml: Callable[..., None], value: int, words: str, said: str
) -> None:
    """Its own words in the skip and in the doctor's line, or better ones."""
    nvml(nvmlInit=refuse(value, words))
    assert why().startswith(f"no NVIDIA GPU answers: {said}")
    (finding,) = doctor.gpu()
    assert finding.found.startswith(f"none: {said}")
    assert "\n" not in why() + finding.found


def test_no_gpu_and_a_lost_one(nvml: Callable[..., None]) -> None:
    nvml(nvmlDeviceGetCount=lambda: 0)
    assert why() == "no NVIDIA GPU answers: the driver lists none"
    nvml(nvmlDeviceGetCount=refuse(999, "Unknown Error"))
    assert why().endswith("the NVIDIA driver says: Unknown Error")
    nvml(nvmlDeviceGetHandleByIndex=refuse(15, "GPU is lost"))
    assert why().endswith("GPU 1: the NVIDIA driver says: GPU is lost")


def test_one_lost_gpu_leaves_the_other(nvml: Callable[..., None]) -> None:
    def first(index: int) -> int:
        return index if index == 0 else refuse(15, "GPU is lost")()

    nvml(nvmlDeviceGetHandleByIndex=first)
    facts = gpu_facts.read()
    assert facts.gpus == (WHOLE,)
    assert gpu_needs.unusable(facts, {}) is None
    assert [finding.found for finding in doctor.gpu()] == [
        "NVIDIA T4, 16 GB, driver 470.82.01",
        "GPU 1: the NVIDIA driver says: GPU is lost",
    ]


@pytest.mark.parametrize(
    ("engine", "least"),
    [
        *(("jax", "525.60"), ("tensorflow", "525.60")),
        *(("theano", "575.51"), ("torch", "580.65")),
    ],
)
def test_an_old_driver_is_told_with_what_the_environment_needs(
    nvml: Callable[..., None], engine: str, least: str
) -> None:
    """Before it is told that the environment is not built."""
    nvml()
    assert why(Job(engine, "cuda", 32, 10, "0", 1)) == (
        f"driver 470.82.01 is older than {least}, which the locked {engine}-cuda "
        "needs; update it, or name a Python of your own by --interpreter "
        f"{engine}-cuda=PATH"
    )


def test_what_an_own_python_needs_is_not_known(nvml: Callable[..., None]) -> None:
    """Of another environment's it is."""
    nvml()
    assert why(JOB, ("torch-cuda", sys.executable)) == ""
    assert why(JOB, ("jax-cuda", sys.executable)).startswith("driver 470.82.01 is")


@pytest.mark.parametrize("brought", [True, False])
def test_what_the_machines_own_cuda_needs_is_not_known(
    nvml: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    brought: bool,
) -> None:
    """As in a bundle; the launcher and the doctor ask for it with the locked CUDA."""
    nvml(nvmlSystemGetDriverVersion=lambda: "535.54.03")
    monkeypatch.setattr(Checkout, "folder", lambda _, name: tmp_path / name)
    monkeypatch.setattr(launchers, "names_here", lambda: ("local",))
    folder = tmp_path / "theano-cuda"
    packages = folder / "lib" / "python3.11" / "site-packages"
    (packages / ("nvidia" if brought else "pygpu")).mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text("version = 3.11.2\n")
    write_stamp(folder, Checkout(environments.ROOT).lock("theano-cuda"))
    (found,) = (
        each for each in doctor.cases() if each.what.startswith("local theano-cuda")
    )
    for said in (why(Job("theano", "cuda", 32, 10, "0", 1)), found.remedy or ""):
        assert said.startswith("driver 535.54.03 is older than 575.51") == brought
        assert "driver" not in said or brought


@pytest.mark.parametrize(
    ("driver", "old"),
    [
        *(("580.65.06", False), ("580.126.02", False), ("590.1", False)),
        *(("580.64.9", True), ("99.999", True), ("", False), (None, False)),
        *(("vendor 5", False),),
    ],
)
def test_versions_are_compared_by_number(driver: str | None, old: bool) -> None:
    """One that is not told, or makes no sense, stops nobody."""
    found = gpu_needs.outdated(driver, (580, 65), "x", "y")
    assert (found is not None) is old
    assert gpu_needs.outdated(driver, None, "x", "y") is None


@pytest.mark.parametrize(
    ("visible", "usable"),
    [
        *(("", False), ("-1", False), ("-1,0", False), ("2", False), ("x", False)),
        *(("NoDevFiles", False), ("0", True), ("1,0", True), ("0,7", True)),
        *(("GPU-zzz", False), ("GPU-zzz,0", False), ("MIG-zzz", False)),
        *(("GPU-1b2c", True), ("GPU-1b3d-88", True), ("GPU-1b2c,GPU-zzz", True)),
        *(("GPU-1b", False), ("GPU-1b2c-777", False), ("1b2c", False)),
        *(("MIG-5e6f", True), ("MIG-5e", False), ("MIG-GPU-1b3d-88/1/0", True)),
        *(("MIG-GPU-zzz/1/0", False), (None, True)),
    ],
)
def test_hidden_gpus_are_told(
    nvml: Callable[..., None], visible: str | None, usable: bool
) -> None:
    """CUDA reads the list to the first entry that names none of two GPUs.

    A name is one of theirs, or of an instance's, or a beginning that only one has.
    """
    nvml(
        nvmlDeviceGetUUID=lambda of: of if isinstance(of, str) else UUIDS[of],
        nvmlDeviceGetMaxMigDeviceCount=lambda gpu: 7 if gpu == 0 else refuse(3, "")(),
        nvmlDeviceGetMigDeviceHandleByIndex=lambda _, place: (
            INSTANCES[place] if place < 2 else refuse(6, "Not Found")()
        ),
    )
    facts = GpuFacts(gpus=(WHOLE, WHOLE), instances=(0, 0))
    variables = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    said = gpu_needs.unusable(facts, variables)
    expected = (
        f"CUDA_VISIBLE_DEVICES={visible} hides every GPU; unset it, or name one: 0 to 1"
    )
    assert said == (None if usable else expected)


@pytest.mark.parametrize("functions", [{}, {"nvmlInit": refuse(999, "Unknown")}])
def test_a_name_that_nobody_can_look_up_stops_nobody(
    nvml: Callable[..., None], functions: dict[str, Any]
) -> None:
    """Of a driver that does not tell its GPUs', or tells nothing any more."""
    nvml(**functions)
    facts = GpuFacts(gpus=(WHOLE,), instances=(0,))
    assert gpu_needs.unusable(facts, {"CUDA_VISIBLE_DEVICES": "GPU-zzz"}) is None


def test_a_whole_grid_asks_for_names_once_a_moment(
    nvml: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then again: an administrator may have cut a GPU anew."""
    asked = []

    def uuid(gpu: int) -> str:
        asked.append(gpu)
        return UUIDS[gpu]

    nvml(nvmlDeviceGetUUID=uuid)
    facts = GpuFacts(gpus=(WHOLE, WHOLE), instances=(0, 0))
    for moment in (5.0, 5.1, 5.2, 99.0):
        monkeypatch.setattr("time.monotonic", lambda now=moment: now)
        assert gpu_needs.unusable(facts, {"CUDA_VISIBLE_DEVICES": "GPU-zzz"})
    assert asked == [0, 1, 0, 1]


def test_a_made_up_name_skips_the_case(
    nvml: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a worker starts, as an index that no GPU has."""
    nvml(nvmlDeviceGetUUID=lambda gpu: UUIDS[gpu])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-zzz")
    assert why() == (
        "CUDA_VISIBLE_DEVICES=GPU-zzz hides every GPU; unset it, or name one: 0 to 1"
    )


def test_the_users_variable_is_looked_at(
    nvml: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the launcher, and in the doctor's lines beside the GPUs."""
    nvml()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert why().startswith("CUDA_VISIBLE_DEVICES= hides every GPU")
    *_, last = doctor.gpu()
    assert last.what == "GPU cases"
    assert last.remedy == why()


def test_mig_without_an_instance_computes_nothing(nvml: Callable[..., None]) -> None:
    """With one it does, and the doctor says how many there are."""
    nvml(**mig(0), nvmlSystemGetDriverVersion=lambda: "595.1")
    assert why().startswith("the GPU is in MIG mode and has no instance to compute on")
    nvml(**mig(3), nvmlSystemGetDriverVersion=lambda: "595.1")
    assert gpu_facts.read().instances == (3, 3)
    assert "MIG" not in why()
    first, *_ = doctor.gpu()
    assert "MIG mode with 3 instances" in first.found


def test_a_whole_grid_asks_the_driver_once(nvml: Callable[..., None]) -> None:
    asked = []
    nvml(nvmlInit=lambda: asked.append(1))
    launcher = local.Launcher()
    for _ in range(5):
        launcher.missing(JOB)
    assert len(asked) == 1


class FakeDocker:
    """An engine with the NVIDIA runtime and the image asked for."""

    def info(self) -> dict[str, Any]:
        return {"Runtimes": {"nvidia": {}, "runc": {}}}


@pytest.mark.parametrize(
    ("host", "settings", "said"),
    [
        (None, Settings(), "driver 470.82.01 is older than 580.65, which image histo"),
        ("unix:///run/d.sock", Settings(), "driver 470.82.01 is older than 580.65, wh"),
        ("tcp://far:2376", Settings(), None),
        (None, Settings(image="mine"), None),
    ],
)
def test_a_container_has_the_drivers_of_the_engines_machine(
    nvml: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    host: str | None,
    settings: Settings,
    said: str | None,
) -> None:
    """Asked where that is this one; an own image may need less."""
    nvml()
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if host:
        monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setattr(docker, "_engine", lambda host: FakeDocker())
    monkeypatch.setattr(docker.Launcher, "_check_image", lambda self, job: None)
    found = docker.Launcher(settings).missing(JOB)
    assert (found or "").startswith(said or "")
    assert (found is None) == (said is None)


@pytest.mark.parametrize("engine", engines.names())
def test_every_locked_cuda_says_its_driver(engine: str) -> None:
    """The least driver of the CUDA that the lock holds, by NVIDIA's table."""
    least = engines.get(engine).LEAST_DRIVER
    lock = Checkout(environments.ROOT).lock(environments.name_for(engine, "cuda"))
    assert lock.exists() == (least is not None)
    text = lock.read_text(encoding="utf-8")
    cuda = {int(major) for major in re.findall(r"^nvidia-\S+-cu(\d+)==", text, re.M)}
    assert least is not None
    assert cuda == ({13} if least >= (580, 65) else {12})
    assert least >= (525, 60)

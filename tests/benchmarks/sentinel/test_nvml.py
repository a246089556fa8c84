"""A GPU as its driver tells of it, against a driver that is made up."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.sentinel import Sentinel
from benchmarks.sentinel.nvml import Gpu, GpuSample
from histocnn.measurement import GpuConditions
from tests.benchmarks.sentinel.dear import make_dear

OWN = frozenset({100, 101})
NOT_SUPPORTED, NOT_FOUND = 3, 6


class FakeError(Exception):
    """NVMLError, with the number of what went wrong."""

    def __init__(self, value: int) -> None:
        super().__init__(f"NVML error {value}")
        self.value = value


class FakeNvml:
    """The part of ``pynvml`` that is used; ``answers`` by the name after ``Get``.

    An answer that is an exception is raised.
    """

    NVMLError = FakeError
    NVML_ERROR_NOT_FOUND = NOT_FOUND
    NVML_CLOCK_SM = 1
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {
            "ClockInfo": 1980,
            "CurrentClocksThrottleReasons": 0,
            "Temperature": 61,
            "PowerUsage": 350_500,
            "TotalEnergyConsumption": 1_000_500,
            "ComputeRunningProcesses": [],
            "ProcessUtilization": [],
        } | answers
        self.uuids = ["GPU-aaa1", "GPU-aab2", "GPU-ccc3"]
        self.running = 0
        self.since: list[int] = []

    def nvmlInit(self) -> None:  # noqa: N802 - the library's name
        self.running += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.running -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.uuids)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return self.uuids[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        return uuid

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        return handle

    def nvmlDeviceGetProcessUtilization(self, _: str, since: int) -> Any:  # noqa: N802
        self.since.append(since)
        samples = self._answer("ProcessUtilization")
        for sample in samples:
            sample.timeStamp = since + 1000  # each call finds something newer
        return samples

    def __getattr__(self, name: str) -> Any:
        what = name.removeprefix("nvmlDeviceGet")
        if what not in self.answers:
            raise AttributeError(name)
        return lambda *arguments: self._answer(what)

    def _answer(self, what: str) -> Any:
        answer = self.answers[what]
        if isinstance(answer, Exception):
            raise answer
        return answer


def running(*pids: int) -> list[Any]:
    """A list of processes that have memory of the GPU."""
    return [SimpleNamespace(pid=pid) for pid in pids]


def used(**shares: int) -> list[Any]:
    """What processes ``p…`` computed, percent."""
    return [
        SimpleNamespace(pid=int(name[1:]), smUtil=share, timeStamp=0)
        for name, share in shares.items()
    ]


def read(nvml: FakeNvml) -> GpuSample:
    """The second sample of the first GPU: shares are known from then on."""
    gpu = Gpu.first_visible(nvml, {})
    assert gpu is not None
    gpu.read(0.0, OWN)
    return gpu.read(100.0, OWN)


def test_clock_heat_and_power_in_their_units() -> None:
    """MHz, degrees Celsius, watts of milliwatts, joules of millijoules."""
    sample = read(FakeNvml())
    assert (sample.sm_mhz, sample.temperature) == (1980, 61)
    assert (sample.watts, sample.joules) == (350.5, 1000.5)
    assert sample.reasons == ()


def test_reasons_have_names_and_idleness_is_none() -> None:
    sample = read(FakeNvml(CurrentClocksThrottleReasons=0x1 | 0x4 | 0x8 | 0x40))
    assert sample.reasons == ("sw power cap", "hw slowdown", "hw thermal slowdown")


def test_others_are_those_that_are_not_the_workers() -> None:
    """How many have memory, and the share that they computed."""
    sample = read(
        FakeNvml(
            ComputeRunningProcesses=running(100, 101, 7, 8),
            ProcessUtilization=used(p100=60, p7=25, p8=6),
        )
    )
    assert sample.foreign == 2
    assert sample.share == pytest.approx(0.31)


def test_the_worker_alone_is_nobody_else() -> None:
    sample = read(
        FakeNvml(
            ComputeRunningProcesses=running(101),
            ProcessUtilization=used(p101=97),
        )
    )
    assert (sample.foreign, sample.share) == (0, 0.0)


def test_a_list_without_the_worker_accuses_nobody() -> None:
    """In a container the driver may tell the host's numbers for the worker itself."""
    sample = read(
        FakeNvml(
            ComputeRunningProcesses=running(54_321),
            ProcessUtilization=used(p54321=97),
        )
    )
    assert (sample.foreign, sample.share) == (None, None)


def test_each_list_needs_the_worker_in_it() -> None:
    """Some drivers translate the numbers in the one list and not in the other."""
    sample = read(
        FakeNvml(
            ComputeRunningProcesses=running(100),
            ProcessUtilization=used(p54321=97),
        )
    )
    assert (sample.foreign, sample.share) == (0, None)


def test_once_the_worker_was_found_others_are_known_without_it() -> None:
    """Between two rounds the worker computes nothing, and a neighbour may."""
    nvml = FakeNvml(
        ComputeRunningProcesses=running(100, 7), ProcessUtilization=used(p100=50)
    )
    gpu = Gpu.first_visible(nvml, {})
    assert gpu is not None
    gpu.read(0.0, OWN)
    nvml.answers["ProcessUtilization"] = used(p7=40)
    assert gpu.read(100.0, OWN).share == 0.4
    nvml.answers["ProcessUtilization"] = FakeError(NOT_FOUND)
    assert gpu.read(200.0, OWN).share == 0.0
    assert nvml.since == [0, 1000, 2000]


def test_what_was_computed_before_anybody_watched_does_not_count() -> None:
    """The driver's first list is of the last seconds or minutes."""
    nvml = FakeNvml(ProcessUtilization=used(p100=50, p7=40))
    gpu = Gpu.first_visible(nvml, {})
    assert gpu is not None
    assert gpu.read(0.0, OWN).share is None


def test_processes_are_asked_for_twice_a_second_at_most() -> None:
    """Their share is the last one known in between."""
    nvml = FakeNvml(ProcessUtilization=used(p100=50, p7=40))
    gpu = Gpu.first_visible(nvml, {})
    assert gpu is not None
    assert [gpu.read(at, OWN).share for at in (0.0, 100.0, 100.4)] == [None, 0.4, 0.4]
    assert len(nvml.since) == 2


def test_entries_that_the_driver_did_not_fill_in_are_ignored() -> None:
    nvml = FakeNvml(ProcessUtilization=[*used(p0=90, p9=4_000_000), *used(p100=50)])
    assert read(nvml).share == 0.0


def test_what_a_gpu_does_not_support_is_none() -> None:
    """Each call by itself: an old card or a slice of one answers some."""
    nvml = FakeNvml()
    for what in nvml.answers:
        nvml.answers[what] = FakeError(NOT_SUPPORTED)
    assert read(nvml) == GpuSample(None, (), None, None, None, None, None)


@pytest.mark.parametrize(
    ("visible", "handle"),
    [
        (None, "GPU-aaa1"),
        ("1,0", "GPU-aab2"),
        ("GPU-aab", "GPU-aab2"),
        ("MIG-5", "MIG-5"),
    ],
)
def test_the_first_gpu_that_cuda_shows(visible: str | None, handle: str) -> None:
    """By index, by the beginning of a name, or the first of all."""
    seen: list[str] = []
    nvml = FakeNvml()
    nvml.nvmlDeviceGetPowerUsage = seen.append  # type: ignore[attr-defined]
    variables = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    gpu = Gpu.first_visible(nvml, variables)
    assert gpu is not None
    gpu.read(0.0, OWN)
    assert seen == [handle]
    gpu.close()
    assert nvml.running == 0


@pytest.mark.parametrize("visible", ["-1", "", "3", "GPU-zzz", "²", "٠"])
def test_no_visible_gpu_is_none(visible: str) -> None:
    """And the driver is let go again."""
    nvml = FakeNvml()
    assert Gpu.first_visible(nvml, {"CUDA_VISIBLE_DEVICES": visible}) is None
    assert nvml.running == 0


def test_a_sentinel_tells_of_the_gpu_that_it_is_given() -> None:
    """And lets the driver go at its end."""
    nvml = FakeNvml()
    with Sentinel((0,), None, gpu=Gpu.first_visible(nvml, {})) as sentinel:
        time.sleep(0.05)
    now = time.monotonic()
    found = sentinel.conditions(now - 0.05, now, span=(now - 60, now + 60))
    assert found.gpu == GpuConditions(1980, (), None, None, 61, 350.5)
    assert found.joules["gpu"] == 0.0
    assert nvml.running == 0


@pytest.mark.parametrize("spent", [0.0, 0.04])
@pytest.mark.parametrize(("seconds", "told"), [(1.5, True), (0.05, False)])
def test_energy_is_told_of_training_that_fills_the_window(
    seconds: float, told: bool, spent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where samples are dear, so that they are seldom but at its bounds."""
    make_dear(monkeypatch, spent)
    with Sentinel((0,), None, gpu=Gpu.first_visible(FakeNvml(), {})) as sentinel:
        sentinel.fence()
        start = time.monotonic()
        time.sleep(seconds)
        end = time.monotonic()
        sentinel.bound()
        time.sleep(0.3)
        found = sentinel.conditions(start, end)
    assert found.joules == ({"gpu": 0.0} if told else {})
    assert found.gpu is not None


def test_no_driver_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FakeError(9)

    nvml = FakeNvml()
    monkeypatch.setattr(nvml, "nvmlInit", fail)
    assert Gpu.first_visible(nvml, {}) is None

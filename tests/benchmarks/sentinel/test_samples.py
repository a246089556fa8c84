"""From samples to the conditions of a round: windows, differences, means."""

import pytest

from benchmarks.sentinel.cpu import CpuTimes
from benchmarks.sentinel.nvml import GpuSample
from benchmarks.sentinel.samples import History, Sample, conditions
from histocnn.measurement import Conditions

ALWAYS = (-1e9, 1e9)  # when the worker trained


def history(*times: float, most: int = 1000) -> History:
    """Samples taken at ``times``."""
    made = History(most)
    for at in times:
        made.add(Sample(at))
    return made


def ends(made: History, start: float, end: float) -> tuple[float, float]:
    """When the window of a round begins and ends."""
    window = made.window(start, end)
    return window[0].at, window[-1].at


def gpu(**values: object) -> GpuSample:
    """A GPU of which only ``values`` are told."""
    told: dict[str, object] = dict.fromkeys(GpuSample.__dataclass_fields__)
    return GpuSample(**(told | {"reasons": ()} | values))  # type: ignore[arg-type]


def test_a_window_is_the_smallest_that_holds_the_round() -> None:
    made = history(0.0, 1.0, 2.0, 3.0, 4.0)
    assert ends(made, 1.2, 2.9) == (1.0, 3.0)
    assert ends(made, 1.0, 3.0) == (1.0, 3.0)


def test_a_short_round_gets_a_window_that_jiffies_can_fill() -> None:
    """0.4 s or more, taken from before it."""
    made = history(*(number / 10 for number in range(11)))
    assert ends(made, 0.71, 0.715) == pytest.approx((0.4, 0.8))
    assert len(made.window(0.71, 0.715)) == 5


def test_a_window_keeps_behind_the_fence_and_grows_forward() -> None:
    """What a warm-up did is none of the first round's."""
    made = history(*(number / 10 for number in range(11)))
    for start, end in ((0.31, 0.315), (0.3, 0.4)):
        window = made.window(start, end, since=0.3)
        assert [window[0].at, window[-1].at] == pytest.approx([0.3, 0.7])
    window = made.window(0.85, 0.88, since=0.3)
    assert [window[0].at, window[-1].at] == pytest.approx([0.5, 0.9])


def test_a_round_past_the_samples_gets_those_there_are() -> None:
    made = history(5.0, 6.0)
    assert ends(made, 5.5, 7.0) == (5.0, 6.0)
    assert ends(made, 1.0, 5.5) == (5.0, 6.0)
    assert history().window(1.0, 2.0) == []
    assert conditions([], 1, 1.0, 2.0, ALWAYS) == Conditions()
    assert (
        conditions(history(5.0).window(1.0, 2.0), 1, 1.0, 2.0, ALWAYS) == Conditions()
    )


def test_a_long_launch_keeps_few_samples_and_answers_for_all() -> None:
    """The older ones thin out; the newest are all there."""
    made = history(*map(float, range(10_000)), most=100)
    assert len(made) <= 100
    for start, end in ((10.5, 11.5), (5000.5, 6000.5), (9990.5, 9991.5)):
        first, last = ends(made, start, end)
        assert first <= start
        assert last >= end
    assert ends(made, 9990.5, 9991.5) == (9990.0, 9992.0)


def test_what_others_took_is_what_the_cpus_gave_less_the_workers() -> None:
    """2 CPUs for 10 s: 5 s unused, 1 s stolen, 8 s the worker's, so 6 s of others."""
    window = [
        Sample(100.0, CpuTimes(1000.0, 500.0, 10.0), own=50.0),
        Sample(110.0, CpuTimes(1020.0, 505.0, 11.0), own=58.0),
    ]
    found = conditions(window, 2, 101.0, 109.0, ALWAYS)
    assert found.foreign_cores == pytest.approx(0.6)
    assert found.steal_cores == pytest.approx(0.1)


def test_rounding_never_tells_less_than_nothing() -> None:
    """The worker's time is exact and the CPUs' is not; some counters step back."""
    window = [
        Sample(0.0, CpuTimes(0.0, 0.01, 0.01), 0.0, {"io": 1.0}),
        Sample(1.0, CpuTimes(1.0, 0.01, 0.0), 1.02, {"io": 0.9}),
    ]
    found = conditions(window, 1, 0.0, 1.0, ALWAYS)
    assert found.foreign_cores == 0.0
    assert found.steal_cores == 0.0
    assert found.pressure == {"io": 0.0}


def test_without_the_workers_time_others_are_not_told_and_steal_is() -> None:
    window = [
        Sample(0.0, CpuTimes(0.0, 0.0, 0.0), own=1.0),
        Sample(1.0, CpuTimes(1.0, 0.0, 0.5), own=None),
    ]
    found = conditions(window, 1, 0.0, 1.0, ALWAYS)
    assert (found.foreign_cores, found.steal_cores) == (None, 0.5)


def test_a_file_full_of_zeros_is_no_busy_machine() -> None:
    """A sandbox has /proc/stat and counts nothing in it."""
    zeros = CpuTimes(0.0, 0.0, 0.0)
    window = [Sample(0.0, zeros, 0.0), Sample(1.0, zeros, 0.1)]
    found = conditions(window, 1, 0.0, 1.0, ALWAYS)
    assert (found.foreign_cores, found.steal_cores) == (None, None)


def test_pressure_and_clock_are_means_of_the_window() -> None:
    window = [
        Sample(0.0, stalled={"cpu": 1.0, "memory": 3.0}, mhz=2000.0),
        Sample(1.0, mhz=None),
        Sample(2.0, stalled={"cpu": 2.0, "io": 3.0}, mhz=1000.0),
    ]
    found = conditions(window, 1, 0.0, 2.0, ALWAYS)
    assert found.pressure == {"cpu": 0.5}
    assert found.cpu_mhz == 1500.0


def test_energy_is_scaled_from_the_window_to_the_round() -> None:
    """60 J in 2 s are 15 J in a round of half a second."""
    window = [
        Sample(0.0, joules={"package-0": 0.0}, gpu=gpu(joules=100.0)),
        Sample(2.0, joules={"package-0": 60.0}, gpu=gpu(joules=900.0)),
    ]
    found = conditions(window, 1, 1.0, 1.5, ALWAYS)
    assert found.joules == {"package-0": 15.0, "gpu": 200.0}


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ((0.0, 0.4), True),
        ((-5.0, 9.0), True),
        ((0.0, 0.37), True),
        ((0.0, 0.35), False),
        ((0.05, 9.0), False),
        ((0.03, 0.38), False),
    ],
)
def test_energy_is_told_where_the_worker_trained_all_the_while(
    span: tuple[float, float], told: bool
) -> None:
    """Else it would be that of a rest, behind short rounds or before one that waited.

    What is a mean by its own account is told as ever.
    """
    window = [
        Sample(0.0, stalled={"cpu": 0.0}, joules={"dram": 0.0}, gpu=gpu(joules=0.0)),
        Sample(0.4, stalled={"cpu": 0.2}, joules={"dram": 4.0}, gpu=gpu(joules=40.0)),
    ]
    found = conditions(window, 1, 0.1, 0.2, span)
    assert found.joules == (pytest.approx({"dram": 1.0, "gpu": 10.0}) if told else {})
    assert found.pressure == {"cpu": 0.5}
    assert found.gpu is not None


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [(0.1, 0.2, True), (-0.01, 0.3, True), (0.3, 0.5, False), (-1.0, 1.0, False)],
)
def test_a_round_that_its_window_does_not_hold_has_no_energy(
    start: float, end: float, told: bool
) -> None:
    """Its first samples may be a little late; they may not be missing."""
    window = [Sample(0.0, joules={"dram": 0.0}), Sample(0.4, joules={"dram": 4.0})]
    assert bool(conditions(window, 1, start, end, ALWAYS).joules) == told


def test_a_gpu_without_a_meter_has_its_power_for_one() -> None:
    window = [Sample(0.0, gpu=gpu(watts=100.0)), Sample(2.0, gpu=gpu(watts=300.0))]
    found = conditions(window, 1, 1.0, 2.0, ALWAYS)
    assert found.joules == {"gpu": 200.0}
    assert found.gpu is not None
    assert found.gpu.watts == 200.0


def test_a_gpu_is_told_by_means_and_by_its_worst() -> None:
    """Means of clock and shares; the highest temperature, all reasons, most others."""
    window = [
        Sample(0.0, gpu=gpu(sm_mhz=1000, temperature=60, foreign=1, share=0.2)),
        Sample(1.0, gpu=gpu(sm_mhz=2000, temperature=80, reasons=("sw power cap",))),
        Sample(2.0, gpu=gpu(temperature=70, reasons=("hw slowdown",), foreign=3)),
    ]
    found = conditions(window, 1, 0.0, 2.0, ALWAYS).gpu
    assert found is not None
    assert (found.sm_mhz, found.temperature) == (1500, 80)
    assert found.throttled == ("hw slowdown", "sw power cap")
    assert (found.foreign_processes, found.foreign_share) == (3, 0.2)
    assert found.watts is None

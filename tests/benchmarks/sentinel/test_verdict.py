"""From conditions to what disturbed a round, in phrases with figures."""

import pytest

from benchmarks.sentinel import disturbances
from histocnn.measurement import Conditions, GpuConditions


def test_what_nobody_can_tell_disturbs_nobody() -> None:
    assert disturbances(Conditions(), 2) == ()
    assert disturbances(Conditions(gpu=GpuConditions()), 2, 2300, 1980) == ()


@pytest.mark.parametrize(
    ("conditions", "phrase"),
    [
        (Conditions(foreign_cores=0.83), "other processes used 0.83 of its cores"),
        (Conditions(steal_cores=0.12), "the hypervisor took 0.12 of its cores"),
        (Conditions(pressure={"memory": 0.12}), "memory pressure 12 %"),
        (Conditions(pressure={"io": 0.5}), "I/O pressure 50 %"),
        (Conditions(cpu_mhz=1640.0), "clock 18 % below its usual"),
        (
            Conditions(gpu=GpuConditions(foreign_processes=2, foreign_share=0.31)),
            "2 other processes computed on the GPU (31 % of its time)",
        ),
        (
            Conditions(gpu=GpuConditions(foreign_processes=0, foreign_share=0.31)),
            "1 other process computed on the GPU (31 % of its time)",
        ),
        (
            Conditions(gpu=GpuConditions(throttled=("hw slowdown", "sw power cap"))),
            "GPU throttled: hw slowdown",
        ),
        (
            Conditions(gpu=GpuConditions(sm_mhz=990.0)),
            "GPU clock 50 % below its usual",
        ),
    ],
)
def test_each_disturbance_has_a_phrase(conditions: Conditions, phrase: str) -> None:
    assert disturbances(conditions, 1, 2000.0, 1980.0) == (phrase,)


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(foreign_cores=0.04, steal_cores=0.04),
        Conditions(pressure={"cpu": 0.9, "memory": 0.04, "io": 0.2}),
        Conditions(cpu_mhz=1900.0),
        Conditions(gpu=GpuConditions(foreign_processes=3, foreign_share=0.0)),
        Conditions(gpu=GpuConditions(foreign_processes=3)),
        Conditions(
            gpu=GpuConditions(throttled=("applications clocks setting", "sw power cap"))
        ),
    ],
    ids=["a little", "CPU pressure", "boost", "idle", "unknown share", "a usual day"],
)
def test_what_is_usual_disturbs_nobody(conditions: Conditions) -> None:
    """The worker's own threads, memory that others hold, a GPU at its power limit."""
    assert disturbances(conditions, 1, 2000.0, 1980.0) == ()


def test_a_hog_is_seen_among_many_cores_and_their_murmur_is_not() -> None:
    """What is allowed grows with the square root of the cores, a hog has one whole."""
    assert disturbances(Conditions(foreign_cores=0.15), 2)
    assert not disturbances(Conditions(foreign_cores=0.15), 16)
    assert disturbances(Conditions(foreign_cores=0.95), 256)


def test_several_disturbances_are_told_in_one_order() -> None:
    found = disturbances(
        Conditions(0.5, 0.5, {"io": 0.5, "memory": 0.5}, 100.0), 1, 2000.0
    )
    words = [phrase.split()[0] for phrase in found]
    assert words == ["other", "the", "memory", "I/O", "clock"]

"""Who holds memory of a GPU, in words and in figures."""

import subprocess
import sys
from dataclasses import replace

import msgspec
import pytest

from benchmarks import gpu_memory
from benchmarks.gpu_memory import State
from benchmarks.outcomes import MemoryShort, Outcome
from benchmarks.readback import beside_others
from histocnn.job import Job
from tests.fake_nvml import GIB, Nvml

LOCAL: dict[str, str] = {}
T4 = "NVIDIA T4"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("größer", "größer"),
        ("an-editor-for-größe", "an-editor-for-g"),
        ("an-editor-für-größe", "an-editor-für-"),
        ("beside-größes", "beside-größes"),
        ("an-editor-of-fü", "an-editor-of-f\\udcc3"),  # 15 bytes end within the ü
        ("two\nlines\x1b[2J", "two\\nlines\\x1b[2J"),
    ],
)
def test_a_neighbours_name_can_be_shown_and_saved(
    monkeypatch: pytest.MonkeyPatch, name: str, shown: str
) -> None:
    """Whatever it is: the kernel cuts it, and lets it be anything."""
    named = "open('/proc/self/comm', 'wb').write(bytes.fromhex(argv[1]))"
    script = f"from sys import *; {named}; print(flush=True); stdin.read()"
    command = [sys.executable, "-c", script, name.encode().hex()]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as neighbour:
        assert neighbour.stdout is not None
        neighbour.stdout.readline()
        nvml = Nvml([T4], computing={neighbour.pid: GIB})
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        said = gpu_memory.others(gpu_memory.read(LOCAL))
        assert said == f": {shown} (process {neighbour.pid}) holds 1,024 MB"
        neighbour.communicate()
    assert msgspec.json.decode(msgspec.json.encode(said)) == said


def test_who_only_draws_holds_memory_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever does both holds it once; pids that no process has here."""
    drawing, both, computing = (2**22 + n for n in range(3))
    nvml = Nvml(
        [T4],
        computing={both: 2 * GIB, computing: 3 * GIB},
        drawing={drawing: GIB, both: 2 * GIB},
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    state = gpu_memory.read(LOCAL)
    assert state is not None
    held = {each.pid: each.bytes for each in state.holders}
    assert held == {drawing: GIB, both: 2 * GIB, computing: 3 * GIB}
    assert len(state.holders) == 3
    assert state.of({both}) == 2 * GIB
    assert f"container's (process {drawing}) holds 1,024 MB" in gpu_memory.others(state)


GPU = Job("torch", "cuda", 32, 10, "grow", 1)
RAN_OUT = Outcome("out-of-memory", "out of memory")


def others(
    monkeypatch: pytest.MonkeyPatch, *free: int, job: Job = GPU, reserved: int = 0
) -> int | None:
    """GiB that others hold of 16, where so much is found ``free`` look by look."""
    looks = list(free)

    def look() -> State:
        left = looks.pop(0) if len(looks) > 1 else looks[0]
        return State(16 * GIB, left * GIB, (), reserved * GIB)

    monkeypatch.setattr(gpu_memory, "read", look)
    monkeypatch.setattr(gpu_memory, "_LETTING_GO", 0.05)
    _, held = gpu_memory.beside(job)
    assert held is None or held % GIB == 0
    return held and held // GIB


def test_what_others_hold_is_what_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for a 16th, what the driver keeps, and what comes back late."""
    assert others(monkeypatch, 6) == 10
    assert others(monkeypatch, 15) is None
    assert others(monkeypatch, 12, reserved=4) is None
    assert others(monkeypatch, 12, reserved=1) == 3
    assert others(monkeypatch, 2, 2, 16) is None
    monkeypatch.setattr(gpu_memory, "read", lambda: None)
    assert gpu_memory.beside(GPU) == (None, None)


def test_of_a_gpu_made_small_it_is_what_is_missing_of_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ballast leaves more than that free, for the worker's context."""
    small = replace(GPU, gpu_memory=4096)
    assert others(monkeypatch, 5, job=small) is None
    assert others(monkeypatch, 1, job=small) == 3


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [(None, 16, None), (5, 16, 5), (None, 9, 7), (5, 9, 7), (9, 11, 9)],
)
def test_who_was_there_before_or_after_a_launch_counts(
    monkeypatch: pytest.MonkeyPatch, before: int | None, after: int, found: int | None
) -> None:
    """The more of both; another try may then end otherwise."""
    others(monkeypatch, after)
    failure = beside_others(GPU, RAN_OUT, before and before * GIB)
    assert failure.outcome.short == MemoryShort(others_bytes=found and found * GIB)
    assert failure.outcome.is_permanent == (found is None)


def test_other_outcomes_are_nobodys_doing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is what the kernel killed for the host's memory."""
    others(monkeypatch, 2)
    for outcome in (Outcome("failed", "it failed"), replace(RAN_OUT, signal="SIGKILL")):
        assert beside_others(GPU, outcome, GIB).outcome == outcome
    cpu = replace(GPU, device="cpu", cnmem=None)
    assert beside_others(cpu, RAN_OUT, None).outcome == RAN_OUT

"""Who holds memory of a GPU, in words and in figures."""

import subprocess
import sys

import msgspec
import pytest

from benchmarks import gpu_memory
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

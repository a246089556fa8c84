"""Choosing CPUs, and the kernel's lists of them."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from histocnn import pinning
from histocnn.errors import InputError

# Four cores of two threads, numbered as on most servers: 0–3, then their siblings.
SIBLINGS = {cpu: frozenset({cpu % 4, cpu % 4 + 4}) for cpu in range(8)}


@pytest.mark.parametrize(
    ("cores", "usable", "chosen"),
    [
        (1, range(8), (0,)),
        (4, range(8), (0, 1, 2, 3)),
        (6, range(8), (0, 1, 2, 3, 4, 5)),
        (2, (1, 5, 6), (1, 6)),
        (3, (1, 5, 6), (1, 5, 6)),
    ],
)
def test_physical_cores_come_before_second_threads(
    cores: int, usable: tuple[int, ...], chosen: tuple[int, ...]
) -> None:
    """A sibling is taken only when every usable core has one CPU in."""
    assert pinning.choose(cores, usable, SIBLINGS) == chosen


@pytest.mark.parametrize("cores", [0, -1, 9])
def test_more_or_fewer_than_there_are_is_refused(cores: int) -> None:
    """The line names the number and the range."""
    with pytest.raises(InputError, match=f"cores={cores}: this machine lends 1 to 8"):
        pinning.choose(cores, range(8), SIBLINGS)


def test_cpu_lists_are_the_kernels() -> None:
    """Ranges and single CPUs, in order."""
    assert pinning.parse_cpu_list("0-2,5\n") == (0, 1, 2, 5)
    assert pinning.parse_cpu_list("") == ()


def test_a_worker_is_pinned_before_numpy_is_loaded() -> None:
    """NumPy's BLAS makes its threads at import: they must find the affinity set."""
    script = "import histocnn.worker, sys; print(int('numpy' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.curdir},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize("gone", [FileNotFoundError, ProcessLookupError])
def test_a_thread_that_ends_while_it_is_looked_at_is_left_out(
    gone: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its file is opened, or before that is read."""
    own, read = str(os.getpid()), Path.read_text

    def vanish(path: Path) -> str:
        if path.name == "status" and path.parent.name != own:
            raise gone
        return read(path)

    pools = SimpleNamespace(threadpool_info=list)
    monkeypatch.setitem(sys.modules, "threadpoolctl", pools)
    monkeypatch.setattr(Path, "read_text", vanish)
    task = Path("/proc/self/task", own)
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([task.with_name("1"), task]))
    seen = pinning.seen(1)
    assert set(seen.affinity) == os.sched_getaffinity(0)
    assert seen.threads == 2

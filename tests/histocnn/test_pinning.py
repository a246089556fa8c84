"""Choosing CPUs, and the kernel's lists of them."""

import os
import subprocess
import sys

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

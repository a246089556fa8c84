"""A worker's own CPU time, with that of the processes it started."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.sentinel.process import WorkerTime, cpu_seconds


class Clocks:
    """CPU clocks of pretended processes."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {int(name[1:]): value for name, value in seconds.items()}

    def __call__(self, pid: int) -> float:
        try:
            return self.seconds[pid]
        except KeyError:
            raise OSError(22, "Invalid argument") from None


def put_children(root: Path, pid: int, children: str, task: int | None = None) -> None:
    """List ``children`` of ``pid`` as the kernel does, by the thread that has them."""
    folder = root / "proc" / str(pid) / "task" / str(task or pid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "children").write_text(children)


def test_the_clock_of_a_process_is_its_cpu_time() -> None:
    """The number that the kernel gives this process' own clock says the same."""
    before = time.process_time()
    own = cpu_seconds(os.getpid())
    assert before <= own <= time.process_time()


def test_descendants_count_whichever_thread_started_them(tmp_path: Path) -> None:
    put_children(tmp_path, 10, "11 ")
    put_children(tmp_path, 10, "12 ", task=15)
    put_children(tmp_path, 12, "13 ")
    worker = WorkerTime(10, tmp_path, Clocks(p10=1.0, p11=2.0, p12=4.0, p13=8.0))
    assert worker.read(now=0.0) == 15.0
    assert worker.pids == {10, 11, 12, 13}


def test_a_descendant_that_ended_stays_counted(tmp_path: Path) -> None:
    """Else the worker's time would go back, and others' would seem to have gone on."""
    put_children(tmp_path, 10, "11 ")
    clocks = Clocks(p10=1.0, p11=2.0)
    worker = WorkerTime(10, tmp_path, clocks)
    assert worker.read(now=0.0) == 3.0
    del clocks.seconds[11]
    clocks.seconds[10] = 1.5
    assert worker.read(now=0.1) == 3.5


def test_a_worker_that_has_gone_is_none(tmp_path: Path) -> None:
    clocks = Clocks(p10=1.0)
    worker = WorkerTime(10, tmp_path, clocks)
    assert worker.read(now=0.0) == 1.0
    clocks.seconds.clear()
    assert worker.read(now=0.1) is None


def test_children_that_are_not_told_are_none_of_its(tmp_path: Path) -> None:
    """A kernel without such lists: the process alone."""
    assert WorkerTime(10, tmp_path, Clocks(p10=1.0)).read(now=0.0) == 1.0


def test_a_list_of_children_that_makes_no_sense_is_none(tmp_path: Path) -> None:
    put_children(tmp_path, 10, "eleven")
    assert WorkerTime(10, tmp_path, Clocks(p10=1.0)).read(now=0.0) == 1.0


def test_a_real_child_of_a_real_process_is_found() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    ) as child:
        worker = WorkerTime(os.getpid(), Path("/"))
        assert worker.read(now=0.0) == pytest.approx(time.process_time(), abs=0.5)
        listed = Path("/proc/self/task") / str(os.getpid()) / "children"
        if listed.exists():  # CONFIG_PROC_CHILDREN
            assert child.pid in worker.pids

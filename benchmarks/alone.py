"""A launch that has its machine to itself, as far as this checkout's sessions go."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from benchmarks import gpu_memory
from benchmarks.ballast import Ballast, acquired
from benchmarks.budget import after_waiting
from benchmarks.launchers import Launcher
from benchmarks.measure import Step, launch
from benchmarks.settling import Effort
from histocnn import cache
from histocnn.job import Job
from histocnn.measurement import Launch


def launch_alone(
    job: Job,
    effort: Effort,
    launcher: Launcher,
    arrays: Path,
    number: int,
    ballast: Ballast,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Launch:
    """Launch ``number`` of ``job``, once no other session measures or holds the GPU.

    ``arrays`` is the folder of its prepared images, ``ballast`` what makes the GPU as
    small as the job says; its owner closes it. ``on_step`` is told of waiting, too.

    Raises `InputError` and `MeasuringFailed` as `Suite.launch` does, and `Busy` where
    the effort's patience has an end and that came first.
    """

    def waiting() -> None:
        on_step(Step(number, 0, "waiting for another session"))

    began = time.monotonic()
    until = began + (math.inf if effort.patience is None else effort.patience)
    beside = ballast.beside(job, launcher.GPU, waiting, until)
    with beside, measuring(waiting, until), gpu_memory.of_workers(launcher.GPU):
        effort = after_waiting(effort, time.monotonic() - began)
        return launch(job, effort, launcher, arrays, number, on_step)


@contextmanager
def measuring(
    on_wait: Callable[[], None] = lambda: None, until: float = math.inf
) -> Iterator[None]:
    """Keep other sessions that share this cache folder off the cores.

    ``on_wait`` is called where one has them; where it has them still at ``until``, by
    `time.monotonic`, `Busy` is raised.
    """
    with acquired(FileLock(cache.scratch() / "measuring.lock"), on_wait, until):
        yield

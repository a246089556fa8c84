"""What one pytest session measures, as its command line says."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmarks import axes, launchers
from benchmarks.axes import Grid
from benchmarks.launchers import Launcher, Settings
from benchmarks.measure import Effort, Step, measure
from histocnn import cache
from histocnn.data import Dataset, DatasetSpec
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Measurement
from histocnn.prepare import fill, prepare

DEFAULT_DATASET = "tissue"
_LONGEST_TIMEOUT = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Case:
    """A job, and why it is skipped; None where it runs."""

    job: Job
    skip: str | None


class Suite:
    """The selected cases and how they are measured."""

    def __init__(
        self,
        grid: str,
        overrides: dict[str, str | None],
        dataset: str | None,
        launcher: str,
        settings: Settings,
        timeout: str,
    ) -> None:
        """Check all that was asked for; `InputError` says what cannot be had.

        What a preset asks for and this machine lacks is skipped with a reason, as is
        a GPU; engines and cores that the command line names must be there.
        """
        self.grid: Grid = axes.select(grid, overrides)
        self.launcher: Launcher = launchers.get(launcher, settings)
        self._spec = DatasetSpec.parse(DEFAULT_DATASET if dataset is None else dataset)
        self.timeout = _seconds(timeout)
        if overrides["cores"] is not None:
            _check_cores(self.grid.cores, self.launcher.cores())
        jobs = list(axes.jobs(self.grid, self._spec.label, self.launcher.cores()))
        self.cases = [Case(job, self._skip(job)) for job in jobs]
        if overrides["engines"] is not None:
            _check_engines(self.cases)
        if dataset is not None or overrides["images"] is not None:
            # A folder named by the user is looked at now, not after an hour of cases.
            fill(self.dataset, self.grid.images, seed=0)

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, listed once."""
        return self._spec.load()

    @property
    def dataset_label(self) -> str:
        """What results call the dataset."""
        return self._spec.label

    def effort(self, *, once: bool) -> Effort:
        """How much to measure of a case; ``once``: one round of one launch."""
        if once:
            return Effort(launches=1, rounds=1, timeout=self.timeout)
        return Effort(self.grid.launches, self.grid.rounds, self.timeout)

    def job(self, params: dict[str, Any]) -> Job:
        """The job of a case's parameters as pytest has them."""
        return Job(**params, images=self.grid.images, dataset=self.dataset_label)

    def arrays(self, job: Job) -> Path:
        """The prepared images of ``job``, made on first use."""
        return prepare(self.dataset, job.size, job.images, seed=job.seed)

    def measure(
        self, job: Job, effort: Effort, on_step: Callable[[Step], None]
    ) -> Measurement:
        """Prepare the images where they are missing, then measure.

        Raises `InputError` for what is broken on this machine, `MeasuringFailed` for
        what went wrong in a worker.
        """
        # What is broken raises here, before any start; so does what has gone since.
        if reason := self.launcher.missing(job):
            raise InputError(reason)
        arrays = self.arrays(job)
        with _alone(on_step):
            return measure(job, effort, self.launcher, arrays, on_step)

    def _skip(self, job: Job) -> str | None:
        try:
            return self.launcher.missing(job)
        except InputError:
            return None  # broken, not absent: the case runs, and fails saying so


@contextmanager
def _alone(on_step: Callable[[Step], None]) -> Iterator[None]:
    """Keep other sessions of this checkout off the cores while a case is measured."""
    lock = FileLock(cache.scratch() / "measuring.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_step(Step(0, 0, "waiting for another session to finish its case"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _check_cores(asked: tuple[int, ...], lent: int) -> None:
    for cores in asked:
        if cores > lent:
            raise InputError(
                f"cores={cores}: this machine lends 1 to {lent}; lower --cores"
            )


def _check_engines(cases: list[Case]) -> None:
    """An engine named by the user must be able to run at least one of its cases."""
    reasons: dict[str, str | None] = {}
    for case in cases:
        if reasons.get(case.job.engine, "") is not None:
            reasons[case.job.engine] = case.skip
    for engine, reason in reasons.items():
        if reason is not None:
            raise InputError(f"engine {engine} cannot run here: {reason}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise InputError(
            f"--timeout: {text!r} is not a number of seconds above 0, up to a week"
        )
    return seconds

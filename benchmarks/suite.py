"""What one pytest session measures, as its command line says."""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import axes, environments, launchers
from benchmarks.alone import launch_alone, measuring
from benchmarks.axes import Grid
from benchmarks.ballast import Ballast
from benchmarks.budget import Policy
from benchmarks.cluster.selection import Selection
from benchmarks.launchers import Launcher, Settings
from benchmarks.measure import Step
from benchmarks.pace import Pace
from benchmarks.settling import Effort
from histocnn.data import Dataset, DatasetSpec
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch
from histocnn.prepare import fill, prepare

DEFAULT_DATASET = "tissue"
_LONGEST_TIMEOUT = 7 * 24 * 3600.0
_USUAL_PRECISION = 0.05
_ROUNDS_ADDED = 3  # times the rounds asked for, at most, while they scatter


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
        precision: str | None = None,
        repeats: str | None = None,
        order_seed: str = "0",
    ) -> None:
        """Check all that was asked for; `InputError` says what cannot be had.

        What a preset asks for and this machine lacks is skipped with a reason, as is
        a GPU; engines and cores that the command line names must be there. Where the
        launcher has a cluster, that is what counts.
        """
        self.grid: Grid = axes.select(grid, overrides)
        self.settings = settings
        self._launcher_name = launcher
        self.launcher: Launcher = launchers.get(launcher, settings)
        self._spec = DatasetSpec.parse(DEFAULT_DATASET if dataset is None else dataset)
        self.timeout = _seconds(timeout)
        self._precision = _share(precision)
        if precision is not None and self.grid.launches is not None:
            raise InputError(
                "--launches fixes their number, --precision lets them be as many as it "
                "needs; leave one out"
            )
        self._repeats = None if repeats is None else _count("--repeats", repeats)
        self.order_seed = _count("--order-seed", order_seed)
        self._cap_fixed = overrides["time_cap"] is not None
        self._rounds_fixed = overrides["rounds"] is not None
        self._ballast = Ballast()
        self._cluster = launchers.cluster(launcher, settings)
        self.selection = self._selection()
        if overrides["cores"] is not None:
            _check_cores(self.grid.cores, *self._most_cores)
        self.cases = list(self._cases())
        if overrides["engines"] is not None:
            _check_engines(self.cases)
        if dataset is not None or overrides["images"] is not None:
            # A folder named by the user is looked at now, not after an hour of cases.
            fill(self.dataset, self.grid.images, seed=0)

    def _selection(self) -> Selection | None:
        """What the launcher's cluster measures; None where it has none."""
        if self._cluster is None:
            return None
        machines, gpu_memory = self.settings.machines, self.settings.gpu_memory
        label = self._spec.label
        return Selection(self._cluster, self.grid, label, machines, gpu_memory)

    @property
    def _most_cores(self) -> tuple[int, str]:
        """Cores that a worker can have, and whose they are."""
        if self.selection is not None:
            return self.selection.most_cores, "the cluster's largest machine"
        return self.launcher.cores(), "this machine"

    def _cases(self) -> Iterator[Case]:
        if self.selection is not None:
            for placed in self.selection.cases:
                yield Case(placed.job, placed.skip)
            return
        label, cores = self._spec.label, self.launcher.cores()
        for job in axes.jobs(self.grid, label, cores, self.settings.gpu_memory):
            yield Case(job, self._skip(job))

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
        grid = self.grid
        fixed = self._rounds_fixed or grid.launches is not None
        return Effort(
            launches=grid.launches,
            rounds=grid.rounds,
            timeout=self.timeout,
            most_rounds=grid.rounds * (1 if fixed else _ROUNDS_ADDED),
            precision=self._precision,
            cap_seconds=grid.time_cap,
            repeats=self.repeats(grid.rounds),
        )

    def policy(self, *, once: bool) -> Policy:
        """The same under a budget.

        It chooses the rounds unless they are given, and all cases share it in place of
        a time cap that was not asked for.
        """
        effort = self.effort(once=once)
        if not self._cap_fixed:
            effort = replace(effort, cap_seconds=math.inf)
        if once or self._rounds_fixed:
            return Policy(effort)
        return Policy(effort, Pace(self.grid.rounds, repeats=self._repeats))

    @property
    def rounds(self) -> str:
        """How many rounds a launch has, in words."""
        effort = self.effort(once=False)
        least, most = effort.rounds, effort.most_rounds
        return str(least) if most <= least else f"{least} to {most}"

    def repeats(self, rounds: int) -> int:
        """How many disturbed rounds are repeated in a launch that has ``rounds``."""
        return rounds if self._repeats is None else self._repeats

    def job(self, params: dict[str, Any]) -> Job:
        """The job of a case's parameters as pytest has them."""
        return Job(
            **params,
            images=self.grid.images,
            dataset=self.dataset_label,
            gpu_memory=self.gpu_memory(params["device"]),
        )

    def gpu_memory(self, device: str) -> int | None:
        """MB that the GPU is made to have in a case on ``device``, if it is."""
        return self.settings.gpu_memory if device == "cuda" else None

    def arrays(self, job: Job, images: int | None = None) -> Path:
        """The prepared images of ``job``, or so many of them, made on first use."""
        return prepare(self.dataset, job.size, images or job.images, seed=job.seed)

    def launched_as(self, job: Job) -> dict[str, str]:
        """What a worker of ``job`` starts as; one that did tells (`Channel.facts`)."""
        name = environments.name_for(job.engine, job.device)
        launcher = self.settings.on_node if self.selection else self._launcher_name
        facts = {"launcher": launcher}
        if name in dict(self.settings.interpreters):
            facts["interpreter"] = "own"
        if self.selection is not None:
            facts["machine"] = self.selection.machine_of(job).digest
        return facts

    def launch(
        self,
        job: Job,
        effort: Effort,
        number: int = 0,
        on_step: Callable[[Step], None] = lambda step: None,
        launcher: Launcher | None = None,
        images: int | None = None,
    ) -> Launch:
        """Prepare the images where they are missing, then make one launch.

        ``launcher`` stands in for the suite's own. ``images`` are prepared where they
        are not as many as the job has: training takes the first, or repeats them.

        Raises `InputError` for what is broken on this machine, `MeasuringFailed` for
        what went wrong in a worker.
        """
        # What is broken raises here, before any start; so does what has gone since.
        launcher = launcher or self.launcher
        if reason := launcher.missing(job):
            raise InputError(reason)
        arrays = self.arrays(job, images)
        return launch_alone(
            *(job, effort, launcher, arrays, number, self._ballast), on_step
        )

    @contextmanager
    def alone(self, job: Job, on_wait: Callable[[], None]) -> Iterator[None]:
        """Whatever a worker of ``job`` does beside launches: no other session measures.

        Nor does one hold the GPU's memory, where that is used. ``on_wait`` is called
        where one does, until it ends.
        """
        with self._ballast.beside(job, self.launcher.GPU, on_wait), measuring(on_wait):
            yield

    def close(self) -> None:
        """Give back what is kept from launch to launch; safe to call again."""
        self._ballast.close()
        if self._cluster is not None:
            self._cluster.close()

    def _skip(self, job: Job) -> str | None:
        try:
            return self.launcher.missing(job)
        except InputError:
            return None  # broken, not absent: the case runs, and fails saying so


def _check_cores(asked: tuple[int, ...], lent: int, lender: str) -> None:
    for cores in asked:
        if cores > lent:
            raise InputError(
                f"cores={cores}: {lender} lends 1 to {lent}; lower --cores"
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


def _share(text: str | None) -> float:
    """A precision: ``5%`` or ``0.05``."""
    if text is None:
        return _USUAL_PRECISION
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if rest or not 0 < share < 1:
        raise InputError(
            f"--precision: {text!r} is no share between 0 and 1; write 5% or 0.05"
        )
    return share


def _count(option: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise InputError(
            f"{option}: {text!r} is not a whole number from 0 up, and below a million"
        )
    return int(text)

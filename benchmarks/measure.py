"""Job → launches: a fresh worker each, a warm-up and the rounds in it, then checks."""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import gpu_memory, readback, settling
from benchmarks.launchers import Launcher
from benchmarks.outcomes import MeasuringFailed, Outcome, failed
from benchmarks.readback import ReadBack
from benchmarks.sentinel import Sentinel, disturbances
from benchmarks.settling import Effort
from benchmarks.workers import Worker, worker
from histocnn.job import Job
from histocnn.measurement import Epoch, Launch, Measurement, Phases, Round
from histocnn.protocol import Opened, Trained

#: Steps of a launch behind which the loss need not be below its start: Adam's first one
#: moves every weight as far, which at 200 px overshoots (0.67 to 2.2 for a batch of 9).
_NO_FALL = 2
_PATIENCE = 5.0  # seconds a launch waits, in all, for the machine to be quiet again


@dataclass(frozen=True)
class Step:
    """What is going on within a case: epoch ``epoch`` of launch ``launch``, from 0."""

    launch: int
    epoch: int
    text: str


def measure(
    job: Job,
    effort: Effort,
    launcher: Launcher,
    arrays: Path,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Measurement:
    """Measure ``job`` alone, launch by launch; a session interleaves (`Campaign`).

    Raises
    ------
    MeasuringFailed
        if a worker dies, hangs, fails, does not train, or ran on other cores.
    """
    launches: list[Launch] = []
    seconds = 0.0
    while (stopped := settling.stopped(effort, launches, seconds)) is None:
        launches.append(
            launch(job, effort, launcher, arrays, len(launches), on_step),
        )
        seconds += launches[-1].wall_seconds
    return settling.settle(job, launches, stopped)


def launch(
    job: Job,
    effort: Effort,
    launcher: Launcher,
    arrays: Path,
    number: int,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Launch:
    """Launch ``number`` of ``job``: one fresh process, from its start to its end.

    Raises `MeasuringFailed` as `measure` does.
    """
    others = None
    try:
        if job.device == "cuda":
            state, others = gpu_memory.beside(job)
            gpu_memory.require(job, state)
        return _whole_launch(job, effort, launcher, arrays, number, on_step)
    except MeasuringFailed as failure:
        raise readback.beside_others(job, failure.outcome, others) from None


def _whole_launch(
    job: Job,
    effort: Effort,
    launcher: Launcher,
    arrays: Path,
    number: int,
    on_step: Callable[[Step], None],
) -> Launch:
    started = time.monotonic()
    with worker(launcher, job, effort.timeout) as process:
        try:
            done = _launch(
                job, effort, process, launcher.path(arrays), number, started, on_step
            )
        except MeasuringFailed as failure:
            raise readback.explained(job, failure.outcome, process.pid) from None
        leaving = time.monotonic()
        # All that it was for is done; where reading back killed it, it is gone already.
        with contextlib.suppress(MeasuringFailed):
            process.leave()
    ended = time.monotonic()
    check(job, done)
    phases = replace(done.phases, end_seconds=ended - leaving)
    return replace(done, phases=phases, wall_seconds=time.monotonic() - started)


def _launch(
    job: Job,
    effort: Effort,
    process: Worker,
    arrays: str,
    number: int,
    started: float,
    on_step: Callable[[Step], None],
) -> Launch:
    """What the worker ``process`` does from its first command to its last round."""
    on_step(Step(number, 0, "opening"))
    process.ping()
    start_seconds = time.monotonic() - started
    opened = process.open(job, arrays)
    pool = ReadBack(job, process.pid, opened) if job.device == "cuda" else None
    on_step(Step(number, 0, "compiling and warming up"))
    gpu = gpu_memory.find() if job.device == "cuda" else None
    with Sentinel(process.cpus, process.pid, gpu=gpu) as sentinel:
        rounds = _Rounds(job, effort, process, sentinel, started)
        rounds.train(lambda epoch, text: on_step(Step(number, epoch, text)))
    trained, trained_at = rounds.trained, time.monotonic()
    memory = pool.done(trained, process.audit) if pool is not None else None
    notes = (pool.problem,) if pool is not None and pool.problem else ()
    return Launch(
        phases=replace(
            rounds.phases(opened),
            start_seconds=start_seconds,
            audit_seconds=time.monotonic() - trained_at if pool is not None else 0.0,
        ),
        warm_up=rounds.warm_up,
        rounds=tuple(rounds.done),
        weights_moved=trained.weights_moved,
        peak_rss_bytes=trained.peak_rss_bytes,
        cores=trained.cores,
        device_name=opened.device_name,
        versions=opened.versions,
        launched=process.launched,
        notes=trained.notes + notes,
        waited_seconds=rounds.waited,
        sentinel_cores=sentinel.cost,
        gpu_memory=memory,
    )


class _Rounds:
    """The epochs of one worker: the warm-up, the rounds, more for those disturbed."""

    trained: Trained
    warm_up: Epoch
    first_seconds: float

    def __init__(
        self,
        job: Job,
        effort: Effort,
        process: Worker,
        sentinel: Sentinel,
        started: float,
    ) -> None:
        """``started``: when the launch did, by `time.monotonic`."""
        self._job = job
        self._effort = effort
        self._process = process
        self._sentinel = sentinel
        self._started = started
        self.done: list[Round] = []
        self.seconds = 0.0  # of all that the worker's loop took
        self.waited = 0.0

    def train(self, report: Callable[[int, str], None]) -> None:
        """Train until as many rounds as are wanted were undisturbed, or enough tried.

        More than the least are wanted where they scatter, up to the effort's most.
        """
        epochs = self._epochs(1 + self._effort.rounds, report)
        self.warm_up, self.first_seconds = epochs[0][0], self.trained.first_seconds
        self._judge(epochs[1:])
        effort = self._paced()
        if (more := effort.rounds - len(self.done)) > 0:
            self._judge(self._epochs(more, report))
        repeats = effort.repeats
        while True:
            quiet = [round_.seconds for round_ in self.done if round_.counts]
            wanted = settling.rounds_wanted(effort, quiet) - len(quiet)
            disturbed = len(self.done) > len(quiet)
            if disturbed:
                wanted = min(wanted, repeats)
            if wanted <= 0:
                return
            if disturbed:
                repeats -= wanted
                patience = _PATIENCE - self.waited
                self.waited += self._sentinel.wait_until_quiet(patience)
            self._judge(self._epochs(wanted, report))

    def phases(self, opened: Opened) -> Phases:
        """Where the worker's time went until now, from what it said when it opened."""
        steady_seconds = sum(round_.seconds for round_ in self.done)
        around = self.seconds - self.first_seconds - steady_seconds
        return Phases(
            import_seconds=opened.import_seconds,
            data_seconds=opened.data_seconds,
            build_seconds=opened.build_seconds,
            first_seconds=self.first_seconds,
            steady_seconds=steady_seconds,
            around_seconds=max(0.0, around),
        )

    def _paced(self) -> Effort:
        """The effort once its first rounds have told how many there should be.

        The shortest of them tells: whatever disturbs makes slower, and the warm-up may
        have compiled.
        """
        effort = self._effort
        if effort.pace is None:
            return effort
        seconds = [round_.seconds for round_ in self.done]
        outside = max(0.0, time.monotonic() - self._started - sum(seconds))
        return settling.paced(effort, effort.pace, outside, min(seconds))

    def _epochs(
        self, number: int, report: Callable[[int, str], None]
    ) -> list[tuple[Epoch, float]]:
        """Train ``number`` epochs; each with the time of its end."""
        ends: list[float] = []

        def ended(epoch: Epoch) -> None:
            ends.append(time.monotonic())
            if not self.done and len(ends) == 1:
                self._sentinel.fence()  # the warm-up is over
            else:
                self._sentinel.mark()
            report(len(self.done) + len(ends), f"{epoch.seconds:.3g} s/epoch")

        self._sentinel.bound()
        epochs, self.trained = self._process.train(number, ended)
        self._sentinel.bound()
        self.seconds += self.trained.seconds
        return list(zip(epochs, ends, strict=True))

    def _judge(self, epochs: list[tuple[Epoch, float]]) -> None:
        """Take ``epochs`` as rounds, each with what went on beside it."""
        starts = [end - epoch.seconds for epoch, end in epochs]
        span = (starts[0], epochs[-1][1])
        seen = [
            (epoch, self._sentinel.conditions(start, end, span))
            for start, (epoch, end) in zip(starts, epochs, strict=True)
        ]
        known = [each.conditions for each in self.done] + [each for _, each in seen]
        usual = _highest(each.cpu_mhz for each in known)
        usual_sm = _highest(each.gpu.sm_mhz for each in known if each.gpu is not None)
        for epoch, conditions in seen:
            reasons = disturbances(conditions, self._job.cores, usual, usual_sm)
            self.done.append(
                replace(
                    Round.of(epoch),
                    conditions=conditions,
                    disturbed=reasons,
                    counts=not reasons,
                )
            )


def _highest(clocks: Iterable[float | None]) -> float | None:
    """A launch's usual clock: whatever disturbs it makes it lower."""
    return max((mhz for mhz in clocks if mhz is not None), default=None)


def check(job: Job, done: Launch) -> None:
    """Raise `MeasuringFailed` for a launch whose times mean something else.

    It must have trained, on as many CPUs and engine threads as the case says, and must
    have compiled nothing once it was warm.
    """
    steps = (1 + len(done.rounds)) * (job.images // job.batch)
    if reason := done.not_trained(falls=steps > _NO_FALL):
        outcome = Outcome("did-not-train", f"it did not train: {reason}")
        raise MeasuringFailed(outcome)
    for number, epoch in enumerate(done.rounds, start=1):
        if epoch.compilations:
            raise failed(
                f"round {number} compiled {epoch.compilations} times, so that its "
                f"{epoch.seconds:.3g} s are not training alone; a shape or a type "
                "changes between epochs"
            )
    cores = done.cores
    if len(cores.affinity) != job.cores:
        raise failed(
            f"cores={job.cores}, but its threads may run on CPUs {cores.affinity}"
        )
    if cores.engine_threads != job.cores:
        raise failed(
            f"cores={job.cores}, but {job.engine} computes with "
            f"{cores.engine_threads} threads"
        )

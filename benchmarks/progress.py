"""Tells what is running, what is done and how long it will take."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from benchmarks.cases import Case, Result
from benchmarks.journal import Record
from benchmarks.measure import Step
from benchmarks.settling import LEAST_LAUNCHES, Effort
from histocnn.job import Job
from histocnn.measurement import Measurement

# A first guess, only until the case's first launch has ended: seconds that a launch
# takes to open and compile, and megapixels a second that one core trains.
_STARTUP_SECONDS = 5.0
_MEGAPIXELS_PER_CORE_SECOND = 1.5
_FOREVER = 10.0**10  # seconds; `timedelta` ends not far above


def guess_seconds(job: Job, effort: Effort) -> float:
    """Roughly how long a launch takes, for weighing cases against each other."""
    megapixels = job.images * job.size**2 * (1 + effort.rounds) / 1e6
    return _STARTUP_SECONDS + megapixels / (_MEGAPIXELS_PER_CORE_SECOND * job.cores)


@dataclass
class _Ahead:
    """One case as a forecast sees it."""

    guess: float
    launches: int = 0
    seconds: float = 0.0
    is_done: bool = False


class Forecast:
    """Time left, from what the launches so far took and the others should."""

    def __init__(self, jobs: Sequence[Job], effort: Effort) -> None:
        """For ``jobs``, none of which has a launch yet."""
        self._least = effort.launches or LEAST_LAUNCHES
        self._cases = {job.id: _Ahead(guess_seconds(job, effort)) for job in jobs}

    def launched(self, job: Job, seconds: float) -> None:
        """A launch of ``job`` took ``seconds``."""
        case = self._cases[job.id]
        case.launches += 1
        case.seconds += seconds

    def finished(self, job: Job) -> None:
        """No more launches of ``job``."""
        self._cases[job.id].is_done = True

    def seconds_left(self) -> float:
        """The least launches still to come; a case that needs more counts one more.

        A case without a launch takes its guess, scaled by the median of how wrong the
        others' were: the median, since an engine's very first may compile for a minute.
        """
        # The guess itself counts as one case that took as long as guessed.
        wrong = statistics.median_low(
            [1.0]
            + [
                case.seconds / case.launches / case.guess
                for case in self._cases.values()
                if case.launches
            ]
        )
        left = 0.0
        for case in self._cases.values():
            if not case.is_done:
                known = case.seconds / case.launches if case.launches else None
                each = case.guess * wrong if known is None else known
                left += each * max(1, self._least - case.launches)
        return left


class Reporter:
    """One lasting line a case; on a terminal a live bar under it for each launch."""

    def __init__(self, console: Console, jobs: Sequence[Job], effort: Effort) -> None:
        """``jobs``: the cases that will run."""
        self._console = console
        self._effort = effort
        self._total = len(jobs)
        self._done = 0
        self._forecast = Forecast(jobs, effort)
        self._bar: Progress | None = None
        self._row = TaskID(0)
        self._head = ""
        self._is_running = False
        self._most_left: Callable[[], float] = lambda: _FOREVER

    def limit(self, most_left: Callable[[], float]) -> None:
        """No more seconds are left than ``most_left`` tells: a budget's."""
        self._most_left = most_left

    def say(self, text: str) -> None:
        """Leave a line of its own."""
        self._console.out(text, highlight=False)

    def launching(self, case: Case, number: int) -> None:
        """Show that a launch runs."""
        self._is_running = True
        self._head = f"[{self._done}/{self._total}] {case.job.id}, launch {number + 1}"
        if self._console.is_terminal:
            self._bar = self._new_bar()
            self._row = self._bar.add_task(
                self._head, total=1 + self._effort.rounds, left=self._left()
            )
            self._bar.start()

    def on_step(self, step: Step) -> None:
        """Move the bar."""
        if self._bar is not None:
            text = f"{self._head}: {step.text}"
            # A launch may choose to have more rounds than it was known to have.
            total = max(1 + self._effort.rounds, step.epoch)
            self._bar.update(
                self._row, completed=step.epoch, total=total, description=text
            )

    def wipe(self) -> None:
        """Take the bar away, where there is one."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def given_up(self, case: Case) -> None:
        """Take the bar away: nothing runs."""
        self.wipe()
        self._is_running = False

    def launched(self, case: Case, record: Record) -> None:
        """Where no bar showed it, a line says how the launch went.

        One that was found in the journal has been told before.
        """
        self.wipe()
        was_running, self._is_running = self._is_running, False
        self._forecast.launched(case.job, record.seconds)
        if was_running and not self._console.is_terminal:
            self._tell(case, record)

    def _tell(self, case: Case, record: Record, where: str = "") -> None:
        """Leave a line on a launch with a time; an outcome is told with its case."""
        launch = record.launch
        if launch is None:
            return
        quiet = [round_.seconds for round_ in launch.counted]
        disturbed = len(launch.rounds) - len(quiet)
        text = f"{statistics.median(quiet):.3g} s/epoch" if quiet else "never quiet"
        if disturbed and quiet:
            text += f", {disturbed} of {len(launch.rounds)} rounds disturbed"
        self.say(
            f"{case.job.id}, launch {record.number + 1}{where}: {text}, "
            f"{self._left()} left"
        )

    def finished(self, case: Case, result: Result) -> None:
        """Leave a line that says what came of the case."""
        self._done += 1
        self._forecast.finished(case.job)
        left = self._left() if self._done < self._total else ""
        ending = f"{left} left" if left else "done"
        if isinstance(result, Measurement) and result.stopped.why == "budget":
            ending = "no other launch fits into the budget"
        head = f"[{self._done}/{self._total}] {case.job.id}"
        self.say(f"{head}: {describe(result)}, {ending}")

    def _left(self) -> str:
        seconds = round(min(self._seconds_left(), self._most_left(), _FOREVER))
        return f"{timedelta(seconds=seconds)}"

    def _seconds_left(self) -> float:
        return self._forecast.seconds_left()

    def _new_bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[left]} left"),
            console=self._console,
            transient=True,
        )


def describe(result: Result) -> str:
    """What came of a case, in a phrase."""
    if not isinstance(result, Measurement):
        return f"FAILED: {result.outcome.message}"
    seconds, width = result.median_seconds, result.stopped.half_width
    launches = len(result.launches)
    digits = ".0f" if width and width >= 0.1 else ".2g"
    sure = "" if width is None else f" ± {100 * width:{digits}} %"
    many = "launch" if launches == 1 else "launches"
    text = (
        f"{seconds:.3g} s/epoch{sure} ({launches} {many}), "
        f"{result.job.images / seconds:.4g} images/s"
    )
    return ", ".join([text, *result.warnings])

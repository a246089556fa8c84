"""Tells what is running, what is done and how long it will take."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from benchmarks.measure import Effort, Step
from histocnn.job import Job

# A first guess, only until the first case has ended: seconds that a launch takes to
# open and compile, and megapixels a second that one core trains.
_STARTUP_SECONDS = 5.0
_MEGAPIXELS_PER_CORE_SECOND = 1.5
_FOREVER = 10.0**10  # seconds; `timedelta` ends not far above


def guess_seconds(job: Job, effort: Effort) -> float:
    """Roughly how long a case takes, for weighing cases against each other."""
    megapixels = job.images * job.size**2 * (1 + effort.rounds) / 1e6
    training = megapixels / (_MEGAPIXELS_PER_CORE_SECOND * job.cores)
    return effort.launches * (_STARTUP_SECONDS + training)


class Forecast:
    """Time left, from what the finished cases took and the others should."""

    def __init__(self, guesses: Sequence[float]) -> None:
        """``guesses``: seconds of each case that will run, in order."""
        self._guesses = list(guesses)
        # The guess itself counts as one case that took as long as guessed.
        self._ratios = [1.0]

    def finished(self, seconds: float) -> None:
        """The next case took ``seconds``."""
        guess = self._guesses.pop(0)
        self._ratios.append(seconds / guess)

    def seconds_left(self) -> float:
        """The remaining guesses, scaled by the median of how wrong the others were.

        The median, since an engine's very first case may compile for a minute.
        """
        return sum(self._guesses) * statistics.median_low(self._ratios)


class Reporter:
    """One lasting line a case; on a terminal a live bar under it while it runs."""

    def __init__(self, console: Console, jobs: Sequence[Job], effort: Effort) -> None:
        """``jobs``: the cases that will run, in order."""
        self._console = console
        self._effort = effort
        self._total = len(jobs)
        self._number = 0
        self._forecast = Forecast([guess_seconds(job, effort) for job in jobs])

    @contextmanager
    def running(self, job: Job) -> Iterator[Callable[[Step], None]]:
        """Show ``job`` as running; yields what `measure` calls at each step."""
        self._number += 1
        start = time.monotonic()
        try:
            if self._console.is_terminal:
                with self._bar() as bar:
                    yield self._live(bar, job)
            else:
                self._line(job, f"running, {self._left()}")
                yield lambda step: None
        finally:  # a case that fails has taken its time too
            self._forecast.finished(time.monotonic() - start)

    def _live(self, bar: Progress, job: Job) -> Callable[[Step], None]:
        """A row in ``bar`` for ``job``; what is returned moves it."""
        epochs = 1 + self._effort.rounds
        total = self._effort.launches * epochs
        task = bar.add_task(self._head(job), total=total, left=self._left())

        def show(step: Step) -> None:
            bar.update(
                task,
                completed=step.launch * epochs + step.epoch,
                description=f"{self._head(job)}  launch {step.launch + 1}/"
                f"{self._effort.launches}: {step.text}",
            )

        return show

    def finished(self, job: Job, outcome: str) -> None:
        """Leave a line that says what came of ``job``."""
        self._line(job, f"{outcome}, {self._left()}")

    def _left(self) -> str:
        seconds = round(min(self._forecast.seconds_left(), _FOREVER))
        return f"{timedelta(seconds=seconds)} left" if seconds else "done"

    def _head(self, job: Job) -> str:
        return f"[{self._number}/{self._total}] {job.id}"

    def _line(self, job: Job, text: str) -> None:
        self._console.out(f"{self._head(job)}: {text}", highlight=False)

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            transient=True,
        )

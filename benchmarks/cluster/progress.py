"""Tells what a cluster measures: how many nodes, which cases, how long still."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from benchmarks.cases import Case
from benchmarks.cluster import Node
from benchmarks.journal import Record
from benchmarks.progress import Reporter
from benchmarks.settling import Effort
from histocnn.job import Job

_MOST_NAMED = 3  # cases that a bar names
_BAR = 20  # characters


class ClusterReporter(Reporter):
    """A line a launch, with its node; on a terminal one live bar for all nodes."""

    def __init__(self, console: Console, jobs: Sequence[Job], effort: Effort) -> None:
        """``jobs``: the cases that will run."""
        super().__init__(console, jobs, effort)
        self._running: dict[str, str] = {}  # by node: case, launch and what it does
        self._where: dict[str, list[str]] = {}  # by case: the nodes of its launches
        self._nodes = 0
        self._ahead: Callable[[], float] | None = None

    def expect(self, seconds_left: Callable[[], float]) -> None:
        """Ask ``seconds_left`` for the wall time until all is done."""
        self._ahead = seconds_left

    def placed(self, case: Case, number: int, node: Node) -> None:
        """Launch ``number`` of ``case`` begins on ``node``."""
        self._running[node.name] = f"{case.job.id}, launch {number + 1}"
        self._where.setdefault(case.job.id, []).append(node.name)
        self._show(now=True)

    def stepped(self, case: Case, node: Node, text: str) -> None:
        """What is going on in it."""
        if node.name in self._running:
            self._running[node.name] = f"{case.job.id}: {text}"
        self._show()

    def ended(self, node: Node) -> None:
        """Nothing runs on ``node`` any more."""
        self._running.pop(node.name, None)
        self._show()

    def lost(self, case: Case, number: int, why: str) -> None:
        """Say that a launch is made again, and why."""
        self.say(
            f"{case.job.id}, launch {number + 1} was lost and is made again: {why}"
        )

    def nodes(self, number: int) -> None:
        """The cluster has so many nodes now."""
        self._nodes = number
        self._show()

    def launched(self, case: Case, record: Record) -> None:
        """A line says how the launch went and where; none for the journal's."""
        launched = record.launch.launched if record.launch else record.launched
        node = launched.get("node")
        self._forecast.launched(case.job, record.seconds)
        if node in self._where.get(case.job.id, ()):
            self._tell(case, record, f" on {node}")
        self._show()

    def _seconds_left(self) -> float:
        return self._ahead() if self._ahead is not None else super()._seconds_left()

    def _new_bar(self) -> Progress:
        """The bar first and narrow: what does not fit is the end of what runs."""
        return Progress(
            BarColumn(_BAR),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
        )

    def _show(self, *, now: bool = False) -> None:
        """Bring the bar up to date, on a terminal; by default with its next frame."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            self._bar = self._new_bar()
            self._row = self._bar.add_task("", total=self._total)
            self._bar.start()
        named = [f"{node}: {what}" for node, what in self._running.items()]
        more = len(named[_MOST_NAMED:])
        running = "; ".join(named[:_MOST_NAMED] + ([f"{more} more"] if more else []))
        self._bar.update(
            self._row,
            completed=self._done,
            description=f"[{self._done}/{self._total}] {self._left()} left, "
            f"{len(self._running)} of {self._nodes} nodes: {running or 'idle'}",
            refresh=now,
        )

"""What a session's journals have held, read beside its runs: nothing is locked."""

import statistics
from pathlib import Path

import msgspec

from benchmarks.journal import Header, Record

Seen = dict[tuple[str, int], Record]

_USUAL_PACE = 4.0  # seconds a launch, until one has ended


class _Line(msgspec.Struct, frozen=True):
    entry: msgspec.Raw


class Witness:
    """Looks at the journals of ``folder`` again and again, and forgets nothing.

    It takes their lines apart itself: what the journal's own reader overlooks must not
    be overlooked here.

    Attributes
    ----------
    seen
        by case and number of the launch: each launch, and each outcome that no other
        try may change. What was here once has to be in the results.
    plans
        the plans that there were journals of, in words.
    problems
        in a sentence each: lines that are damaged, launches made twice.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing was seen yet; the folder need not be there."""
        self.seen: Seen = {}
        self.plans: list[dict[str, str]] = []
        self.problems: list[str] = []
        self._folder = folder
        self._known: dict[Path, tuple[int, int]] = {}

    def look(self) -> int:
        """Take in what is new; returns how many records were seen so far."""
        for path in self._folder.glob("*.jsonl"):
            try:
                state = path.stat()
                known = state.st_size, state.st_mtime_ns
                if self._known.get(path) != known:
                    self._read(path)
                    self._known[path] = known
            except FileNotFoundError:  # a run that is complete removes its own
                continue
        return len(self.seen)

    def pace(self) -> float:
        """How many seconds a launch takes, as far as is known."""
        known = [record.seconds for record in self.seen.values()]
        return statistics.median(known) if known else _USUAL_PACE

    def _read(self, path: Path) -> None:
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
            try:
                entry = msgspec.json.decode(line, type=_Line).entry
                if number == 1:
                    self._see_plan(msgspec.json.decode(entry, type=Header).what)
                else:
                    self._see(msgspec.json.decode(entry, type=Record))
            except ValueError as error:
                self._note(f"{path.name}, line {number} is damaged: {error}")

    def _see_plan(self, plan: dict[str, str]) -> None:
        if plan not in self.plans:
            self.plans.append(plan)

    def _see(self, record: Record) -> None:
        if record.outcome is not None and not record.outcome.is_permanent:
            return
        if self.seen.setdefault((record.case, record.number), record) != record:
            self._note(
                f"{record.case}, launch {record.number + 1} was safe in a journal, and "
                "was made again"
            )

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

"""Recorded seconds, replayed into pytest-benchmark as if they passed now."""

import contextlib
from collections import deque
from collections.abc import Iterable
from typing import Any, NoReturn


class Stopwatch:
    """A timer for pytest-benchmark that shows recorded seconds, exactly.

    pytest-benchmark reads its timer before and after each call and stores the
    difference. This one reads zero until `advance` is called, then the next recorded
    time once: the differences are the recorded numbers, to the last bit.
    """

    def __init__(self) -> None:
        """Nothing is recorded yet."""
        self._recorded: deque[float] = deque()
        self._shown = 0.0

    def load(self, seconds: Iterable[float]) -> int:
        """Take ``seconds`` in place of what is left; returns how many they are."""
        self._recorded = deque(seconds)
        self._shown = 0.0
        return len(self._recorded)

    def advance(self) -> None:
        """Let the next recorded time pass; without one (a profiler's run), none."""
        self._shown = self._recorded.popleft() if self._recorded else 0.0

    def __call__(self) -> float:
        """The time since the last reading, seconds."""
        shown, self._shown = self._shown, 0.0
        return shown


class _NoTime(Exception):
    """What a case without a time has in place of a round."""


def no_time(benchmark: Any) -> None:
    """End a case whose result is no time; it gets no row among those that have one.

    pytest-benchmark leaves out what raises, but saves a file only where something was
    tried: a session of such cases alone would be saved in none.
    """

    def refuse() -> NoReturn:
        raise _NoTime

    with contextlib.suppress(_NoTime):
        benchmark.pedantic(refuse)

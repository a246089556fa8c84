"""Outcomes: what came of a case that has no time, as a result like any other."""

from dataclasses import dataclass, field, replace
from typing import Literal

from benchmarks.environments import ROOT
from benchmarks.privacy import without_names
from histocnn.job import Job
from histocnn.measurement import Launch

Kind = Literal[
    "out-of-memory", "timed-out", "crashed", "did-not-train", "unsupported", "failed"
]

#: Another try would end alike, so that a resumed run does not make one.
PERMANENT: tuple[Kind, ...] = ("out-of-memory", "did-not-train", "unsupported")
_LINES = 20  # of the worker's last words


@dataclass(frozen=True)
class MemoryShort:
    """What was asked of a GPU's memory and what was free, in bytes; None: not told.

    ``others_bytes`` is what others held before the launch or after it; None also where
    that is too little to matter.
    """

    asked_bytes: int | None = None
    free_bytes: int | None = None
    others_bytes: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Why there is no time.

    ``message`` is one line for people. ``signal`` names what ended a crashed worker
    (``SIGSEGV``), ``words`` are the last lines of its stderr or of its traceback.
    ``short`` is there where a GPU's memory was.
    """

    kind: Kind
    message: str
    signal: str | None = None
    words: str = ""
    short: MemoryShort | None = None

    @property
    def is_permanent(self) -> bool:
        """Whether another try would end alike: others who held memory may have gone."""
        beside_others = self.short is not None and self.short.others_bytes is not None
        return self.kind in PERMANENT and not beside_others

    def anonymous(self) -> "Outcome":
        """The same for a file that others read: no folder, host or user is named."""
        return replace(
            self,
            message=without_names(self.message, ROOT),
            words="\n".join(without_names(self.words, ROOT).splitlines()[-_LINES:]),
        )

    def __str__(self) -> str:
        said = f"; it said:\n{self.words}" if self.words else ""
        return f"{self.message}{said}"


@dataclass(frozen=True)
class CaseOutcome:
    """The outcome of a case, and the launches that had ended well before it.

    ``launched`` has the node of the one that did not, where it was on a cluster's.
    """

    job: Job
    outcome: Outcome
    launches: tuple[Launch, ...] = ()
    launched: dict[str, str] = field(default_factory=dict)


class MeasuringFailed(Exception):
    """A launch has no times; ``outcome`` says what came of it instead."""

    def __init__(self, outcome: Outcome) -> None:
        """For ``outcome``, whose words are the exception's."""
        super().__init__(str(outcome))
        self.outcome = outcome


def failed(message: str) -> MeasuringFailed:
    """For what is no other kind of outcome."""
    return MeasuringFailed(Outcome("failed", message))

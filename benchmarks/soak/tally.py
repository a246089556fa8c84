"""What sessions of a soak came to: a line each, a table and a verdict for all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tabulate import tabulate


@dataclass(frozen=True)
class Ended:
    """A session that has ended.

    ``struck`` names the faults that struck, ``ends`` how each run ended, ``seconds``
    is the wall time of all. ``launches`` are those in its results, ``timed`` the cases
    with a time, ``outcomes`` those without, by kind, ``tainted`` the rounds that
    something disturbed. ``lost``, ``leftovers`` and ``errors`` (of the suite itself)
    are phrases, none of which should be there.
    """

    number: int
    what: str
    struck: tuple[str, ...]
    ends: tuple[str, ...]
    seconds: float
    launches: int = 0
    timed: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    tainted: int = 0
    lost: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def faultless(self) -> bool:
        """Whether nothing was lost, left or wrong."""
        return not (self.lost or self.leftovers or self.errors)

    def __str__(self) -> str:
        struck = ", ".join(_counted(Counter(self.struck))) or "nothing"
        runs = f"{len(self.ends)} run{'s' * (len(self.ends) > 1)}"
        good = "nothing lost" if self.faultless else "SOMETHING IS WRONG"
        return (
            f"session {self.number}: {self.what}; struck by {struck}; "
            f"{runs}, the last: {self.ends[-1]}; {good}; {self.seconds:.0f} s"
        )


def is_clean(sessions: Sequence[Ended]) -> bool:
    """Whether nothing was lost, left behind or wrong in any session."""
    return all(session.faultless for session in sessions)


def table(sessions: Sequence[Ended]) -> str:
    """The totals, for people."""
    struck = Counter(name for session in sessions for name in session.struck)
    outcomes: Counter[str] = Counter()
    for session in sessions:
        outcomes.update(session.outcomes)
    rows = {
        "sessions": len(sessions),
        "launches measured": sum(session.launches for session in sessions),
        "cases with a time": sum(session.timed for session in sessions),
        "cases with an outcome": _listed(outcomes),
        "faults that struck": _listed(struck),
        "kills of the suite": sum(
            number for name, number in struck.items() if name.startswith("kill suite")
        ),
        "resumes": sum(len(session.ends) - 1 for session in sessions),
        "rounds tainted": sum(session.tainted for session in sessions),
    }
    return tabulate(rows.items(), tablefmt="plain", disable_numparse=True)


def verdict(sessions: Sequence[Ended]) -> str:
    """``lost: 0, leftovers: 0, errors: 0``, and below it what there is of each."""
    kinds = {
        kind: [
            f"session {session.number}: {phrase}"
            for session in sessions
            for phrase in getattr(session, kind)
        ]
        for kind in ("lost", "leftovers", "errors")
    }
    first = ", ".join(f"{kind}: {len(phrases)}" for kind, phrases in kinds.items())
    listed = [
        f"  {kind}: {phrase}" for kind, phrases in kinds.items() for phrase in phrases
    ]
    return "\n".join([first, *listed])


def _listed(numbers: Mapping[str, int]) -> str:
    total = sum(numbers.values())
    return f"{total} ({', '.join(_counted(numbers))})" if total else "0"


def _counted(numbers: Mapping[str, int]) -> list[str]:
    return [
        name if number == 1 else f"{number} × {name}"
        for name, number in sorted(numbers.items())
    ]

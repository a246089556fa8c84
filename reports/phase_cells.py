"""How the figures of accounts are written, and what is said of those that are wrong."""

from collections.abc import Sequence

from reports import digits, phases
from reports.phases import Account, Row


def decimals(account: Account) -> int:
    """Those that show the largest figure to three digits: all are added up with it."""
    told = [part for name in phases.PARTS if (part := account.part(name))]
    return digits.decimals(max(account.wall or 0.0, *told), 3)


def seconds(value: float | None, places: int) -> str:
    """``12.3``; a 0 has no decimals: such a part there was not."""
    if value is None:
        return "—"
    return f"{value:.{places}f}" if value else "0"


def percent(value: float | None) -> str:
    """``12.3``."""
    return "—" if value is None else f"{value:.1f}"


def contradictions(rows: Sequence[Row]) -> tuple[str, ...]:
    """A line where the parts of some launch are more than the whole; else none."""
    most = max(row.contradiction for row in rows)
    if not most:
        return ()
    return (
        f"the parts exceed the wall time by up to {digits.number(most)} s a launch: "
        "what the file says contradicts itself",
    )

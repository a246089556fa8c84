"""The table of where the time of all launches together went, a part a row."""

from collections.abc import Sequence

from reports import phase_cells, phases
from reports.phases import Account, Row
from reports.tables import Column, Table

NAME = "total"

_REST, _WALL = "rest", "wall"
_MEANINGS = {
    "start": "from before the process was until it answered",
    "imports": "importing the framework",
    "data": "opening the prepared images",
    "build": "building the network",
    "first": "compiling, and the warm-up epoch",
    "measured": "rounds that count",
    "disturbed": "rounds that do not count, since something disturbed them",
    "waited": "waiting for a quiet machine",
    "around": "what the training loop took besides its epochs",
    "audit": "reading back a GPU's memory pool, with an epoch more",
    "end": "from the goodbye until the process was gone",
    _REST: "what is left of the wall time: between the parts, and what is not told",
    _WALL: "all of it",
}


def table(rows: Sequence[Row], read: str) -> Table:
    """The sums over the launches of ``rows``, one or more, that tell their wall time.

    ``read`` is the line that says what was read.
    """
    everything = [account for row in rows for account in row.accounts]
    # a sum of some wall times and of all parts would be of nothing
    summed = [each for each in everything if each.wall is not None] or everything
    total = phases.total(summed)
    names = (*phases.PARTS, _REST, _WALL)
    seconds = [getattr(total, name) for name in names]
    percents = [_percent(each, total.wall) for each in seconds]
    places = phase_cells.decimals(total)
    written = [phase_cells.seconds(each, places) for each in seconds]
    shares = [phase_cells.percent(each) for each in percents]
    phase = Column("phase", names, "left")
    return Table(
        name=NAME,
        shown=(
            phase,
            Column("seconds", tuple(written)),
            Column("share (%)", tuple(shares)),
            Column("meaning", tuple([_MEANINGS[name] for name in names]), "left"),
        ),
        data=(
            phase,
            Column("seconds", tuple(seconds)),
            Column("share_percent", tuple(percents)),
        ),
        above=(read, _summed(len(summed), len(everything))),
        below=(*_untold(total), *phase_cells.contradictions(rows), *_dropped(rows)),
    )


def _percent(seconds: float | None, wall: float | None) -> float | None:
    return None if seconds is None or wall is None else 100 * seconds / wall


def _summed(some: int, everything: int) -> str:
    if some < everything:
        told = "those whose file tells the wall time"
        return f"sums over {some} of {everything} launches: {told}"
    return "sums over 1 launch" if some == 1 else f"sums over {some} launches"


def _untold(total: Account) -> tuple[str, ...]:
    names = [name for name in (*phases.PARTS, _WALL) if getattr(total, name) is None]
    if not names:
        return ()
    where = "" if total.wall is None else ", and is in the rest"
    return (f"— not told for all of these launches{where}: {', '.join(names)}",)


def _dropped(rows: Sequence[Row]) -> tuple[str, ...]:
    """Such launches have no time, and no record of theirs gets as far as here."""
    if not any(row.case.left_out for row in rows):
        return ()
    return ("launches without a round that counts are in no sum",)

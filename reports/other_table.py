"""The table of cases that are no training of ours: their names and their times."""

from collections.abc import Sequence

from reports import digits
from reports.errors import printable
from reports.load import SavedFile
from reports.tables import Column, Table

NAME = "others"


def table(files: Sequence[SavedFile]) -> Table | None:
    """The other cases of all ``files``, in their order; None if there are none."""
    found = [(file, other) for file in files for other in file.others]
    if not found:
        return None
    others = [other for _, other in found]
    sources = Column(
        "source", tuple([printable(str(file.path)) for file, _ in found]), "left"
    )
    names = tuple([other.name for other in others])
    rounds = tuple([other.rounds for other in others])
    seconds = tuple([other.seconds for other in others])
    shown = [
        Column("case", names, "left"),
        Column("rounds", tuple(["" if each is None else each for each in rounds])),
        Column("median (s)", tuple([digits.number(each) for each in seconds])),
    ]
    several = len({id(file) for file, _ in found}) > 1
    count = "1 case that times" if len(found) == 1 else f"{len(found)} cases that time"
    without = sum(not other.has_data for other in others)
    notes = (
        f"the file's own median in {without} of {len(found)}: rounds were not saved; "
        "--benchmark-save-data keeps them",
    )
    return Table(
        name=NAME,
        shown=(*shown, *([sources] if several else [])),
        data=(
            Column("case", names, "left"),
            Column("rounds", rounds),
            Column("median_seconds", seconds),
            sources,
        ),
        above=(f"{count} something else than training",),
        below=notes if without else (),
    )

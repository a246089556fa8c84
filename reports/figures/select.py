"""Select: which figures the saved cases give, and what they lack for the others."""

import string
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from reports import gpu, texts
from reports.figures import epochs, speedups
from reports.figures.drawing import STYLES, Drawing, Selection
from reports.figures.groups import groups, unique
from reports.saved import Saved

_DEFAULT, _PAPER = STYLES
_MOST = 48  # panels, or lines in one: nobody could read more


def select(saved: Saved, style: str = _DEFAULT) -> Selection:
    """The paper's figures 3 to 6 of each engine, loop, precision and machine.

    ``style`` is one of `STYLES`. In the paper's the panels of figures 5 and 6 are
    drawings of their own, called 5a, 5b, …. Both parts may be empty.
    """
    found: list[Drawing] = []
    missing: dict[tuple[str, str], list[str]] = defaultdict(list)
    rows = gpu.rows(saved.cases)
    for group in groups(saved.cases):

        def say(figure: str, why: str, name: str = group.setting) -> None:
            missing[figure, why].append(name)

        drawings = [
            *epochs.drawings(group, say),
            *speedups.drawings(group, rows, say),
        ]
        found += [each for each in drawings if _is_legible(each, say)]
    if style == _PAPER:
        found = [part for drawing in found for part in _apart(drawing)]
    taken: set[str] = set()
    return Selection(
        tuple([replace(each, name=unique(each.name, taken)) for each in found]),
        tuple(
            [
                f"no {figure} of {texts.few(tuple(dict.fromkeys(names)), '; ')}: {why}"
                for (figure, why), names in missing.items()
            ]
        ),
    )


def _is_legible(drawing: Drawing, say: Callable[[str, str], None]) -> bool:
    """Whether there are few enough panels and lines; says so where there are not."""
    counts = {"panels": len(drawing.panels), "lines": len(drawing.series_names)}
    for what, count in counts.items():
        if count > _MOST:
            figure = f"figure {drawing.name.split('-')[1]}"
            say(figure, f"{count} {what} are more than the {_MOST} that it can have")
            return False
    return True


def _apart(drawing: Drawing) -> Iterator[Drawing]:
    """Each panel as a drawing with a letter, as the paper prints them."""
    if not drawing.panels_of:
        yield replace(drawing, style=_PAPER)
        return
    kind, number, rest = drawing.name.split("-", 2)
    letters = [*string.ascii_lowercase]
    for place, panel in enumerate(drawing.panels):
        letter = letters[place] if place < len(letters) else f"-{place + 1}"
        yield replace(
            drawing,
            name=f"{kind}-{number}{letter}-{rest}",
            title=drawing.title.replace(
                f"Figure {number}:", f"Figure {number}{letter}, {panel.title}:", 1
            ),
            heading=f"{drawing.heading}, {panel.title}",
            panels=(replace(panel, title=""),),
            style=_PAPER,
        )

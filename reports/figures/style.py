"""Style: colours, markers, dashes, hatches and sizes of type, the same in all drawings.

Colours tell series apart for people who see all of them and for those who do not;
markers, dashes and hatches do so once more, in grey print.
"""

from collections.abc import Sequence
from dataclasses import dataclass

INK = "#1f2328"
GROUND = "#fefefe"

#: Points of type, the smallest of which are legible at a column's width.
NOTE, TICK, LABEL, HEADING = 6.0, 6.5, 7.0, 8.0


@dataclass(frozen=True)
class Look:
    """How a series is drawn; ``dashes`` are lengths in widths of the line, () if whole.

    A bar that ``is_open`` has the ground's colour inside, and ``hatch``.
    """

    colour: str
    marker: str
    dashes: tuple[float, ...] = ()
    hatch: str = ""
    is_open: bool = False


# Pools: Okabe and Ito 2008. Vermilion and blue stay apart in every colour blindness.
_POOLS = {
    "0": Look("#d55e00", "o", (3.5, 1.5), "/////", is_open=True),
    "1": Look("#0072b2", "s"),
    "grow": Look("#009e73", "^", (6, 1.5, 1, 1.5), "\\" * 5, is_open=True),
    "async": Look("#cc79a7", "D", (1.2, 1.2), "xxxxx", is_open=True),
}
_OTHER_POOLS = (
    Look("#e69f00", "v", (8, 2), "|||||", is_open=True),
    Look("#56b4e9", "P", (4, 1, 1, 1, 1, 1), "-----", is_open=True),
    Look("#7a7a7a", "X", (2, 2), "+++++", is_open=True),
)

# Batch sizes: matplotlib's plasma from its dark end as far as a line shows on white.
# It grows lighter steadily, in grey too, so that its order is the sizes' order.
_RAMP = (
    *("#0d0887", "#44039e", "#6f00a8", "#9814a0"),
    *("#b83289", "#d45270", "#e97158", "#f89540"),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
_DASHES = ((), (6, 1.5), (3, 1.2), (6, 1.5, 1, 1.5), (1.2, 1.2))

_DARK_RAMP = (
    *("#b478d8", "#c06cc4", "#cc65a8", "#d8668c"),
    *("#e6766e", "#f08e55", "#f6ad42", "#f7d13d"),
)
_DARK_POOLS = (
    *("#ff8a3c", "#4aa8e0", "#2dc798", "#e39cc4"),
    *("#f0b429", "#7cc7f0", "#a8a8a8"),
)

_ALL_POOLS = (*_POOLS.values(), *_OTHER_POOLS)
#: CSS properties that a page may set, and the colour of each where it does not.
PROPERTIES = {
    GROUND: "--figure-ground",
    **{colour: f"--figure-batch-{place}" for place, colour in enumerate(_RAMP)},
    **{look.colour: f"--figure-pool-{place}" for place, look in enumerate(_ALL_POOLS)},
}
#: The properties' values for a page with light ink on a dark ground.
DARK = {
    "--figure-ground": "#16181c",
    **{f"--figure-batch-{place}": colour for place, colour in enumerate(_DARK_RAMP)},
    **{f"--figure-pool-{place}": colour for place, colour in enumerate(_DARK_POOLS)},
}

#: What is set on top of matplotlib's own defaults.
SETTINGS = {
    "font.family": ["DejaVu Sans"],  # which comes with matplotlib
    "font.size": LABEL,
    "text.color": INK,
    "text.parse_math": False,  # names come from files
    "hatch.linewidth": 0.5,
}

_DIGIT, _LETTER = 0.64, 0.56  # widths in DejaVu Sans, of the type's size


def extent(text: str, size: float) -> float:
    """About how wide ``text`` is in points, in type of so many points."""
    digits = sum(map(str.isdecimal, text))
    return (digits * _DIGIT + (len(text) - digits) * _LETTER) * size


def cut(text: str, size: float, room: float) -> str:
    """As much of ``text`` as is about ``room`` points wide."""
    most = int(room / (size * _LETTER))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def looks(keys: Sequence[str], ordered: bool) -> dict[str, Look]:
    """The look of each series by its key, which are batch sizes if ``ordered``.

    A pool has the same look in every drawing, a batch size in all with the same ones.
    """
    if ordered:
        return {key: _step(place, len(keys)) for place, key in enumerate(keys)}
    others = [key for key in keys if key not in _POOLS]
    rest = {
        key: _OTHER_POOLS[place % len(_OTHER_POOLS)] for place, key in enumerate(others)
    }
    return {key: _POOLS.get(key) or rest[key] for key in keys}


def _step(place: int, count: int) -> Look:
    slot = round(place * (len(_RAMP) - 1) / max(1, count - 1))
    return Look(
        _RAMP[slot], _MARKERS[place % len(_MARKERS)], _DASHES[place % len(_DASHES)]
    )

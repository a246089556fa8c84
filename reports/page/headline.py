"""The headline: the most telling speed-up of some files, and how sure it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import cells, digits, stats
from reports.legend import outside

FEW = stats.LAUNCHES_FOR_INTERVAL

#: An interval around 1 that lies within these ends tells of no difference worth words:
#: neither side takes a quarter longer. A wider one leaves open which is faster.
_NEAR_1 = (0.8, 1.25)


@dataclass(frozen=True)
class Figure:
    """A speed-up as it is shown: ``value`` and, in small print, its ``range``."""

    value: str
    range: str = ""


@dataclass(frozen=True)
class Line:
    """What was compared, and its figure under each heading; None where there is none.

    ``is_paper`` if the figures are the paper's, not of the files read.
    """

    label: str
    figures: tuple[Figure | None, ...]
    is_paper: bool = False


@dataclass(frozen=True)
class Headline:
    """One sentence that the data bear out, and what it is taken from.

    Without ``headings`` and ``lines`` nothing in the files tells of a speed-up.
    """

    claim: str
    caption: str = ""
    headings: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()


def figure(speedup: stats.Speedup | None) -> Figure | None:
    """``speedup`` with as many digits as its interval deserves; ``*`` without one."""
    if speedup is None:
        return None
    if speedup.low is None or speedup.high is None:
        return Figure(f"{digits.number(speedup.ratio)}*")
    text = digits.with_interval(speedup.ratio, speedup.low, speedup.high)
    value, _, interval = text.partition(" ")
    value += cells.OUTSIDE if speedup.is_outside else ""
    return Figure(value, interval.strip("()"))


def claim(who: str, told: Sequence[tuple[stats.Speedup, str]]) -> str:
    """``WHO trains this CNN 4.5 times as fast as …, and takes 2 times as long as …``.

    Each of ``told`` is a speed-up and over whom. What is slower is told by how many
    times as long it takes. An interval that holds 1 is no speed-up, whatever the ratio:
    within 0.8 to 1.25 nothing is faster; where it goes beyond either, how much faster
    is not known, and the interval is told. Without one the ratio is given roughly.
    """
    clauses: list[str] = []
    verbs: list[str] = []
    for speedup, whom in told:
        verb = "takes" if _is_slower(speedup) else "trains this CNN"
        words = _compared(speedup, whom)
        if verb == "takes" and not verbs:
            words += " to train this CNN"
        clauses.append(words if verbs[-1:] == [verb] else f"{verb} {words}")
        verbs.append(verb)
    return f"{who} {', and '.join(clauses)}."


def _is_slower(speedup: stats.Speedup) -> bool:
    return (speedup.ratio if speedup.high is None else speedup.high) < 1


def _compared(speedup: stats.Speedup, whom: str) -> str:
    """``4.5 times as fast as WHOM``, ``2.2 times as long as`` or ``no faster … than``.

    ``faster or slower than WHOM, … not known (…)`` where launches leave that open.
    """
    value, low, high = speedup.ratio, speedup.low, speedup.high
    how = "fast"
    if _is_slower(speedup):
        how, value = "long", 1 / value
        low, high = high and 1 / high, low and 1 / low
    if low is None or high is None:
        return f"about {digits.number(value, 2)} times as {how} as {whom}"
    text, _, interval = digits.with_interval(value, low, high).partition(" ")
    if not low <= 1 <= high:
        return f"{text} times as {how} as {whom}"
    if _NEAR_1[0] <= low and high <= _NEAR_1[1]:
        return f"no faster, as far as these launches tell, than {whom}"
    return (
        f"faster or slower than {whom}, by how much is not known ({text} times as "
        f"fast, 95 % interval {interval.strip('()')})"
    )


def legend(speedups: Sequence[stats.Speedup]) -> Iterator[str]:
    """What ranges and ``*`` among ``speedups`` mean, a line each."""
    if any(each.low is not None for each in speedups):
        yield "Small print: 95 % interval over launches (Welch, on logs)."
    if any(each.low is None for each in speedups):
        yield (
            f"* No interval: some case has fewer than {FEW} launches, so how far off "
            "the ratio may be is not known."
        )
    for line in outside(speedups):
        yield f"{line[:1]} {line[2:3].upper()}{line[3:]}."


def cores(count: int) -> str:
    """``1 core`` or ``16 cores``."""
    return "1 core" if count == 1 else f"{count} cores"

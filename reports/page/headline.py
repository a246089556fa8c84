"""The headline: the most telling speed-up of some files, and how sure it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import digits, stats

FEW = stats.LAUNCHES_FOR_INTERVAL


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
    return Figure(value, interval.strip("()"))


def times_as_fast(speedup: stats.Speedup, whom: str) -> str:
    """``4.5 times as fast as WHOM``, or that no difference shows.

    An interval that holds 1 is no speed-up, whatever the ratio. Without one the ratio
    is given roughly.
    """
    if speedup.low is None or speedup.high is None:
        return f"about {digits.number(speedup.ratio, 2)} times as fast as {whom}"
    if speedup.low <= 1 <= speedup.high:
        return f"no faster, as far as these launches tell, than {whom}"
    text = digits.with_interval(speedup.ratio, speedup.low, speedup.high)
    return f"{text.partition(' ')[0]} times as fast as {whom}"


def legend(speedups: Sequence[stats.Speedup]) -> Iterator[str]:
    """What ranges and ``*`` among ``speedups`` mean, a line each."""
    if any(each.low is not None for each in speedups):
        yield "Small print: 95 % interval over launches (Welch, on logs)."
    if any(each.low is None for each in speedups):
        yield (
            f"* No interval: some case has fewer than {FEW} launches, so how far off "
            "the ratio may be is not known."
        )


def cores(count: int) -> str:
    """``1 core`` or ``16 cores``."""
    return "1 core" if count == 1 else f"{count} cores"

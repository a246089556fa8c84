"""Legend: the lines below a speed-up table that say what its cells and marks mean."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from reports import digits, stats, texts
from reports.comparison import Compared
from reports.pool import Pooled

#: What ``*`` is at a time.
OF_TWO = "two launches: the faster and the slower, no interval"

_FEW = stats.LAUNCHES_FOR_INTERVAL
_NAMED = 3
_BEFORE_TIME = {
    "time-cap": "at the time cap",
    "budget": "at the end of the budget",
    "interrupted": "when interrupted",
}


def lines(rows: Sequence[Compared]) -> list[str]:
    """A line for each mark that the table really shows."""
    return [
        *_times(rows),
        *_imprecise(rows),
        *_speedups(rows),
        *outside([each for row in rows for each in (row.time, row.speedup) if each]),
        *_pooling(rows),
    ]


def outside(shown: Sequence[stats.EpochTime | stats.Speedup]) -> list[str]:
    """A line for ≠, where a value that is ``shown`` bears it."""
    if not any(each.is_outside for each in shown):
        return []
    return [
        "≠ outside its interval: the value is by the median, the interval around the "
        "mean, and launches were of two kinds"
    ]


def gaps(rows: Sequence[Compared]) -> list[str]:
    """Which baselines have no time, why, and how many rows miss them."""
    missing: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.time and row.speedup is None:
            outcome = row.baseline_outcome
            why = f"baseline {outcome}" if outcome else "not measured"
            missing[why].append(row.baseline.describe())
    notes = []
    for why, baselines in missing.items():
        distinct = list(dict.fromkeys(baselines))
        many = len(baselines)
        count = "1 row lacks its" if many == 1 else f"{many} rows lack a"
        named = texts.few(distinct, "; ")
        notes.append(f"— {count} baseline; {why}: {named}")
    return notes


def unsupported(cases: Sequence[Pooled]) -> list[str]:
    """One line on the cases that cannot run here, by reason; none without any."""
    if not cases:
        return []
    reasons = Counter("; ".join(case.asides) or "reason unknown" for case in cases)
    named = [f"{reason} ({count})" for reason, count in reasons.most_common(_NAMED)]
    more = len(reasons) - len(named)
    others = f" and {more} more {'reason' if more == 1 else 'reasons'}" if more else ""
    count = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
    return [f"{count} cannot run here: {', '.join(named)}{others}"]


def half_width(row: Compared) -> float | None:
    """Of the 95 % interval, relative; what measuring told of it, unless pooled since.

    None for fewer than 3 launches, and in files saved before it was told.
    """
    if len(row.case.stopped) == 1 == len(row.case.files):
        return row.case.stopped[0].half_width
    if row.case.stopped and row.time and row.time.has_interval:
        return math.log(row.time.high / row.time.low) / 2
    return None


def stopped_short(row: Compared) -> bool:
    """Whether the measuring ended before the case was as precise as was asked for."""
    if not any(each.why in _BEFORE_TIME for each in row.case.stopped):
        return False
    asked, width = _precision(row), half_width(row)
    return asked is not None and (width is None or width > asked)


def _precision(row: Compared) -> float | None:
    """The coarsest that was asked for."""
    asked = [each.precision for each in row.case.stopped if each.precision is not None]
    return max(asked, default=None)


def _times(rows: Sequence[Compared]) -> list[str]:
    times = [row.time for row in rows if row.time]
    notes = []
    sure = [time for time in times if time.has_interval]
    if any(digits.is_wide(time.low, time.high) for time in sure):
        notes.append(
            "epoch ±: half of the 95 % interval over launches; (low–high) where it is "
            "wide"
        )
    elif sure:
        notes.append("epoch ±: half of the 95 % interval over launches")
    metered = [row.case.meters for row in rows if row.case.joules is not None]
    if metered:
        sums = " or ".join(dict.fromkeys(" + ".join(each) for each in metered))
        notes.append(
            f"energy (meters: {sums}): median of an epoch, whoever draws on them; "
            "—: not metered in every launch, as where rounds are few and short"
        )
    return notes


def _imprecise(rows: Sequence[Compared]) -> list[str]:
    """A line for ‡, with the precision reached and the one asked for."""
    short = [row for row in rows if stopped_short(row)]
    if not short:
        return []
    cuts = {each.why for row in short for each in row.case.stopped}
    how = " or ".join(words for why, words in _BEFORE_TIME.items() if why in cuts)
    widths = [width for row in short if (width := half_width(row)) is not None]
    reached = [_percent(widths)] if widths else []
    if len(widths) < len(short):
        reached.append(f"of unknown precision (fewer than {_FEW} launches)")
    asked = _percent([precision for row in short if (precision := _precision(row))])
    return [f"‡ stopped {how}: {' or '.join(reached)}, not the {asked} asked for"]


def _percent(shares: Sequence[float]) -> str:
    """``± 5 %`` or ``± 5–12 %``."""
    texts = dict.fromkeys(
        f"{share * 100:.2g}" if share < 1 else f"{share * 100:.0f}"
        for share in (min(shares), max(shares))
    )
    return f"± {'–'.join(texts)} %"


def _speedups(rows: Sequence[Compared]) -> list[str]:
    notes = []
    speedups = [row.speedup for row in rows if row.speedup and not row.is_baseline]
    if any(each.low is not None for each in speedups):
        notes.append(
            "speed-up (low–high): 95 % interval over launches (Welch, on logs)"
        )
    notes += _few(rows, any(each.low is None for each in speedups))
    others = dict.fromkeys(
        f"{row.case.combination.precision} against {row.baseline.precision}"
        for row in rows
        if row.precisions_differ
    )
    if others:
        notes.append(
            f"† row and baseline differ in precision ({', '.join(others)}): part of "
            "the ratio comes from that"
        )
    return notes


def _few(rows: Sequence[Compared], has_ratio: bool) -> list[str]:
    """One line for ``*``, which times of two launches bear, and ratios of few."""
    has_time = any(row.time and row.time.launches == 2 for row in rows)
    more = f"measure with --launches {_FEW} or more"
    if has_time and has_ratio:
        return [
            f"* fewer than {_FEW} launches, on a side for a speed-up: no interval; "
            "(low–high) are the faster and the slower of two, a ratio stands alone; "
            f"{more}"
        ]
    if has_time:
        return [f"* {OF_TWO}"]
    if has_ratio:
        return [
            f"* fewer than {_FEW} launches on a side: the ratio alone, with no word on "
            f"its error; {more}"
        ]
    return []


def _pooling(rows: Sequence[Compared]) -> list[str]:
    notes = []
    together = {row.case.code for row in rows if row.time and len(row.case.files) > 1}
    if together:
        dirty = any(code.dirty for code in together)
        changes = "; uncommitted changes may differ between them" if dirty else ""
        notes.append(f"launches of one machine and commit are pooled{changes}")
    repeated = sum(row.case.repeats > 0 for row in rows)
    if repeated:
        rows_have = "1 row has" if repeated == 1 else f"{repeated} rows have"
        notes.append(
            f"{rows_have} timings that were saved more than once: each is counted once"
        )
    if len({row.case.machine for row in rows}) > 1:
        notes.append("source: cases are compared only within one machine")
    if any(row.codes_differ for row in rows):
        notes.append(
            "§ row and baseline were measured with different commits of the suite"
        )
    return notes

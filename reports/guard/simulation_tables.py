"""The tables of a simulation: false alarms of whole runs, and power."""

from collections.abc import Iterator, Sequence

from scipy.special import betaincinv

from reports import stats
from reports.guard import simulation
from reports.guard.percent import text
from reports.guard.simulation import Design, Outcome, Truth
from reports.tables import Column, Table

FALSE_ALARMS, POWER = "false-alarms", "power"
#: What cases are slower by, where they are.
SLOWDOWNS = (0.05, 0.1, 0.2)
_THAT_DAY = 0.05

_Noise = tuple[float, str]  # spread, and name of the tails
_Row = tuple[_Noise, str | int]
_Columns = tuple[Column, ...]


def tables(design: Design, spreads: Sequence[float]) -> tuple[Table, Table]:
    """Simulate ``spreads`` with all kinds of tails; say what came of it."""
    noises = [(spread, tails) for spread in spreads for tails in simulation.TAILS]
    harmless = _harmless(design)
    slow = tuple(dict.fromkeys((1, max(1, design.cases // 10), design.cases)))
    harmful = [Truth(count, by) for count in slow for by in SLOWDOWNS]
    truths = (*harmless.values(), *harmful)
    outcomes = [simulation.simulate(design, *noise, truths) for noise in noises]
    cut = len(harmless)
    return (
        _false_alarms(
            design,
            [(noise, name) for noise in noises for name in harmless],
            [each for row in outcomes for each in row[:cut]],
        ),
        _power(
            design,
            [(noise, count) for noise in noises for count in slow],
            [each for row in outcomes for each in row[cut:]],
        ),
    )


def _harmless(design: Design) -> dict[str, Truth]:
    """What must raise no alarm, by what it is called."""
    limit, most = design.limits.slowdown, max(SLOWDOWNS)
    return {
        "no case is slower": Truth(),
        f"all by {text(limit)}": Truth(rest=limit),
        f"half by {text(limit)}, half by {text(most)}": Truth(
            design.cases // 2, most, limit
        ),
        f"all by {text(_THAT_DAY)} that day": Truth(that_day=_THAT_DAY),
    }


def _false_alarms(
    design: Design, rows: Sequence[_Row], outcomes: Sequence[Outcome]
) -> Table:
    rates = [each.false_alarms / each.runs for each in outcomes]
    ranges = [binomial_interval(each.false_alarms, each.runs) for each in outcomes]
    looks = [each.second_looks / each.runs for each in outcomes]
    suspects = [each.suspects / each.runs for each in outcomes]
    noise, noise_data = _noise_columns(rows)
    alarms = [
        f"{100 * rate:.2f} ({100 * low:.2f}–{100 * high:.2f})"
        for rate, (low, high) in zip(rates, ranges, strict=True)
    ]
    truth = tuple([name for _, name in rows])
    return Table(
        name=FALSE_ALARMS,
        shown=(
            *noise,
            Column("slower cases", truth, "left"),
            Column("second looks (%)", tuple([f"{100 * each:.1f}" for each in looks])),
            Column("suspects a run", tuple([f"{each:.2f}" for each in suspects])),
            Column("false alarms (%)", tuple(alarms)),
        ),
        data=(
            *noise_data,
            Column("slower_cases", truth, "left"),
            Column("runs", tuple([each.runs for each in outcomes])),
            Column("second_looks", tuple(looks)),
            Column("suspects_per_run", tuple(suspects)),
            Column("false_alarms", tuple(rates)),
            Column("false_alarms_low", tuple([low for low, _ in ranges])),
            Column("false_alarms_high", tuple([high for _, high in ranges])),
        ),
        above=(f"False alarms: {_setting(design)}",),
        below=(
            "second looks: runs with a suspect in the files",
            "false alarms: runs in which a case is called slower that is slower by no "
            f"more than {text(design.limits.slowdown)} (95 % interval, exact binomial)",
            "that day: in the files only, fresh launches show no difference",
            *_noise_legend(),
        ),
    )


def _power(design: Design, rows: Sequence[_Row], outcomes: Sequence[Outcome]) -> Table:
    noise, noise_data = _noise_columns(rows)
    slow = tuple([count for _, count in rows])
    by_slowdown = [outcomes[place :: len(SLOWDOWNS)] for place in range(len(SLOWDOWNS))]
    shown = [
        Column(f"by {text(by)}", tuple([_found(each) for each in column]))
        for by, column in zip(SLOWDOWNS, by_slowdown, strict=True)
    ]
    data = [
        column
        for by, found in zip(SLOWDOWNS, by_slowdown, strict=True)
        for column in (
            Column(f"found_of_{by:g}", tuple([each.share_found for each in found])),
            Column(f"failed_of_{by:g}", tuple([e.failed / e.runs for e in found])),
        )
    ]
    return Table(
        name=POWER,
        shown=(*noise, Column("slower cases", slow), *shown),
        data=(*noise_data, Column("slower_cases", slow), *data),
        above=(f"Power: {_setting(design)}",),
        below=tuple(_power_legend(design)),
    )


def _power_legend(design: Design) -> Iterator[str]:
    yield "by …: how many of the cases that are so much slower are called slower (%)"
    yield "in brackets: in how many runs any is, where it is another number (%)"
    tolerated = [text(by) for by in SLOWDOWNS if by <= design.limits.slowdown]
    if tolerated:
        yield f"by {' and '.join(tolerated)}: tolerated, so each one found is an alarm"
    yield from _noise_legend()


def _found(outcome: Outcome) -> str:
    found = f"{100 * outcome.share_found:.0f}"
    failed = f"{100 * outcome.failed / outcome.runs:.0f}"
    return found if found == failed else f"{found} ({failed})"


def _noise_columns(rows: Sequence[_Row]) -> tuple[_Columns, _Columns]:
    """For people, for programs."""
    spreads = tuple([spread for (spread, _), _ in rows])
    tails = tuple([tails for (_, tails), _ in rows])
    return (
        (
            Column("launch noise", tuple([text(each) for each in spreads])),
            Column("its tails", tails, "left"),
        ),
        (Column("launch_noise", spreads), Column("tails", tails, "left")),
    )


def _noise_legend() -> Iterator[str]:
    yield "launch noise: standard deviation of log launch medians"
    yield "t3: Student's t with 3 degrees of freedom, scaled to it"
    yield "struck: normal, and besides 5 % of launches take 20 % longer"


def _setting(design: Design) -> str:
    """What holds for all rows of a table."""
    limits = design.limits
    return (
        f"{design.cases} cases, {design.launches} launches a side and {design.fresh} "
        f"afresh, δ {text(limits.slowdown)}, q {text(limits.q)}, "
        f"α {text(limits.alpha)}; {design.runs} runs, seed {design.seed}"
    )


def binomial_interval(count: int, runs: int) -> tuple[float, float]:
    """95 % interval of a rate that was seen ``count`` times.

    Source: Clopper and Pearson 1934.
    """
    tail = (1 - stats.CONFIDENCE) / 2
    low = betaincinv(count, runs - count + 1, tail) if count else 0.0
    high = betaincinv(count + 1, runs - count, 1 - tail) if count < runs else 1.0
    return float(low), float(high)

"""``python -m reports.guard.simulate``: what the guard finds, how often it is wrong.

Cases are made up, so that the truth is known; the same options and seed give the same
tables.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from reports import tables
from reports.errors import InputError
from reports.guard import launches_table, percent, simulation_tables
from reports.guard.simulation import Design
from reports.guard.testing import DEFAULTS, Limits
from reports.stats import LAUNCHES_FOR_INTERVAL

_NAMES = (
    simulation_tables.FALSE_ALARMS,
    simulation_tables.POWER,
    launches_table.NAME,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate and print the tables."""
    asked = _parser().parse_args(argv)
    limits = Limits(slowdown=asked.slowdown, q=asked.q, alpha=asked.alpha)
    shown = [launches_table.table(asked.cases, limits, asked.noise)]
    if asked.table != launches_table.NAME:
        design = Design(
            cases=asked.cases,
            launches=asked.launches,
            fresh=asked.fresh or asked.launches,
            runs=asked.runs,
            seed=asked.seed,
            limits=limits,
        )
        shown = [*simulation_tables.tables(design, asked.noise), *shown]
    sys.stdout.write(tables.render(shown, asked))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports.guard.simulate",
        description="Simulate the guard: its false alarms, its power, and what so many "
        "launches can show.",
        epilog="example:\n  python -m reports.guard.simulate --runs 2000 --seed 1",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    launches = _whole_number(LAUNCHES_FOR_INTERVAL)
    for name, kind, default, meaning in (
        ("--runs", _whole_number(1), 2000, "of each row"),
        ("--seed", _whole_number(0), 1, "of the random numbers"),
        ("--cases", _whole_number(1), 300, "of a run"),
        ("--launches", launches, 10, "a side, in the files"),
        ("--fresh", launches, None, "launches a side in the second look"),
        (
            "--slowdown",
            _share,
            percent.text(DEFAULTS.slowdown),
            "δ: how much is tolerated",
        ),
        ("--q", _part, percent.text(DEFAULTS.q), "share of suspects that may be none"),
        (
            "--alpha",
            _part,
            percent.text(DEFAULTS.alpha),
            "share of runs that may be wrong",
        ),
        ("--noise", _parts, "1%,3%,5%,10%", "how far launches scatter"),
    ):
        shown = str(default or "as many").replace("%", "%%")
        parser.add_argument(
            name,
            type=kind,
            default=default,
            metavar=name[2:].upper(),
            help=f"{meaning} (default: {shown})",
        )
    tables.add_options(parser, *_NAMES)
    return parser


def _whole_number(least: int) -> Callable[[str], int]:
    def read(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(
                f"{word!r} is no whole number from {least} on"
            )
        return int(word)

    return read


def _share(word: str) -> float:
    try:
        return percent.slowdown(word)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _part(word: str) -> float:
    share = _share(word)
    if share >= 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not below 100 %")
    return share


def _parts(words: str) -> list[float]:
    return [_part(word) for word in words.split(",")]


if __name__ == "__main__":
    sys.exit(main())

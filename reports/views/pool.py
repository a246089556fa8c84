"""What a GPU's memory pool buys: each case with one pool beside it with another."""

import argparse
from collections.abc import Sequence

from reports import cases, legend, memory_pools, pool_cases, pool_means, tables, texts
from reports.errors import InputError, printable
from reports.memory_pools import Paired
from reports.pool import Pooled
from reports.saved import Saved
from reports.tables import Table

HELP = "What a GPU's memory pool buys: each case with one and with another."
EXAMPLE = "python -m reports pool --pool 1 --against 0 .benchmarks/"

_POOL, _AGAINST = "1", "0"  # the paper's figure 5
_LISTED = 8
_MEASURE = "`pytest benchmarks --devices cuda --cnmem 0,1 --benchmark-autosave`"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--pool``, ``--against`` and the options of tables."""
    parser.add_argument(
        "--pool",
        default=_POOL,
        metavar="CNMEM",
        help="the memory pool that is asked about (default: %(default)s)",
    )
    parser.add_argument(
        "--against",
        default=_AGAINST,
        metavar="CNMEM",
        help="the one that it is compared with (default: %(default)s)",
    )
    tables.add_options(parser, pool_means.NAME, pool_cases.NAME)


def report(saved: Saved, arguments: argparse.Namespace) -> tuple[Table, ...]:
    """Means over batch sizes, and each case by itself.

    Raises
    ------
    InputError
        if no GPU case has run with one of the pools, or none with both.
    """
    files = cases.training(saved.files)
    pool, against = printable(arguments.pool), printable(arguments.against)
    tried = memory_pools.tried(saved.cases)
    cannot = legend.unsupported(_unsupported(saved.cases, (pool, against)))
    _require(memory_pools.settings(tried), cannot, pool, against)
    paired = memory_pools.paired(tried, pool, against)
    if not paired.pairs:
        raise InputError(
            f"no case has run with both cnmem={pool} and cnmem={against}; with one of "
            f"them: {_named(paired.alone)}"
        )
    pooled = [case for pair in paired.pairs for case in (pair.case, pair.against)]
    above = (cases.what_was_read(files, pooled), _meaning(pool, against))
    below = (*saved.slow_nodes, *_alone(paired), *cannot)
    # columns with one value; of cores a GPU case has, as a rule, all there are
    without: tuple[str, ...] = ("device", "cnmem")
    if len({case.combination.cores for case in pooled}) == 1:
        without = (*without, "cores")
    return (
        pool_means.table(
            memory_pools.groups(paired.pairs), above, saved.slow_nodes, *without
        ),
        pool_cases.table(paired.pairs, above, below, *without),
    )


def _require(
    there: Sequence[str], cannot: Sequence[str], pool: str, against: str
) -> None:
    """`InputError` unless both pools are ``there``, and are two."""
    if not there:
        why = "; ".join(["no GPU case has run", *cannot])
        raise InputError(f"{why}; {_MEASURE} measures some")
    known = texts.few(there, most=_LISTED)
    for option, value in (("--pool", pool), ("--against", against)):
        if value not in there:
            none = f"{option} {value}: no GPU case has run with cnmem={value}"
            why = "; ".join([none, *cannot])
            raise InputError(f"{why}; there are: {known}")
    if pool == against:
        raise InputError(f"--pool and --against are both {pool}; there are: {known}")


def _unsupported(every: Sequence[Pooled], pools: Sequence[str]) -> list[Pooled]:
    """The cases with one of ``pools`` that cannot run where they were to."""
    return [
        case
        for case in every
        if case.combination.cnmem in pools
        and case.outcome is not None
        and not case.outcome.has_run
    ]


def _meaning(pool: str, against: str) -> str:
    return (
        f"speed-up of cnmem={pool} over cnmem={against} = seconds at {against} / "
        f"seconds at {pool}: above 1 is faster"
    )


def _alone(paired: Paired) -> list[str]:
    count = len(paired.alone)
    if not count:
        return []
    have = "1 case has" if count == 1 else f"{count} cases have"
    return [f"— {have} run with one of the two only: {_named(paired.alone)}"]


def _named(found: Sequence[Pooled]) -> str:
    return texts.few([case.combination.describe() for case in found], "; ")

"""Whether training got slower, between two sets of files: a verdict for each case."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from reports import tables
from reports.errors import InputError, printable, tell
from reports.guard import (
    allowing,
    annotations,
    findings,
    judging,
    junit,
    names,
    nearest,
    pairing,
    percent,
    sides,
    table,
    thresholds_file,
    words,
)
from reports.guard.findings import Findings
from reports.guard.pairing import Pairing
from reports.guard.sides import Sides
from reports.guard.testing import Limits
from reports.guard.thresholds import Thresholds
from reports.saved import Saved
from reports.views import Judged

HELP = (
    "Which cases got slower between two sets of files, and how small a slow-down would "
    "have shown."
)
EXAMPLE = "python -m reports guard base/ --against head/ --junit build/guard.xml"
_MORE = """\
exit code:
  0 no regression; 1 a case got slower (confirmed by fresh launches) or does not train
  any more; 2 bad input, whatever came of the rest; 3 not comparable: machines or
  engines differ; 4, with --strict: something is undecided

a file for --thresholds holds entries such as
  [[case]]
  match = "theano-cpu-*"    # an id, or axes: "*device=cpu*size=200*"
  slowdown = "10%"
  reason = "shares its cores with the runner's agent"
  expires = 2027-01-31      # the last day; after it the guard fails

  [[expected]]
  match = "*loop=fused*"
  change = "+8%"            # what is beyond it is tested
  commit = "9ebeca7"        # may be left out: no change is expected of this base
  reason = "sums in float32, for accuracy"
  expires = 2026-12-31
where several match a case, the last one counts"""

#: Options that hold further files.
SIDES = (sides.HEAD, sides.FRESH_BASE, sides.FRESH_HEAD)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sides, what is allowed, and what to write besides the table."""
    for option, told in (
        ("--against", "files and folders of head"),
        ("--confirm-base", "fresh launches of the suspects, of base"),
        ("--confirm-head", "the same of head: they alone make a suspect slower"),
    ):
        parser.add_argument(
            option,
            nargs="+",
            metavar="FILE",
            required=option == "--against",
            help=told,
        )
    parser.add_argument(
        "--split-base",
        action="store_true",
        help="base cannot be measured again: take its launches of odd number first, "
        "those of even number to confirm (with --confirm-head alone)",
    )
    parser.add_argument(
        "--slowdown",
        default=percent.text(Limits().slowdown),
        metavar="SHARE",
        help="how much slower a case may be (default: %(default)s)",
    )
    parser.add_argument(
        "--thresholds",
        type=Path,
        metavar="FILE",
        help="TOML of single cases, see below",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="FACT",
        help="compare though this fact differs; may be repeated",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 4 if anything is undecided"
    )
    parser.add_argument(
        "--all", action="store_true", help="a row for every case, the same ones too"
    )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="write JUnit's XML there, too"
    )
    parser.add_argument(
        "--annotations",
        action="store_true",
        help="say regressions to GitHub (::error), on standard error",
    )
    parser.add_argument(
        "--today",
        metavar="DATE",
        help="the day by which thresholds expire (default: today, in UTC)",
    )
    tables.add_options(parser)
    parser.epilog = "\n\n".join(filter(None, (parser.epilog, _MORE)))


def report(saved: Saved, arguments: argparse.Namespace) -> Judged:
    """The table with its verdict, and JUnit's file where one is asked for.

    Raises
    ------
    InputError
        if options contradict each other, a side has no case, none is in both, or what
        was allowed is no fact of theirs.
    """
    limits = Limits(slowdown=_slowdown(arguments.slowdown))
    known, faults = _thresholds(arguments)
    for line in faults:
        tell(line)
    if faults:
        return Judged("", 2)
    compared = sides.of(saved, arguments)
    pairs = pairing.pair(compared.base, compared.head, arguments.allow)
    fresh = _fresh(compared, arguments.allow)
    refused = tuple(dict.fromkeys([*pairs.refused, *fresh.refused]))
    for line in (*compared.problems, *words.refusals(refused)):
        tell(line)
    allowing.check(arguments.allow, compared, (pairs, fresh))
    if not pairs.couples and not refused:
        raise InputError(nearest.nothing(compared, pairs))
    node_ids = names.node_ids(compared.head.files)
    cases = judging.known(pairs.couples, node_ids, known)
    rows = table.ordered(judging.judge(cases, limits, fresh.couples))
    found = Findings(
        rows,
        compared,
        pairs,
        limits,
        arguments.split_base,
        refused,
        _unused(known, cases),
    )
    code = judging.exit_code(rows, comparable=not refused, strict=arguments.strict)
    return Judged(
        findings.text(found, arguments) if rows or refused else "",
        2 if compared.problems else code,
        {arguments.junit: junit.document(rows, refused)} if arguments.junit else {},
        annotations.lines(rows, refused) if arguments.annotations else (),
    )


def _slowdown(text: str) -> float:
    try:
        return percent.slowdown(text)
    except InputError as error:
        raise InputError(f"--slowdown {error}") from None


def _thresholds(arguments: argparse.Namespace) -> tuple[Thresholds, tuple[str, ...]]:
    """What the team's file says, and what is wrong in it."""
    try:
        today = datetime.now(UTC).date()
        if arguments.today is not None:
            today = date.fromisoformat(arguments.today)
    except ValueError:
        asked = printable(arguments.today)
        raise InputError(f"--today '{asked}' is no date; write 2027-01-31") from None
    if arguments.thresholds is None:
        return Thresholds(), ()
    return thresholds_file.read(arguments.thresholds, today)


def _unused(known: Thresholds, cases: Sequence[judging.Known]) -> tuple[str, ...]:
    """A line for each entry that fits no case: a name may have changed."""
    return known.unused([(each.id, each.couple.combination) for each in cases])


def _fresh(compared: Sides, allow: Sequence[str]) -> Pairing:
    if compared.fresh_base is None or compared.fresh_head is None:
        return Pairing(())
    return pairing.pair(compared.fresh_base, compared.fresh_head, allow)

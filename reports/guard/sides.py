"""Base and head, and the fresh launches of both, each from its own files."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from reports.errors import InputError, printable
from reports.load import SavedFile
from reports.saved import Saved

#: Options of a side's files, as argparse names them.
HEAD, FRESH_BASE, FRESH_HEAD = "against", "confirm_base", "confirm_head"


@dataclass(frozen=True)
class Sides:
    """What stage one compares, and stage two: fresh launches, None without any.

    ``problems`` are of files that say nothing, such as those of base and head alike.
    """

    base: Saved
    head: Saved
    fresh_base: Saved | None = None
    fresh_head: Saved | None = None
    problems: tuple[str, ...] = ()


def of(saved: Saved, arguments: argparse.Namespace) -> Sides:
    """The sides that were asked for; no launch is in both stages.

    Raises
    ------
    InputError
        if options contradict each other, a side holds no case, fresh launches are of
        other code, or their files are those of stage one.
    """
    _options(arguments)
    every = {"the base": saved, **{_flag(name): s for name, s in saved.sides.items()}}
    for name, side in every.items():
        if not side.cases:
            raise InputError(f"no training case to compare in the files of {name}")
    problems = _shared({"the base": saved, _flag(HEAD): saved.sides[HEAD]})
    again = _shared(every)
    if len(again) > len(problems):
        raise InputError(again[-1])
    head = saved.sides[HEAD]
    fresh_base, fresh_head = (
        saved.sides.get(each) for each in (FRESH_BASE, FRESH_HEAD)
    )
    for name, side, fresh in (
        (FRESH_BASE, saved, fresh_base),
        (FRESH_HEAD, head, fresh_head),
    ):
        if fresh is not None:
            _same_code(_flag(name), side, fresh)
    base = saved
    if arguments.split_base:
        base = half(saved, first=True)
        fresh_base = half(saved, first=False) if fresh_head else None
    return Sides(base, head, fresh_base, fresh_head, problems)


def half(side: Saved, *, first: bool) -> Saved:
    """``side`` with every other launch of a case: those of odd number, or the rest.

    What failed beside them is the first half's alone, so that it is told once.
    """
    cases = [
        replace(
            case,
            launches=case.launches[0 if first else 1 :: 2],
            failed=case.failed if first else (),
        )
        for case in side.cases
    ]
    kept = tuple([case for case in cases if case.launches or case.outcome])
    return Saved(side.files, kept, side.problems)


def _options(arguments: argparse.Namespace) -> None:
    base, head = getattr(arguments, FRESH_BASE), getattr(arguments, FRESH_HEAD)
    if arguments.split_base and base:
        raise InputError(
            f"{_flag(FRESH_BASE)} and --split-base: either base was measured again, or "
            "half of its launches stand in for that"
        )
    if base and not head:
        raise InputError(f"{_flag(FRESH_BASE)} needs {_flag(FRESH_HEAD)} beside it")
    if head and not base and not arguments.split_base:
        raise InputError(
            f"{_flag(FRESH_HEAD)} needs {_flag(FRESH_BASE)} beside it, or --split-base "
            "where base cannot be measured again"
        )


def _shared(every: dict[str, Saved]) -> tuple[str, ...]:
    """A line for each file that is on two sides: it is compared with itself."""
    seen: dict[object, str] = {}
    lines: dict[str, None] = {}
    for name, side in every.items():
        for file in side.files:
            for identity in _identities(file):
                other = seen.setdefault(identity, name)
                if other != name:
                    where = printable(str(file.path))
                    both = f"is among the files of {other} and of {name}"
                    lines[f"{where} {both}; its launches can be on one side only"] = (
                        None
                    )
    return tuple(lines)


def _identities(file: SavedFile) -> Sequence[object]:
    """Its place, and what a copy of it has, too."""
    place = file.path.resolve()
    if not file.when or not file.cases:
        return (place,)
    return (place, (file.when, len(file.cases), file.cases[0], file.cases[-1]))


def _same_code(name: str, side: Saved, fresh: Saved) -> None:
    """Raise if ``fresh`` was measured with another commit than ``side``."""
    commits = {case.code.commit for case in side.cases} - {""}
    others = {case.code.commit for case in fresh.cases} - {""}
    if commits and others - commits:
        raise InputError(
            f"{name} was measured with commit {min(others - commits)[:12]}, what it is "
            f"to confirm with {min(commits)[:12]}"
        )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"

"""What `reports guard` advises, as it can be followed from pytest's command line.

It knows files alone, and options of its own.
"""

import re
import shlex
from collections.abc import Sequence

from tools.guard.judge import Shown

_ALLOW = re.compile(r"; --allow (.+) compares all the same$")
_DECIDE = "to decide about the suspects:"
_FOR_FILES = (_DECIDE, "--allow FACT,")


def lines(said: Sequence[str], options: Sequence[str]) -> list[str]:
    """What was ``said`` beside a table; ``options`` it has been given already."""
    told = [line.removeprefix("reports: ") for line in said]
    facts = [fact for line in told for fact in _ALLOW.findall(line)]
    told = [_ALLOW.sub("", line) for line in told]
    if facts:
        allowed = [word for fact in facts for word in ("--allow", *shlex.split(fact))]
        whole = shlex.quote(shlex.join([*options, *allowed]))
        told.append(f"--guard-options {whole} compares all the same")
    return told


def after_both_looks(shown: Shown, options: Sequence[str]) -> tuple[str, list[str]]:
    """The table less what is for files alone, and lines to be printed above it."""
    above = lines(shown.said, options)
    if _DECIDE in shown.table:
        above.append(
            "suspects are left, of which the second look has no time; the same command "
            "again, with more launches by --guard-launches, may have one"
        )
    kept = [
        line
        for line in shown.table.splitlines(keepends=True)
        if not any(each in line for each in _FOR_FILES)
    ]
    return "".join(kept), above

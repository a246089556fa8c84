"""A slow-down on purpose: what the regression guard is tried with.

``HISTOCNN_SLOWED=10%`` makes each round of every case take that much longer, and
``HISTOCNN_SLOWED='theano-cpu-32px-*=10%'`` those of the jobs whose id fits. Launches
say so in a note, so that no such figure passes for a real one.
"""

import os
import re
import time
from fnmatch import fnmatchcase

from histocnn.errors import InputError

VARIABLE = "HISTOCNN_SLOWED"
_MOST_PERCENT = 1000.0


def share_of(job_id: str) -> float:
    """By what share of their time epochs of ``job_id`` take longer; 0 for not at all.

    Entries of the variable are parted by commas, and the first that fits counts.

    Raises
    ------
    InputError
        if the variable has another form, whichever job it would be for.
    """
    found = [
        share
        for pattern, share in _entries(os.environ.get(VARIABLE, ""))
        if fnmatchcase(job_id, pattern)
    ]
    return found[0] if found else 0.0


def spin(seconds: float) -> None:
    """Compute for ``seconds``, as slower code would; sleeping leaves the CPU to others.

    On one core, whatever the job has.
    """
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def notes(share: float) -> tuple[str, ...]:
    """What a launch says of itself whose epochs took ``share`` longer."""
    return (f"slowed by {100 * share:g} % on purpose",) if share else ()


def _entries(text: str) -> list[tuple[str, float]]:
    """Pairs of a pattern of job ids and a share of the time."""
    entries = [entry.strip() for entry in text.split(",")] if text.strip() else []
    return [_entry(entry) for entry in entries]


def _entry(text: str) -> tuple[str, float]:
    pattern, _, number = text.rpartition("=")
    form = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", number.strip())
    percent = float(form[1]) if form else 0.0
    if not 0 < percent <= _MOST_PERCENT:
        raise InputError(
            f"{VARIABLE}: {text!r} is no slow-down; write 10%, or for some jobs "
            f"theano-cpu-32px-*=10%, with at most {_MOST_PERCENT:g}%"
        )
    return pattern.strip() or "*", percent / 100

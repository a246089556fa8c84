"""Per cent as people write them: how much slower, and how a time is to change."""

import math
import re

from reports.errors import InputError, printable

_PERCENT = re.compile(r"\s*([+-]?)(\d{1,4}(?:\.\d{1,6})?|\.\d{1,6})\s*%\s*", re.ASCII)
_MOST = 10.0  # beyond ten times as long nobody means a slow-down


def slowdown(text: str) -> float:
    """The share that ``5%`` is, 0.05: above 0, up to 1000 %.

    Raises
    ------
    InputError
        if it is no such thing.
    """
    found = _PERCENT.fullmatch(text)
    share = float(found[2]) / 100 if found else math.nan
    if not found or found[1] == "-" or not 0 < share <= _MOST:
        shown = printable(text)
        raise InputError(f"'{shown}' is no slow-down above 0 % up to 1000 %; write 5%")
    return share


def change(text: str) -> float:
    """The factor that ``+8%`` or ``-5%`` is of a time, 1.08 or 0.95.

    Raises
    ------
    InputError
        if it is no such thing, has no sign, or leaves nothing of the time.
    """
    found = _PERCENT.fullmatch(text)
    share = float(f"{found[1]}{found[2]}") / 100 if found and found[1] else math.nan
    if not -1 < share <= _MOST or share == 0:
        shown = printable(text)
        raise InputError(
            f"'{shown}' is no change of a time; write +8% for slower, -5% for faster"
        )
    return 1 + share


def text(share: float) -> str:
    """``5 %``: a share as it was asked for."""
    return f"{share * 100:.6g} %"

"""Note: which nodes are surely slower than their like, in a line for any table."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reports import digits, texts
from reports.load import SavedFile
from reports.pool import Pooled

if TYPE_CHECKING:
    from reports.nodes.differences import Node


def lines(files: Iterable[SavedFile], cases: Iterable[Pooled]) -> tuple[str, ...]:
    """One line if launches of ``cases`` are of such nodes, the slowest first.

    The cases are those of ``files``; where none is of a cluster, nothing is looked at.
    """
    if not any(file.label for file in files):
        return ()
    # a third of a second's imports, which files of one machine do without
    from reports.nodes.differences import Verdict, differences

    slow = [node for node in differences(cases) if node.verdict == Verdict.SLOWER]
    if not slow:
        return ()
    slow.sort(key=lambda node: -(node.factor or 0.0))
    told = [f"{node.name} ({node.type}) by {_percent(node)}" for node in slow]
    return (
        f"slower than their like: {texts.few(told)}; launches on them are among "
        "these, and `python -m reports nodes` tells more",
    )


def _percent(node: "Node") -> str:
    """``8.2 % (6.1–10.4)``: how much longer launches take, with its interval."""
    factors = [each or 1.0 for each in (node.factor, node.low, node.high)]
    value, low, high = [(each - 1) * 100 for each in factors]
    text, _, ends = digits.with_interval(value, low, high).partition(" ")
    return f"{text} % {ends}"

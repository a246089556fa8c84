"""The table of nodes: how each compares with the others of its type."""

from collections.abc import Iterator, Mapping, Sequence

from reports import digits, marks
from reports.facts_table import letters
from reports.nodes.differences import ALPHA, Node, Verdict
from reports.nodes.facts import Place
from reports.tables import Column, Table

NAME = "nodes"

_MEANING = (
    "factor = seconds of a launch on the node / geometric mean over the nodes of its "
    "type, for the same cases: above 1 is slower"
)
_ALIKE = "soft facts (kernel, driver, packages, …) do not differ within a type"
_LEAST = 1e-5  # of a scatter that is shown


def table(nodes: Sequence[Node], apart: Mapping[Place, str], read: str) -> Table:
    """A row for each of ``nodes``.

    ``apart`` says in what soft facts some are not as most of their type, ``read`` what
    was read.
    """
    notes = [apart.get((node.machine, node.name), "") for node in nodes]
    marked = marks.of([[f"soft facts: {note}"] if note else [] for note in notes])
    return Table(
        name=NAME,
        shown=tuple(_shown(nodes, marked)),
        data=tuple(_data(nodes, notes)),
        above=(read, _MEANING),
        below=(*_legend(nodes), *([] if any(notes) else [_ALIKE]), *marked.lines),
    )


def _shown(nodes: Sequence[Node], marked: marks.Marked) -> Iterator[Column]:
    """The type and the group are columns where there are several."""
    if len({node.type for node in nodes}) > 1:
        yield Column("machine", tuple([node.type for node in nodes]), "left")
    names = [
        f"{node.name} {mark}".rstrip()
        for node, mark in zip(nodes, marked.rows, strict=True)
    ]
    yield Column("node", tuple(names), "left")
    yield Column("launches", tuple([node.launches for node in nodes]))
    yield Column("cases", tuple([node.cases for node in nodes]))
    yield Column("shared (cases)", tuple([node.shared for node in nodes]))
    if _are_grouped(nodes):
        yield Column("group", tuple([_group(node) for node in nodes]), "left")
    yield Column("factor", tuple([_factor(node) for node in nodes]))
    yield Column("verdict", tuple([node.verdict.value for node in nodes]), "left")


def _data(nodes: Sequence[Node], notes: Sequence[str]) -> Iterator[Column]:
    yield Column("machine", tuple([node.type for node in nodes]), "left")
    yield Column("node", tuple([node.name for node in nodes]), "left")
    yield Column("launches", tuple([node.launches for node in nodes]))
    yield Column("cases", tuple([node.cases for node in nodes]))
    yield Column("shared_cases", tuple([node.shared for node in nodes]))
    yield Column("group", tuple([_group(node) for node in nodes]), "left")
    yield Column("factor", tuple([node.factor for node in nodes]))
    yield Column("factor_low", tuple([node.low for node in nodes]))
    yield Column("factor_high", tuple([node.high for node in nodes]))
    yield Column("p", tuple([node.p for node in nodes]))
    yield Column("verdict", tuple([node.verdict.value for node in nodes]), "left")
    yield Column("launch_scatter", tuple([node.scatter for node in nodes]))
    yield Column("soft_facts_apart", tuple(notes), "left")


def _are_grouped(nodes: Sequence[Node]) -> bool:
    """Whether nodes of a type that can be compared are in several groups."""
    groups = {(node.type, node.group) for node in nodes if node.factor}
    return len(groups) > len({of_type for of_type, _ in groups})


def _group(node: Node) -> str:
    return letters(node.group)


def _factor(node: Node) -> str:
    if node.factor is None:
        return "—"
    if node.low is None or node.high is None:
        return f"{digits.number(node.factor)}*"
    return digits.with_interval(node.factor, node.low, node.high)


def _legend(nodes: Sequence[Node]) -> Iterator[str]:
    """A line for each cell and verdict that the table shows."""
    there = {node.verdict for node in nodes}
    yield "shared: cases measured on other nodes of the type, too"
    if any(node.factor for node in nodes):
        yield (
            "factor: least squares on logarithms, with a term for each case and for "
            "each node"
        )
    if any(node.low for node in nodes):
        yield (
            "(low–high): 95 % interval by Student's t, from how launches scatter "
            f"around case and node: {_scatter(nodes)}"
        )
    tested = sum(node.p is not None for node in nodes)
    if tested:
        yield (
            f"verdict: Holm's correction over {tested} nodes; by chance, up to "
            f"{ALPHA * 100:g} in 100 tables call some node slower or faster"
        )
    if Verdict.AS_MOST in there:
        yield (
            f"{Verdict.AS_MOST}: off the mean, which odd nodes pull, and not off the "
            "median of those that it is compared with"
        )
    if Verdict.UNSURE in there:
        yield "* too few launches beside one for each case and node: no interval"
    if Verdict.ALONE in there:
        yield (
            f"{Verdict.ALONE}: shares no case with another node of its type; let some "
            "cases be measured on both"
        )
    if _are_grouped(nodes):
        yield (
            "group: nodes that share cases, directly or through others; factors are "
            "within the group, and say nothing of other groups"
        )


def _scatter(nodes: Sequence[Node]) -> str:
    """``1.2 %`` of each type, with its name where there are several."""
    told = {node.type: node.scatter for node in nodes if node.low}
    texts = [
        f"{digits.number(max(scatter or 0, _LEAST) * 100, 2)} %"
        for scatter in told.values()
    ]
    if len(told) == 1:
        return texts[0]
    return ", ".join(f"{text} ({name})" for text, name in zip(texts, told, strict=True))

"""Which machine each case of a file belongs to: its own, or one of a cluster's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from reports import cluster, origins, texts
from reports.cluster import Cluster, Node
from reports.errors import InputError
from reports.origins import Machine
from reports.records import Case

#: The axis that tells machines of one run apart where there are several.
AXIS = "machine"

_OWN = "the machine that saved the file"

# The digest of a machine's hard facts or, where nobody tells it, "" and a name.
_Where = tuple[str, str]


@dataclass(frozen=True)
class Site:
    """A machine type of a cluster, what it is called, and its nodes that are known."""

    machine: Machine
    label: str
    nodes: tuple[Node, ...] = ()

    @property
    def info(self) -> dict[str, Any]:
        """Its hard facts, in the form of a file's ``machine_info``."""
        return {"fingerprint": {"hard": self.nodes[0].hard}} if self.nodes else {}


@dataclass(frozen=True)
class Placed:
    """Cases by the machine they are of; ``own`` are of the one that saved the file.

    ``left_out`` and ``damage`` have a line for each case that is of none, and for each
    fault in what the file tells of nodes.
    """

    own: tuple[Case, ...]
    sites: tuple[tuple[Site, tuple[Case, ...]], ...] = ()
    left_out: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()


def place(cases: Sequence[Case], told: object, own: Machine, file: str) -> Placed:
    """Place the ``cases`` of ``file``, whose ``cluster`` is ``told``.

    A case is of ``own``, the machine of the file, where no launch names a node; but one
    without a time is of the cluster if there is one.
    """
    if told is None and not any(case.places for case in cases):
        return Placed(tuple(cases))
    nodes = cluster.of(told)
    kept: list[Case] = []
    nowhere: list[Case] = []
    found: dict[_Where, list[Case]] = {}
    left_out = []
    for case in cases:
        try:
            where = _where(case, nodes, own)
        except InputError as error:
            left_out.append(f"{case.name}: {error}")
            continue
        if where is not None:
            found.setdefault(where, []).append(case)
        else:
            (nowhere if case.outcome else kept).append(case)
    sites = [
        (site, [_without_axis(case) for case in found[where]])
        for where, site in _sites(found, nodes, file).items()
    ]
    # of no machine's times; the one that saved the file, though, measured nothing
    (sites[0][1] if sites else kept).extend(nowhere)
    return Placed(
        tuple(kept),
        tuple([(site, tuple(placed)) for site, placed in sites]),
        tuple(left_out),
        tuple(_damage([case for each in found.values() for case in each], nodes)),
    )


def _where(case: Case, nodes: Cluster, own: Machine) -> _Where | None:
    """Where ``case`` was measured; None where no launch names a node.

    Raises
    ------
    InputError
        if its launches are of several machines, or may be.
    """
    if not case.places:
        return _untold(case, nodes) if case.outcome else None
    told = {_digest(node, machine, nodes, own) for node, machine in case.places}
    if len(told) == 1 and "" not in told:
        return (told.pop(), "")
    if len(case.places) == 1:
        return ("", case.places[0][0])
    listed = texts.few([_called(*each, nodes) for each in case.places])
    if "" in told:
        raise InputError(
            f"the file does not tell whether its launches are of one machine: {listed}"
        )
    raise InputError(
        f"its launches are of machines whose hard facts differ: {listed}; measure it "
        "on one type of them"
    )


def _untold(case: Case, nodes: Cluster) -> _Where | None:
    """Of which machine a case without a time is, in the file of a cluster, by its axis.

    None where it cannot run, on a machine that measured nothing.
    """
    label = case.combination.value(AXIS)
    found = [each for each in nodes.labels if label in (None, nodes.labels[each])]
    if len(found) == 1:
        return (found[0], "")
    tried = case.outcome is not None and case.outcome.has_run
    return ("", str(label or "")) if tried else None


def _digest(node: str, machine: str, nodes: Cluster, own: Machine) -> str:
    """That of the machine of a launch; "" where nobody tells it."""
    if machine:
        return machine
    if not node:
        return own.hard
    return nodes.nodes[node].digest if node in nodes.nodes else ""


def _sites(
    found: Mapping[_Where, Sequence[Case]], nodes: Cluster, file: str
) -> dict[_Where, Site]:
    """A site for each place that was ``found``, by label, no two called alike."""
    sites: dict[_Where, Site] = {}
    called: set[str] = set()
    for where in sorted(found, key=lambda each: (not each[0], each)):
        digest, name = where
        label = nodes.labels.get(digest) or name or _axis(found[where])
        label = label or (f"machine {digest}" if digest else "unknown machine")
        if label in called:
            label = f"{label} ({digest or 'unknown'})"
        called.add(label)
        alike = nodes.of_type(digest) if digest else ()
        machine = Machine(name, "", "", "", digest, "" if digest else file)
        if alike:
            machine = origins.machine_by(alike[0].hard)
        sites[where] = Site(machine, label, alike)
    return dict(sorted(sites.items(), key=lambda each: each[1].label))


def _axis(cases: Iterable[Case]) -> str:
    """What the cases themselves say that their machine is called; "" for nothing."""
    labels = {case.combination.value(AXIS) for case in cases}
    return str(labels.pop() or "") if len(labels) == 1 else ""


def _without_axis(case: Case) -> Case:
    """With what tells it from the same case on other machines left to its site."""
    others = case.combination.others
    fewer = tuple([each for each in others if each[0] != AXIS])
    if len(fewer) == len(others):
        return case
    return replace(case, combination=replace(case.combination, others=fewer))


def _damage(cases: Iterable[Case], nodes: Cluster) -> list[str]:
    """What is wrong with what the file tells of the nodes that measured ``cases``."""
    places = dict.fromkeys(place for case in cases for place in case.places)
    if nodes.fault:
        return [nodes.fault] if places else []
    lines: dict[str, str] = {}
    for node, machine in places:
        known = nodes.nodes.get(node)
        if node in nodes.faults:
            lines[node] = f"{node} {nodes.faults[node]}"
        elif node and known is None:
            lines[node] = f"{node} is not in cluster.nodes"
        elif known and machine not in ("", known.digest):
            lines[node] = f"{node} is of another machine in its launches"
    return list(lines.values())


def _called(node: str, machine: str, nodes: Cluster) -> str:
    known = nodes.nodes.get(node)
    label = machine
    if known and machine in ("", known.digest):
        label = known.label
    label = nodes.labels.get(machine) or label
    name = node or _OWN
    return f"{name} ({label})" if label else name

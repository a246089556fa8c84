"""Clusters: what a file tells of the nodes that its launches were measured on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reports import origins
from reports.texts import word


@dataclass(frozen=True)
class Node:
    """A node: ``digest`` is that of its ``hard`` facts, ``label`` its type's name."""

    name: str
    label: str
    digest: str
    hard: dict[str, Any] = field(compare=False)
    soft: Any = field(compare=False)


@dataclass(frozen=True)
class Cluster:
    """The nodes by name whose hard facts are told.

    ``faults`` say what is wrong with entries, by name, and ``fault`` with all of it; ""
    for nothing.
    """

    nodes: Mapping[str, Node]
    faults: Mapping[str, str]
    fault: str = ""

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What each type is called, by digest; "" where none of its nodes tells."""
        found: dict[str, str] = {}
        for node in self.nodes.values():
            found[node.digest] = found.get(node.digest) or node.label
        return found

    def of_type(self, digest: str) -> tuple[Node, ...]:
        """The nodes whose hard facts have this ``digest``, by name."""
        found = [node for node in self.nodes.values() if node.digest == digest]
        return tuple(sorted(found, key=lambda node: node.name))


def of(value: object) -> Cluster:
    """What a file's ``cluster``, JSON of any shape, tells."""
    if value is None:
        return Cluster({}, {}, "cluster is missing")
    entries = value.get("nodes") if isinstance(value, dict) else None
    if not isinstance(entries, dict):
        return Cluster({}, {}, "cluster.nodes is no object")
    nodes: dict[str, Node] = {}
    faults: dict[str, str] = {}
    for name, entry in entries.items():
        told = entry if isinstance(entry, dict) else {}
        node = _node(word(name), told)
        if node is None:
            faults[word(name)] = "tells no hard facts"
            continue
        nodes[node.name] = node
        if told.get("machine") != node.digest:
            faults[node.name] = "tells hard facts that are not its machine's"
    return Cluster(nodes, faults)


def _node(name: str, entry: dict[str, Any]) -> Node | None:
    """The node of ``entry``; None where that has no hard facts."""
    fingerprint = entry.get("fingerprint")
    hard = fingerprint.get("hard") if isinstance(fingerprint, dict) else None
    if not isinstance(fingerprint, dict) or not isinstance(hard, dict) or not hard:
        return None
    label = entry.get("label")
    return Node(
        name,
        word(label) if isinstance(label, str) else "",
        origins.digest(hard),
        hard,
        fingerprint.get("soft"),
    )

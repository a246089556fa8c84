"""Types of machines in a cluster: nodes whose hard facts are the same."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.cluster import Node
from benchmarks.fingerprint import Hard
from histocnn.errors import InputError
from histocnn.job import Job

#: Words of CPUs' and GPUs' names that do not tell one from another.
_COMMON = {"amd", "core", "cpu", "geforce", "intel", "nvidia", "processor", "tesla"}
_DIGITS = 4  # of the digest, in a label


@dataclass(frozen=True)
class Machine:
    """A type of machine.

    ``digest`` is that of its hard facts, ``label`` what results and people call it,
    ``cores`` what a worker can have on each of ``nodes`` at most.
    """

    digest: str
    label: str
    cores: int
    nodes: tuple[Node, ...]

    def refusal(self, job: Job) -> str | None:
        """Why none of its nodes can run ``job``; None where one can."""
        reason = None
        for node in self.nodes:
            reason = node.refusal(job)
            if reason is None:
                return None
        return reason


def machines(nodes: Iterable[Node]) -> tuple[Machine, ...]:
    """The types of ``nodes``, by label."""
    by_type: dict[str, list[Node]] = {}
    for node in nodes:
        by_type.setdefault(node.machine, []).append(node)
    found = [
        Machine(
            digest,
            label(alike[0].fingerprint.hard, digest),
            min(node.cores for node in alike),
            tuple(sorted(alike, key=lambda node: (node.name, node.id))),
        )
        for digest, alike in by_type.items()
    ]
    return tuple(sorted(found, key=lambda machine: machine.label))


def choose(found: Sequence[Machine], names: str) -> tuple[Machine, ...]:
    """Those that a comma list of labels, or ``all``, asks for.

    Raises
    ------
    InputError
        for a label that is none of theirs, or comes twice.
    """
    if names.strip().lower() == "all":
        return tuple(found)
    labels = {machine.label: machine for machine in found}
    chosen: dict[str, Machine] = {}
    for name in (each.strip() for each in names.split(",")):
        if name not in labels:
            raise InputError(
                f"--machines: the cluster has no machine {name!r}; there are: "
                f"{', '.join(labels)}, or all"
            )
        if name in chosen:
            raise InputError(f"--machines names {name} twice; leave one out")
        chosen[name] = labels[name]
    return tuple(chosen.values())


def label(hard: Hard, digest: str) -> str:
    """A short name: ``xeon-16c-h100-3f2a`` is of CPU, cores, GPU and ``digest``."""
    cpu = _telling(hard.cpu_model or "") or hard.architecture
    parts = [cpu, f"{hard.usable_cpus}c"]
    if hard.gpus:
        many = f"{len(hard.gpus)}x" if len(hard.gpus) > 1 else ""
        parts.append(f"{many}{_telling(hard.gpus[0].model or '') or 'gpu'}")
    return "-".join([*parts, digest[:_DIGITS]])


def _telling(model: str) -> str:
    """The word of a model's name that tells most; "" for none."""
    # "Xeon(R)", "Core(TM)", "@ 2.30GHz"
    plain = re.sub(r"\([^)]*\)|@.*", " ", model.lower())
    words = re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", plain)
    words = [word for word in words if word not in _COMMON]
    if words and words[0] in ("rtx", "gtx", "quadro", "titan"):
        return "".join(words[:2])
    return words[0] if words else ""

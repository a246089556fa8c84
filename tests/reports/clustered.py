"""Files to order of what a cluster measured: nodes of several types, reproducible."""

import hashlib
import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = dict[str, Any]
Make = Callable[..., Record]
Save = Callable[..., str]

GIB = 2**30
XEON: Record = {
    "architecture": "x86_64",
    "cpu_model": "Xeon",
    "usable_cpus": 16,
    "smt": False,
    "memory_bytes": 128 * GIB,
    "gpus": [{"model": "NVIDIA H100", "memory_bytes": 80 * GIB}],
    "container": None,
}
EPYC: Record = {**XEON, "cpu_model": "EPYC", "usable_cpus": 32, "gpus": []}
#: Hard facts by what a cluster calls them.
TYPES: dict[str, Record] = {"xeon-16c-h100-3f2a": XEON, "epyc-32c-9b1c": EPYC}
LABELS = tuple(TYPES)
SOFT: Record = {
    "kernel": "6.1.0-18-amd64",
    "gpu_driver": "580.159.04",
    "packages": {"python": "3.11.7", "numpy": "2.4.6"},
    "host": None,
}
#: Names of the nodes that `cluster` makes, by their label.
NODES = {
    LABELS[0]: ("node-0a", "node-0b", "node-0c", "node-0d"),
    LABELS[1]: ("node-1a", "node-1b", "node-1c"),
}


def digest(hard: Record) -> str:
    """That of hard facts, as a cluster writes it."""
    text = json.dumps(hard, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entry(label: str, soft: Record | None = None) -> Record:
    """What a file tells of a node of the type called ``label``."""
    hard = TYPES[label]
    return {
        "machine": digest(hard),
        "label": label,
        "fingerprint": {"hard": hard, "soft": SOFT | (soft or {})},
    }


def cluster(soft: Mapping[str, Record] | None = None) -> Record:
    """All of `NODES`; those in ``soft`` with other soft facts."""
    return {
        "nodes": {
            name: entry(label, (soft or {}).get(name))
            for label, names in NODES.items()
            for name in names
        }
    }


def on(case: Record, nodes: Sequence[str], label: str | None = None) -> Record:
    """``case`` as measured on ``nodes``, a launch each, which are repeated in turn.

    With a ``label`` it is one of a run on several types, and its id ends in that.
    """
    types = {name: label for label, names in NODES.items() for name in names}
    for place, launch in enumerate(case["extra_info"]["launches"]):
        node = nodes[place % len(nodes)]
        machine = digest(TYPES[types[node]])
        launch["launched"] = {"launcher": "local", "node": node, "machine": machine}
    if label is not None:
        axis = {"machine": label}
        case["params"] |= axis
        case["extra_info"]["job"] |= axis
        for name in ("name", "fullname"):
            case[name] = f"{case[name][:-1]}-{label}]"
    return case


def launches(
    chance: random.Random,
    seconds: float,
    nodes: Sequence[str],
    effects: Mapping[str, float],
    *,
    count: int = 4,
    scatter: float = 0.01,
) -> list[tuple[float]]:
    """``count`` launches of one round on ``nodes`` in turn, with their effects."""
    return [
        (
            seconds
            * math.exp(
                effects.get(nodes[place % len(nodes)], 0.0) + chance.gauss(0, scatter)
            ),
        )
        for place in range(count)
    ]


def grid(
    case: Make,
    label: str,
    *,
    seed: int = 3,
    effects: Mapping[str, float] | None = None,
    labelled: bool = True,
    **job: Any,
) -> list[Record]:
    """Both pools and three numbers of cores at two sizes, each on two nodes."""
    chance = random.Random(f"{seed} {label}")
    found = []
    for size in (64, 200):
        axes: list[Record] = [{"cores": cores} for cores in (1, 2, 4)]
        axes += [
            {"device": "cuda", "cores": 16, "cnmem": cnmem} for cnmem in ("0", "1")
        ]
        for each in axes:
            nodes = chance.sample(NODES[label], 2)
            seconds = size / 64 / each["cores"]
            times = launches(chance, seconds, nodes, effects or {})
            record = case(*times, size=size, **each, **job)
            found.append(on(record, nodes, label if labelled else None))
    return found


def run(
    save: Save,
    case: Make,
    name: str = "run.json",
    *,
    seed: int = 3,
    effects: Mapping[str, float] | None = None,
    soft: Mapping[str, Record] | None = None,
    **more: Any,
) -> str:
    """A file of both types, each with the same grid."""
    cases = [
        each
        for label in LABELS
        for each in grid(case, label, seed=seed, effects=effects)
    ]
    info = {"node": "", "cpu": {"brand_raw": "Laptop", "count": 4}}
    return save(name, *cases, **{"cluster": cluster(soft), "info": info, **more})


def apart(
    save: Save, case: Make, prefix: str = "", *, seed: int = 3, **more: Any
) -> list[str]:
    """The same as `run`, as if each type had measured a file by itself."""
    names = []
    for label, hard in TYPES.items():
        cases = grid(case, label, seed=seed, labelled=False)
        for each in cases:
            for launch in each["extra_info"]["launches"]:
                launch["launched"] = {"launcher": "local"}
        info = {
            "node": None,
            "cpu": {"brand_raw": hard["cpu_model"]},
            "usable_cpus": hard["usable_cpus"],
        }
        name = f"{prefix}{label}.json"
        names.append(save(name, *cases, **{"hard": hard, "info": info, **more}))
    return names

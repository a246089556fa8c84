"""A plan: what a run measures, told apart from one that would measure other things."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from benchmarks.environments import ROOT
from benchmarks.launchers import Settings
from histocnn.job import Job
from tools import image_labels

_SHORT = 12  # digits of a digest that a message shows


@dataclass(frozen=True)
class Plan:
    """Facts in words, by name: where any of them differs, so do the plans.

    How long a run goes on (launches, precision, caps) is not in it: launches that are
    finished serve a run that wants more of them, or fewer.
    """

    facts: dict[str, str]

    @property
    def id(self) -> str:
        """SHA-256 of the facts, hexadecimal."""
        return _digest(self.facts)


def plan(
    jobs: Sequence[Job],
    *,
    rounds: str,
    dataset: str,
    launcher: str,
    settings: Settings,
    order_seed: int,
    machines: Sequence[str],
) -> Plan:
    """The plan to measure ``jobs``, with the code and pins as they are here.

    ``machines`` are digests of the hard facts of what measures.
    """
    stacks = sorted({(job.engine, job.device) for job in jobs})
    labels = [image_labels.labels(ROOT, *stack) for stack in stacks]
    return Plan(
        {
            "cases": f"{len(jobs)} ({_digest([asdict(job) for job in jobs])[:_SHORT]})",
            "rounds": rounds,
            "dataset": dataset,
            "launcher": launcher,
            "settings": _digest(msgspec.to_builtins(settings))[:_SHORT],
            "order seed": str(order_seed),
            "code": _digest(
                [each["histocnn.source"] for each in labels]
                + [image_labels.source_fingerprint(ROOT / "benchmarks")]
            )[:_SHORT],
            "pins": _digest([each["histocnn.lock"] for each in labels])[:_SHORT],
            "machine": ", ".join(each[:_SHORT] for each in machines),
        }
    )


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

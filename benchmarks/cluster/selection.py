"""Which cases a cluster measures, and on machines of which type."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from benchmarks import axes
from benchmarks.axes import Grid
from benchmarks.cluster import Cluster, Node, kind
from benchmarks.cluster.machines import Machine, choose, machines
from benchmarks.cluster.planning import Estimates, Plan, plan, tasks
from benchmarks.settling import Effort
from histocnn.errors import InputError
from histocnn.job import Job


@dataclass(frozen=True)
class Placed:
    """A job, the machine that it is for, and why none of its nodes can run it."""

    job: Job
    machine: Machine
    skip: str | None


class Selection:
    """The cases of a grid on the machines of a cluster.

    Attributes
    ----------
    nodes
        of the cluster, whether or not they are chosen.
    machines
        the types that cases are for.
    cases
        in the order of the grid, machine by machine.
    """

    def __init__(
        self,
        cluster: Cluster,
        grid: Grid,
        dataset: str,
        names: str | None,
        gpu_memory: int | None,
    ) -> None:
        """Open the cluster, and ask its nodes what of the grid they can run.

        ``names`` are the machines' labels (`choose`); None where each case can run on
        one type only. Raises `InputError` where that is not so, and where there is no
        node that measures.
        """
        # The cores of a GPU case are all of its machine's, which is known only then.
        any_machine = list(axes.jobs(grid, dataset, 1, gpu_memory))
        self.cluster = cluster
        self.nodes: list[Node] = cluster.open(
            list(dict.fromkeys(map(kind, any_machine)))
        )
        if not self.nodes:
            raise InputError(
                "no node of the cluster measures; start some by: make ray-node"
            )
        found = machines(self.nodes)
        self.machines = found if names is None else choose(found, names)
        placed = self._placed(grid, dataset, gpu_memory, labelled=names is not None)
        self.cases = list(placed) if names is not None else _one_each(list(placed))
        self._machine_of = {each.job.id: each.machine for each in self.cases}

    def machine_of(self, job: Job) -> Machine:
        """The type of machine that ``job`` is for."""
        return self._machine_of[job.id]

    @property
    def most_cores(self) -> int:
        """That a worker can have on any of the machines."""
        return max(machine.cores for machine in self.machines)

    def plan(self, jobs: Sequence[Job], effort: Effort, seed: int) -> Plan:
        """How the cluster should measure ``jobs``, none of which has a launch yet."""
        estimates = Estimates(effort)
        todo = tasks(jobs, lambda job: self.machine_of(job).digest, estimates, effort)
        return plan(todo, self.nodes, seed)

    def facts(self, used: Mapping[str, str], seen: Collection[Node]) -> dict[str, Any]:
        """For the saved file: the facts of the nodes ``used``, types by name.

        Of one that was not ``seen`` (its launches are of an earlier run) the hard facts
        are those of its type, where that was, and the soft ones are unknown.
        """
        labels = {machine.digest: machine.label for machine in machines(self.nodes)}
        known = {node.name: msgspec.to_builtins(node.fingerprint) for node in seen}
        hard = {node.machine: {"hard": known[node.name]["hard"]} for node in seen}
        return {
            "nodes": {
                name: {
                    "machine": digest,
                    "label": labels.get(digest),
                    "fingerprint": known.get(name) or hard.get(digest),
                }
                for name, digest in sorted(used.items())
            }
        }

    def _placed(
        self, grid: Grid, dataset: str, gpu_memory: int | None, *, labelled: bool
    ) -> Iterator[Placed]:
        for machine in self.machines:
            name = machine.label if labelled else None
            for any_job in axes.jobs(grid, dataset, machine.cores, gpu_memory):
                job = replace(any_job, machine=name)
                reason = machine.refusal(job)
                if reason is not None:
                    reason = f"on every node of {machine.label}: {reason}"
                yield Placed(job, machine, reason)


def _one_each(placed: list[Placed]) -> list[Placed]:
    """Of each case the one machine that can run it, or the first with its reason.

    A GPU case that two machines with different numbers of cores can run is one case.
    """
    by_case: dict[Job, list[Placed]] = {}
    for each in placed:
        job = each.job
        same = replace(job, cores=1) if job.device == "cuda" else job
        by_case.setdefault(same, []).append(each)
    chosen = []
    for alike in by_case.values():
        able = [each for each in alike if each.skip is None]
        if len(able) > 1:
            labels = ", ".join(each.machine.label for each in able)
            raise InputError(
                f"{able[0].job.id} can run on machines of several types ({labels}), "
                "whose times are not one case's; choose by --machines LABEL,…, or "
                "--machines all"
            )
        chosen.append((able or alike)[0])
    return chosen

"""What a campaign on a cluster should take: simulated before it begins."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cluster import Node
from benchmarks.cluster.lanes import demands
from benchmarks.cluster.machines import Machine, machines
from benchmarks.cluster.schedule import COUNTS, Task, Use, simulated, wall_times
from benchmarks.costs import Costs
from benchmarks.progress import guess_seconds
from benchmarks.settling import LEAST_LAUNCHES, Effort
from histocnn.job import Job
from histocnn.measurement import Launch

_SHORTEST = 1e-3  # seconds; no launch is as short


class Estimates:
    """What a launch of each case should take: by launches so far, else by a model."""

    def __init__(self, effort: Effort) -> None:
        """Nothing is known; ``effort`` says how many rounds a launch has."""
        self._effort = effort
        self._of_all = Costs()
        self._of_like: dict[tuple[str | None, ...], Costs] = {}
        self._guesses: dict[str, float] = {}
        self._learnt = 0
        self._guessed_at = 0  # launches that were known then

    def learn(self, job: Job, launch: Launch, seconds: float) -> None:
        """A launch of ``job`` took ``seconds`` of its node's time."""
        for costs in (self._of_all, self._of_like.setdefault(_like(job), Costs())):
            costs.learn(job, launch, seconds)
        self._learnt += 1

    def is_known(self, job: Job) -> bool:
        """Whether launches of ``job`` itself tell."""
        return self._of_all.own(job) is not None

    def seconds(self, job: Job) -> float:
        """Expected wall time of a launch of ``job``.

        By the median of its own launches; else as cases took on the same type of
        machine that are like it but for their work, or others where there are none,
        scaled by that (`Costs`); before any is known by a rough model
        (`guess_seconds`). What is no case's own is found anew when twice as many
        launches are known.
        """
        if own := self._of_all.own(job):
            return max(_SHORTEST, own.seconds(self._effort.rounds))
        if self._learnt >= max(1, 2 * self._guessed_at):
            self._guesses.clear()
            self._guessed_at = self._learnt
        if job.id not in self._guesses:
            self._guesses[job.id] = max(_SHORTEST, self._guess(job))
        return self._guesses[job.id]

    def _guess(self, job: Job) -> float:
        cost = self._of_like.get(_like(job), self._of_all).of(job)
        if cost is None:
            return guess_seconds(job, self._effort)
        return cost.seconds(self._effort.rounds)


def _like(job: Job) -> tuple[str | None, ...]:
    return job.machine, job.engine, job.device, job.loop


def tasks(
    jobs: Iterable[Job],
    machine_of: Callable[[Job], str],
    estimates: Estimates,
    effort: Effort,
    made: Mapping[str, int] | None = None,
) -> list[Task]:
    """``jobs`` with the least launches that each lacks; those with enough are left out.

    ``made`` counts the launches that there are already, by the id of the job.
    """
    least = effort.launches or LEAST_LAUNCHES
    lacking = [(job, least - (made or {}).get(job.id, 0)) for job in jobs]
    return [
        Task(
            job,
            machine_of(job),
            estimates.seconds(job),
            launches,
            estimates.is_known(job),
        )
        for job, launches in lacking
        if launches > 0
    ]


@dataclass(frozen=True)
class Part:
    """The part of a plan that the nodes of one type measure.

    ``wall_seconds`` is from its first launch to the end of its last one, ``by_nodes``
    the same for other numbers of nodes.
    """

    machine: Machine
    uses: tuple[Use, ...]
    cases: int
    launches: int
    seconds: float
    wall_seconds: float
    by_nodes: Mapping[int, float]


@dataclass(frozen=True)
class Refused:
    """A case that no node can measure, and why."""

    job: Job
    why: str


@dataclass(frozen=True)
class Plan:
    """A campaign as it should go.

    ``known`` is the number of cases, of all in ``parts``, whose own launches tell what
    they take. The least launches are counted: cases that scatter get more.
    """

    parts: tuple[Part, ...]
    refused: tuple[Refused, ...]
    known: int

    @property
    def wall_seconds(self) -> float:
        """Until the last type of node is done; types do not wait for each other."""
        return max((part.wall_seconds for part in self.parts), default=0.0)


def plan(
    todo: Sequence[Task],
    nodes: Sequence[Node],
    seed: int = 0,
    counts: Collection[int] = COUNTS,
) -> Plan:
    """How ``nodes`` would measure ``todo``, were every launch to take what it should.

    ``seed`` is the campaign's, ``counts`` are other numbers of nodes of each type to
    tell the wall time for.
    """
    by_type: dict[str, list[Task]] = {}
    for task in todo:
        by_type.setdefault(task.machine, []).append(task)
    found = {machine.digest: machine for machine in machines(nodes)}
    parts, refused = [], []
    for digest, its in by_type.items():
        possible, others = _possible(its, found.get(digest))
        refused += others
        if possible:
            parts.append(_part(possible, found[digest], seed, counts))
    parts.sort(key=lambda part: part.machine.label)
    known = sum(task.is_known for task in todo)
    return Plan(tuple(parts), tuple(refused), known)


def _possible(
    todo: Sequence[Task], machine: Machine | None
) -> tuple[list[Task], list[Refused]]:
    """Those that a node of their type can run, and why the others cannot be."""
    if machine is None:
        return [], [Refused(task.job, "no node of its type is there") for task in todo]
    reasons: dict[tuple[object, ...], str | None] = {}
    possible, refused = [], []
    for task in todo:
        demand = demands(task.job)
        if demand not in reasons:
            reasons[demand] = machine.refusal(task.job)
        if (why := reasons[demand]) is None:
            possible.append(task)
        else:
            refused.append(Refused(task.job, why))
    return possible, refused


def _part(
    todo: Sequence[Task], machine: Machine, seed: int, counts: Collection[int]
) -> Part:
    uses, wall_seconds = simulated(todo, machine.nodes, seed)
    here = len(machine.nodes)
    others = wall_times(todo, [count for count in counts if count != here])
    return Part(
        machine,
        uses,
        len(todo),
        sum(task.launches for task in todo),
        sum(task.launches * task.seconds for task in todo),
        wall_seconds,
        {count: others.get(count, wall_seconds) for count in counts},
    )

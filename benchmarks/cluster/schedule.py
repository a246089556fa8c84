"""How launches fall on nodes in virtual time, were each to take what it should."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from benchmarks.cluster import Node
from benchmarks.cluster.dispatch import Dispatcher
from histocnn.job import Job

#: Numbers of nodes that wall times are told for.
COUNTS = (1, 2, 4, 16, 64)


@dataclass(frozen=True)
class Task:
    """A case and the ``launches`` it still needs, of ``seconds`` each.

    ``machine`` is the type of the nodes that may measure it (`Node.machine`).
    ``is_known`` is whether earlier launches of its own tell the seconds.
    """

    job: Job
    machine: str
    seconds: float
    launches: int
    is_known: bool = False


@dataclass(frozen=True)
class Use:
    """What a node does: ``launches`` that take ``seconds`` together."""

    name: str
    launches: int
    seconds: float


def simulated(
    todo: Sequence[Task], nodes: Sequence[Node], seed: int
) -> tuple[tuple[Use, ...], float]:
    """What each of ``nodes`` does, and seconds until the last is done.

    ``nodes`` are of one type, and can run all of ``todo`` between them. ``seed`` is the
    `Dispatcher`'s.
    """
    dispatcher = Dispatcher(seed)
    for node in nodes:
        dispatcher.join(node)
    seconds: dict[str, float] = {}
    for task in todo:
        name = task.job.id
        seconds[name] = task.seconds
        dispatcher.add(name, task.job, task.machine, task.seconds, task.launches)
    launches, busy = [0] * len(nodes), [0.0] * len(nodes)
    last = 0.0
    free = [(0.0, number) for number in range(len(nodes))]
    spare: list[int] = []  # free, while what waits is better left for others
    while free:
        now, freed = heappop(free)
        asking, spare = [freed, *spare], []
        for number in asking:
            case = dispatcher.take(nodes[number])
            if case is not None:
                launches[number] += 1
                busy[number] += seconds[case]
                last = max(last, now + seconds[case])
                heappush(free, (now + seconds[case], number))
            elif dispatcher.waits_for(nodes[number]):
                spare.append(number)
    names = (node.name for node in nodes)
    return tuple(map(Use, names, launches, busy)), last


def wall_times(
    todo: Iterable[Task], counts: Collection[int] = COUNTS
) -> dict[int, float]:
    """Seconds until ``todo`` is done, by each of ``counts`` as the number of nodes.

    Longest first, to whichever node is free: without the `Dispatcher`'s care for where
    the launches of a case go, which takes long to simulate and changes little, and as
    if each node had what any of its type has.
    """
    each = sorted(
        (task.seconds for task in todo for _ in range(task.launches)), reverse=True
    )
    return {count: _makespan(each, count) for count in counts}


def _makespan(each: Sequence[float], nodes: int) -> float:
    """When the last is done, each of ``each`` going to the node that is free first."""
    ends = list(each[:nodes])
    heapify(ends)
    for seconds in each[nodes:]:
        heapreplace(ends, ends[0] + seconds)
    return max(ends, default=0.0)

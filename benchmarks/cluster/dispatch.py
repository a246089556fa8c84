"""Which launch a free node measures next: in the live campaign, and in its plan.

Next is the case whose waiting launches are the most work together. So nothing long is
left for the end (longest first), while the launches of a case come between those of
others as long as it: a drift of the machines hits them all. They go to different nodes,
since of two nodes that look alike one may be slower.

A node begins with the shortest case, as the nodes before and after it do, and whoever
gets the last launch of that goes on with one of the next: so a chain of cases that two
nodes have both measured leads from any node to any other, even where one long launch
then takes all of a node's time.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from benchmarks.cluster import Node
from benchmarks.cluster.lanes import Entry, Lane, Pool, Queued, Seat
from histocnn.job import Job

#: Cases that a node has measured which are passed over before it measures one again.
_LOOK = 16


class Dispatcher:
    """Launches that wait, and which node measures them; one thread uses it.

    The same calls with the same seed give the same answers. A decision takes the
    logarithm of the number of cases. It also looks at the top of each lane of cases
    that the same nodes can run: there is one where no node refuses anything.
    """

    def __init__(self, seed: int = 0) -> None:
        """Nothing waits, nobody is there; ``seed`` is of the order among equals."""
        self._seed = seed
        self._stamps = itertools.count()
        self._pools: dict[str, Pool] = {}
        self._seats: dict[str, Seat] = {}
        self._cases: dict[str, Queued] = {}

    def join(self, node: Node) -> None:
        """Count ``node`` among those that can measure; `take` does so, too."""
        if node.id not in self._seats:
            self._seats[node.id] = self._pool(node.machine).seat(node)

    def leave(self, node_id: str) -> None:
        """Leave nothing for that node any more; what it had is to be put back."""
        if seat := self._seats.pop(node_id, None):
            seat.pool.leave(node_id)

    def add(
        self,
        case_id: str,
        job: Job,
        machine: str,
        seconds: float,
        launches: int,
        measured_on: Sequence[str] = (),
    ) -> None:
        """Queue so many launches of a case, in addition to those that wait already.

        Parameters
        ----------
        machine
            the type of node that measures it (`Node.machine`), at each call the same.
        seconds
            that a launch should take.
        measured_on
            names of the nodes of launches that did not come from here: an earlier
            run's.

        Raises
        ------
        ValueError
            for less than one launch, and seconds that are no finite number above 0.
        """
        if launches < 1:
            raise ValueError(f"{case_id}: {launches} launches; expected one or more")
        case = self._cases.get(case_id)
        if case is None:
            pool = self._pool(machine)
            case = Queued(case_id, pool.demand(job), pool, seconds)
            self._cases[case_id] = case
        case.is_dropped = False
        case.names.extend(measured_on)
        case.pool.links.update(dict.fromkeys(measured_on, 0))
        self._queue(case, case.waiting + launches, seconds)

    def take(self, node: Node) -> str | None:
        """The case of which ``node``, which is free, measures a launch now.

        None where nothing waits that it can run, and where it has measured all that
        does, while there are other nodes enough to take it: then the answer may be
        another one once anything has happened.
        """
        self.join(node)
        seat = self._seats[node.id]
        links = seat.pool.links.get(node.name, seat.pool.most_links())
        case = _link(seat) if links else None
        if case is None:
            case, links = _next(seat), 0
        if case is None:
            return None
        case.names.append(node.name)
        self._queue(case, case.waiting - 1, case.seconds)
        is_last = len(case.names) > 1 and not case.waiting
        seat.pool.links[node.name] = links - 1 if links and is_last else 0
        return case.id

    def put_back(self, case_id: str, node: Node) -> None:
        """The launch of a case that ``node`` took is lost: it waits again.

        One of a case that was dropped does not. Raises `KeyError` for an unknown case,
        `ValueError` where the node has taken none of it.
        """
        case = self._cases[case_id]
        case.names.remove(node.name)
        if not case.is_dropped:
            self._queue(case, case.waiting + 1, case.seconds)

    def drop(self, case_id: str) -> None:
        """No more launches of a case until some are added."""
        case = self._cases[case_id]
        case.is_dropped = True
        self._queue(case, 0, case.seconds)

    def learn(self, case_id: str, seconds: float) -> None:
        """A launch of that case should take so many seconds, it is known now.

        Raises `ValueError` as `add` does.
        """
        case = self._cases[case_id]
        self._queue(case, case.waiting, seconds)

    def waiting(self, case_id: str) -> int:
        """How many launches of a case wait; 0 for one that is unknown."""
        case = self._cases.get(case_id)
        return 0 if case is None else case.waiting

    def launches_waiting(self, machine: str | None = None) -> int:
        """How many launches wait for nodes of that type, or of any."""
        return sum(pool.waiting for pool in self._of(machine))

    def seconds_waiting(self, machine: str | None = None) -> float:
        """What those should take, one after the other."""
        return sum(pool.seconds for pool in self._of(machine))

    def waits_for(self, node: Node) -> bool:
        """Whether a launch waits that ``node`` can run, were it left for others."""
        seat = self._seats.get(node.id)
        return seat is not None and any(lane.waiting for lane in seat.lanes)

    def _pool(self, machine: str) -> Pool:
        if machine not in self._pools:
            self._pools[machine] = Pool(f"{self._seed}/{machine}")
        return self._pools[machine]

    def _of(self, machine: str | None) -> list[Pool]:
        pools = self._pools
        return [pools[each] for each in pools if machine in (None, each)]

    def _queue(self, case: Queued, waiting: int, seconds: float) -> None:
        if not 0 < seconds < math.inf:
            raise ValueError(
                f"{case.id}: {seconds} s a launch; expected a finite time above 0"
            )
        if (waiting, seconds) != (case.waiting, case.seconds):
            case.pool.queue(case, waiting, seconds, next(self._stamps))


def _link(seat: Seat) -> Queued | None:
    """The shortest case, unless it is to be left for other nodes."""
    found = [(case, lane) for lane in seat.lanes if (case := lane.shortest())]
    if not found:
        return None
    case, lane = min(found, key=lambda each: each[0].seconds)
    return case if _is_turn_of(seat.node.name, case, lane) else None


def _next(seat: Seat) -> Queued | None:
    """Of the cases that other nodes have measured as often the one with most work.

    Where none is found, any that is not better left for the others (they could take all
    of its lane with one launch each), rather one that some of them have measured, too.
    """
    passed: list[tuple[Entry, Lane]] = []
    while len(passed) < _LOOK:
        tops = [(top, lane) for lane in seat.lanes if (top := lane.top())]
        if not tops:
            break
        entry, lane = tops[0] if len(tops) == 1 else min(tops, key=_urgency)
        if _is_turn_of(seat.node.name, entry[3], lane):
            _back(passed)
            return entry[3]
        passed.append((entry, lane))
        heappop(lane.most)
    _back(passed)
    too_many = [entry[3] for entry, lane in passed if lane.waiting >= len(lane.able)]
    return max(too_many, key=lambda case: len(set(case.names)), default=None)


def _back(passed: Iterable[tuple[Entry, Lane]]) -> None:
    """Put entries back to where they were taken from."""
    for entry, lane in passed:
        heappush(lane.most, entry)


def _urgency(top: tuple[Entry, Lane]) -> tuple[float, float]:
    return top[0][:2]


def _is_turn_of(name: str, case: Queued, lane: Lane) -> bool:
    """Whether no node that is there has measured ``case`` less often than that one."""
    names = case.names
    if name not in names:
        return True
    own = names.count(name)
    return all(names.count(other) >= own for other in lane.able.values())

"""Waiting cases by the nodes that can run them: what a `Dispatcher` chooses from."""

import heapq
import random
from dataclasses import dataclass, field, fields
from operator import attrgetter

from benchmarks.cluster import Node
from histocnn.job import Job

#: What tells nothing of where a job can run; the rest is its `cluster.kind` and cores.
_ANYWHERE = {"size", "batch", "images", "dataset", "seed", "machine"}
_TELLING = [each.name for each in fields(Job) if each.name not in _ANYWHERE]
_told = attrgetter(*_TELLING)


def demands(job: Job) -> tuple[object, ...]:
    """What a node refuses ``job`` by, at a hundredth of what making a `kind` takes."""
    values: tuple[object, ...] = _told(job)
    return values


@dataclass(slots=True, eq=False)
class Demand:
    """Jobs that a node can run all of or none; ``job`` is one of them."""

    job: Job
    lane: "Lane"


@dataclass(slots=True, eq=False)
class Queued:
    """A case: so many launches of ``seconds`` each are ``waiting``.

    ``names`` are of the nodes that the others ran or run on, one a launch. ``stamp``
    tells the one of its entries in a lane that counts.
    """

    id: str
    demand: Demand
    pool: "Pool"
    seconds: float
    waiting: int = 0
    names: list[str] = field(default_factory=list)
    stamp: int = -1
    is_dropped: bool = False


#: Seconds that wait, their sign changed; a random number for ties; a stamp; whose.
Entry = tuple[float, float, int, Queued]


@dataclass(slots=True, eq=False)
class Lane:
    """Cases that the same nodes can run: those in ``able``, names by id.

    What no longer counts stays in both heaps until it comes to the top.
    """

    able: dict[str, str]
    waiting: int = 0  # launches
    most: list[Entry] = field(default_factory=list)
    least: list[tuple[float, int, Queued]] = field(default_factory=list)

    def queue(self, case: Queued, tie: float, *, is_listed: bool) -> None:
        """Enter ``case`` anew; ``is_listed``: among the shortest it is already."""
        work = case.waiting * case.seconds
        heapq.heappush(self.most, (-work, tie, case.stamp, case))
        if not is_listed:
            heapq.heappush(self.least, (case.seconds, case.stamp, case))

    def top(self) -> Entry | None:
        """The entry of the case with most work waiting; it stays."""
        most = self.most
        while most and most[0][3].stamp != most[0][2]:
            heapq.heappop(most)
        return most[0] if most else None

    def shortest(self) -> Queued | None:
        """The waiting case with the shortest launches; it stays."""
        least = self.least
        while least:
            seconds, _, case = least[0]
            if case.waiting and case.seconds == seconds:
                return case
            heapq.heappop(least)
        return None

    def split(self, off: set[Demand]) -> "Lane":
        """A lane of their own for the cases of the demands ``off``."""
        other = Lane(dict(self.able))
        for demand in off:
            demand.lane = other
        most, self.most = self.most, []
        least, self.least = self.least, []
        for entry in most:
            if entry[3].stamp == entry[2]:
                entry[3].demand.lane.most.append(entry)
        for short in least:
            short[2].demand.lane.least.append(short)
        for lane in (self, other):
            heapq.heapify(lane.most)
            heapq.heapify(lane.least)
            lane.waiting = sum(entry[3].waiting for entry in lane.most)
        return other


#: In what nodes of one type may differ as to what they can run: cores, and refusals.
_Outfit = tuple[int, frozenset[Job]]


@dataclass(slots=True, eq=False)
class Seat:
    """A node that is there, and the lanes whose cases it can run."""

    node: Node
    pool: "Pool"
    outfit: _Outfit
    lanes: list[Lane]


class Pool:
    """The nodes of one machine type and the cases that are for it.

    Attributes
    ----------
    waiting, seconds
        launches, and what they should take one after the other.
    links
        by the names of nodes that have begun: how many more short launches each may
        take that link it with others.
    """

    def __init__(self, seed: str) -> None:
        """Nobody is there, nothing waits; ``seed`` is of the order among equals."""
        self.waiting = 0
        self.seconds = 0.0
        self.links: dict[str, int] = {}
        self._random = random.Random(seed)
        self._seats: dict[str, Seat] = {}
        self._answers: dict[tuple[_Outfit, tuple[object, ...]], bool] = {}
        self._demands: dict[tuple[object, ...], Demand] = {}

    def seat(self, node: Node) -> Seat:
        """A seat for ``node``; a lane that it refuses in part becomes two."""
        outfit = node.cores, frozenset(node.refusals)
        able: dict[Lane, set[Demand]] = {}
        unable: dict[Lane, set[Demand]] = {}
        for key, demand in self._demands.items():
            can_run = self._can_run(node, outfit, key, demand.job)
            where = able if can_run else unable
            where.setdefault(demand.lane, set()).add(demand)
        for lane, refused in unable.items():
            if lane in able:
                other = lane.split(refused)
                for seat in self._seats.values():
                    if lane in seat.lanes:
                        seat.lanes.append(other)
        for lane in able:
            lane.able[node.id] = node.name
        self._seats[node.id] = seat = Seat(node, self, outfit, list(able))
        return seat

    def most_links(self) -> int:
        """Short launches of a node that are enough to link as many as there are."""
        # Each links it with as many others again, or more.
        return len(self._seats).bit_length()

    def leave(self, node_id: str) -> None:
        """Its node is there no more."""
        for lane in self._seats.pop(node_id).lanes:
            del lane.able[node_id]

    def demand(self, job: Job) -> Demand:
        """What ``job`` demands, in the lane of the nodes that can run it."""
        key = demands(job)
        known = self._demands.get(key)
        if known is not None:
            return known
        fit = [
            seat
            for seat in self._seats.values()
            if self._can_run(seat.node, seat.outfit, key, job)
        ]
        able = {seat.node.id: seat.node.name for seat in fit}
        lanes = (demand.lane for demand in self._demands.values())
        lane = next((each for each in lanes if each.able == able), None)
        if lane is None:
            lane = Lane(able)
            for seat in fit:
                seat.lanes.append(lane)
        self._demands[key] = demand = Demand(job, lane)
        return demand

    def _can_run(
        self, node: Node, outfit: _Outfit, demand: tuple[object, ...], job: Job
    ) -> bool:
        """Whether ``node`` can run ``job``: one of each outfit is asked, once."""
        known = self._answers.get((outfit, demand))
        if known is None:
            known = self._answers[outfit, demand] = node.refusal(job) is None
        return known

    def queue(self, case: Queued, waiting: int, seconds: float, stamp: int) -> None:
        """From now on ``waiting`` launches of ``case`` wait, of ``seconds`` each."""
        lane = case.demand.lane
        self.waiting += waiting - case.waiting
        self.seconds += waiting * seconds - case.waiting * case.seconds
        if not self.waiting:
            self.seconds = 0.0  # without what rounding has left
        lane.waiting += waiting - case.waiting
        is_listed = case.waiting > 0 and seconds == case.seconds
        case.waiting, case.seconds, case.stamp = waiting, seconds, stamp
        if waiting:
            lane.queue(case, self._random.random(), is_listed=is_listed)

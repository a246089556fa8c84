"""The nodes of a campaign: which are there, which are free, and for how long."""

from collections.abc import Callable, Collection, Iterable, Iterator

from benchmarks.cluster import Node


class Roster:
    """Nodes that are there, free, set aside or gone; one thread uses it.

    A node is set aside for a case that it could not measure: it may be what is broken.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        machines: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        """For ``nodes``, all free.

        ``machines`` are the types of machine that there are cases for (`Node.machine`):
        time of others is not counted. ``clock`` tells seconds.
        """
        self._machines = machines
        self._clock = clock
        self._there: dict[str, Node] = {}
        self._free: dict[str, Node] = {}
        self._aside: dict[str, tuple[Node, str]] = {}  # with the case
        self._seen: dict[str, Node] = {}  # by name
        self._since: dict[str, float] = {}
        self._past_seconds = 0.0
        for node in nodes:
            self.join(node)

    def __len__(self) -> int:
        return len(self._there)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._there.values())

    @property
    def free(self) -> list[Node]:
        """Those that are there and measure nothing."""
        return list(self._free.values())

    @property
    def seen(self) -> Collection[Node]:
        """All that were there at some time, each as it was when it came last."""
        return self._seen.values()

    @property
    def counted(self) -> int:
        """How many of those are of a type that there are cases for."""
        return sum(node.machine in self._machines for node in self._seen.values())

    def seconds(self) -> float:
        """That those were there, summed."""
        now = self._clock()
        return self._past_seconds + sum(now - since for since in self._since.values())

    def join(self, node: Node) -> None:
        """It is there, and free."""
        self._there[node.id] = self._free[node.id] = self._seen[node.name] = node
        if node.machine in self._machines:
            self._since[node.id] = self._clock()

    def leave(self, node_id: str) -> Node | None:
        """It is gone; None where it was not there, or was set aside."""
        self._aside.pop(node_id, None)
        self._free.pop(node_id, None)
        if node_id in self._since:
            self._past_seconds += self._clock() - self._since.pop(node_id)
        return self._there.pop(node_id, None)

    def take(self, node: Node) -> None:
        """It measures something now."""
        del self._free[node.id]

    def release(self, node: Node) -> None:
        """It measures nothing any more; it may be gone."""
        if (there := self._there.get(node.id)) is not None:
            self._free[node.id] = there

    def set_aside(self, node: Node, case_id: str) -> None:
        """Measure nothing on it any more, because of that case."""
        self.leave(node.id)
        self._aside[node.id] = node, case_id

    def acquit(self, case_id: str) -> list[Node]:
        """The nodes that were set aside for that case and are not gone, set free."""
        found = [node for node, its in self._aside.values() if its == case_id]
        for node in found:
            del self._aside[node.id]
            self.join(node)
        return found

"""Who is there, who is free, and whose time is counted."""

from benchmarks.cluster.roster import Roster
from tests.benchmarks.cluster.a_node import a_node


def test_time_is_that_of_nodes_which_there_are_cases_for() -> None:
    """Until they leave; others are there, but nobody waits for them."""
    now = 0.0
    desk, host = a_node("node-a"), a_node("node-b", cores=64)
    roster = Roster([desk, host], {desk.machine}, lambda: now)
    assert (len(roster), roster.counted) == (2, 1)
    now = 5.0
    assert roster.seconds() == 5.0
    assert roster.leave(desk.id) is desk
    now = 9.0
    assert roster.seconds() == 5.0
    roster.join(desk)
    now = 10.0
    assert roster.seconds() == 6.0
    assert roster.counted == 1


def test_a_node_that_is_set_aside_is_not_there_until_it_is_acquitted() -> None:
    """Its time is counted again from then on; one that has left stays away."""
    now = 0.0
    first, second = a_node("node-a"), a_node("node-b")
    roster = Roster([first, second], {first.machine}, lambda: now)
    roster.take(first)
    roster.take(second)
    for node in (first, second):
        roster.set_aside(node, "case")
        roster.release(node)
    assert not list(roster)
    assert not roster.free
    assert roster.leave(second.id) is None
    now = 4.0
    assert roster.acquit("another") == []
    assert roster.acquit("case") == [first]
    assert roster.acquit("case") == []
    assert roster.free == [first]
    now = 6.0
    assert roster.seconds() == 2.0
    assert {node.name for node in roster.seen} == {"node-a", "node-b"}

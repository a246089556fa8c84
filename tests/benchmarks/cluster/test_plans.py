"""What a campaign on a cluster should take, and how it is told."""

import random
from dataclasses import replace

import pytest

from benchmarks.cluster import Node, kind
from benchmarks.cluster.plan_text import duration, text
from benchmarks.cluster.planning import Estimates, Plan, plan, tasks
from benchmarks.cluster.schedule import Task, simulated, wall_times
from benchmarks.progress import guess_seconds
from benchmarks.settling import Effort
from histocnn.job import Job
from tests.benchmarks.cluster.a_node import H100, a_node
from tests.launches import a_launch

EFFORT = Effort(None, 2)
JOB = Job("theano", "cpu", 64, 10, None, 1)
TORCH = replace(JOB, engine="torch")


def some_nodes(number: int) -> list[Node]:
    """Nodes of one type."""
    return [a_node(f"node-{each:06}") for each in range(number)]


def some_tasks(number: int, seed: int = 0, launches: int = 3) -> list[Task]:
    """Cases whose durations differ by a factor of some hundreds."""
    chance = random.Random(seed)
    machine = a_node().machine
    return [
        Task(
            replace(JOB, size=32 + each),
            machine,
            chance.lognormvariate(4, 1.2),
            launches,
        )
        for each in range(number)
    ]


def test_before_any_launch_a_model_tells() -> None:
    """As the time left of a session is told."""
    assert Estimates(EFFORT).seconds(JOB) == guess_seconds(JOB, EFFORT)


def test_the_launches_of_a_case_tell_best() -> None:
    """Their median, each with as many rounds as another would have."""
    estimates = Estimates(EFFORT)
    for outside in (7.0, 3.0, 4.0):
        launch = a_launch([2.0, 2.0, 2.0], wall_seconds=outside + 6.0)
        estimates.learn(JOB, launch, outside + 6.0)
    assert estimates.seconds(JOB) == pytest.approx(4.0 + 2 * 2.0)
    assert estimates.is_known(JOB)


def test_others_are_scaled_from_those_like_them() -> None:
    """Four times the pixels train four times as long, and start no later."""
    estimates = Estimates(EFFORT)
    launch = a_launch([2.0, 2.0], wall_seconds=10.0)  # 4 s of starting
    estimates.learn(JOB, launch, 10.0)
    larger = replace(JOB, size=128)
    assert estimates.seconds(larger) == pytest.approx(4.0 + 3 * 8.0)
    assert not estimates.is_known(larger)


def test_a_machine_is_its_own_measure() -> None:
    """A case on a slow one is not judged by the same on a quick one, if it need not."""
    estimates = Estimates(EFFORT)
    quick, slow = (replace(JOB, machine=name) for name in ("quick", "slow"))
    estimates.learn(quick, a_launch([1.0, 1.0], wall_seconds=4.0), 4.0)
    assert estimates.seconds(slow) == estimates.seconds(quick) == pytest.approx(4.0)
    other = a_launch([10.0, 10.0], wall_seconds=40.0)
    estimates.learn(replace(slow, batch=20), other, 40.0)
    assert estimates.seconds(slow) == pytest.approx(40.0)
    assert estimates.seconds(replace(quick, batch=20)) == pytest.approx(4.0)


def test_estimates_of_others_are_kept_until_twice_as_many_launches_are_known() -> None:
    """Each is of all that is known: a thousand nodes would ask for nothing else."""
    estimates = Estimates(EFFORT)
    larger = replace(JOB, size=128)
    slow = a_launch([40.0, 40.0], wall_seconds=200.0)
    quick = a_launch([2.0, 2.0], wall_seconds=10.0)
    for size, launch in ((64, quick), (65, quick)):
        estimates.learn(replace(JOB, size=size), launch, launch.wall_seconds)
    first = estimates.seconds(larger)
    estimates.learn(replace(JOB, size=127), slow, 200.0)
    assert estimates.seconds(larger) == first
    estimates.learn(replace(JOB, size=126), slow, 200.0)
    assert estimates.seconds(larger) > first


def test_a_case_needs_what_it_lacks_of_the_least_launches() -> None:
    """Those that it has already are not made again; a number that is given counts."""
    jobs = [replace(JOB, size=size) for size in (32, 64, 128)]
    made = {jobs[0].id: 1, jobs[1].id: 3}
    estimates = Estimates(EFFORT)
    todo = tasks(jobs, lambda job: "type", estimates, EFFORT, made)
    assert [(task.job, task.launches) for task in todo] == [(jobs[0], 2), (jobs[2], 3)]
    assert {task.machine for task in todo} == {"type"}
    todo = tasks(jobs, lambda job: "type", estimates, Effort(5, 2))
    assert [task.launches for task in todo] == [5, 5, 5]


@pytest.mark.parametrize(("cases", "number"), [(200, 8), (3, 8), (1, 2), (50, 1)])
def test_all_launches_are_simulated(cases: int, number: int) -> None:
    """Also where there are fewer than nodes, and where some are left for others."""
    todo = some_tasks(cases)
    uses, wall = simulated(todo, some_nodes(number), seed=0)
    assert sum(use.launches for use in uses) == 3 * cases
    work = sum(3 * task.seconds for task in todo)
    assert sum(use.seconds for use in uses) == pytest.approx(work)
    assert max(use.seconds for use in uses) <= wall * (1 + 1e-9)
    assert wall <= work * (1 + 1e-9)


def test_a_node_for_which_nothing_was_left_gets_what_is_left_for_all() -> None:
    """With others busy, it has the last launch of a case that each has measured."""
    machine = a_node().machine
    todo = [
        Task(replace(JOB, size=size), machine, seconds, launches)
        for size, seconds, launches in ((32, 3.0, 1), (64, 7.0, 4), (128, 23.0, 1))
    ]
    uses, wall = simulated(todo, some_nodes(3), seed=0)
    assert wall == 33.0
    assert sum(use.launches for use in uses) == 6


def test_a_node_that_refuses_some_cases_is_simulated_with_the_others() -> None:
    """It has none of those, and nothing is left over."""
    poor = a_node("node-poor", refusals={kind(TORCH): "none"})
    machine = poor.machine
    todo = [
        Task(replace(TORCH, size=32 + each), machine, 10.0, 3) for each in range(20)
    ]
    todo.append(Task(JOB, machine, 10.0, 3))
    uses, _ = simulated(todo, [poor, *some_nodes(3)], seed=0)
    assert sum(use.launches for use in uses) == 63
    assert uses[0].launches <= 3


def test_wall_times_go_from_all_the_work_to_the_longest_launch() -> None:
    """By hand: 3 × 6, 3 × 5 and 3 × 1 seconds."""
    machine = a_node().machine
    todo = [Task(JOB, machine, seconds, 3) for seconds in (5.0, 1.0, 6.0)]
    found = wall_times(todo, (1, 2, 9, 64))
    assert found == {1: 36.0, 2: 18.0, 9: 6.0, 64: 6.0}
    assert wall_times([], (1, 4)) == {1: 0.0, 4: 0.0}


@pytest.mark.parametrize("seed", range(5))
def test_wall_times_are_those_of_the_dispatcher_but_for_a_hundredth(seed: int) -> None:
    """It links nodes and keeps launches apart, which costs little in 200 cases."""
    todo = some_tasks(200, seed)
    quick = wall_times(todo)
    for number, wall in quick.items():
        exact = simulated(todo, some_nodes(number), seed)[1]
        assert exact == pytest.approx(wall, rel=0.01)


def of_two_types() -> Plan:
    """A plan for three nodes of a type and one of another, with cases for neither."""
    small = some_nodes(3)
    large = a_node("node-large", cores=16, gpus=(H100,))
    bad = [replace(node, refusals={kind(TORCH): "no torch"}) for node in small]
    cuda = Job("jax", "cuda", 200, 50, "0", 16)
    todo = [
        Task(JOB, "0123", 60.0, 3),
        *some_tasks(30),
        Task(TORCH, small[0].machine, 60.0, 3),
        Task(cuda, large.machine, 1800.0, 3, is_known=True),
        Task(replace(TORCH, size=32), small[0].machine, 60.0, 3),
    ]
    return plan(todo, [*bad, large])


def test_a_plan_is_in_parts_a_type_of_machine_each() -> None:
    """Each with its own cases; the wall time is that of the last."""
    found = of_two_types()
    large, few = found.parts
    work = sum(3 * each.seconds for each in some_tasks(30))
    assert (few.cases, few.launches, len(few.uses)) == (30, 90, 3)
    assert (large.cases, large.launches, len(large.uses)) == (1, 3, 1)
    assert large.wall_seconds == large.seconds == found.wall_seconds == 5400.0
    assert few.seconds == pytest.approx(work)
    assert work / 3.01 < few.wall_seconds < work / 2.9
    assert found.known == 1


def test_a_plan_has_one_wall_time_for_the_nodes_that_are_there() -> None:
    """That of the simulation, also among those for other numbers of nodes."""
    todo = some_tasks(9)
    (part,) = plan(todo, some_nodes(4)).parts
    assert part.by_nodes[4] == part.wall_seconds
    assert part.by_nodes[1] == pytest.approx(part.seconds)
    assert list(part.by_nodes) == [1, 2, 4, 16, 64]


def test_what_no_node_can_measure_is_told_with_the_reason() -> None:
    """It is in no part."""
    refused = of_two_types().refused
    assert {(each.job.id, each.why) for each in refused} == {
        (TORCH.id, "no torch"),
        (replace(TORCH, size=32).id, "no torch"),
        (JOB.id, "no node of its type is there"),
    }


def test_the_same_seed_makes_the_same_plan() -> None:
    """To the launch."""
    todo, nodes = some_tasks(50), some_nodes(6)
    assert plan(todo, nodes, 3) == plan(todo, nodes, 3)


def test_a_plan_in_words() -> None:
    """A row a type, the wall time, and a line for each reason."""
    table, said = text(of_two_types()).split("expected")
    one, two, large, few = (" ".join(line.split()) for line in table.splitlines())
    assert one.startswith("machine nodes cases launches work wall busy with with")
    assert two == "time 1 2 4 16 64"
    assert large.startswith("xeon-16c-h100-")
    assert large.endswith(" 1 1 3 1.5 h 1.5 h 100 % 1.5 h 60 min 30 min 30 min 30 min")
    assert few.startswith("xeon-2c-")
    assert " 3 30 90 2.2 h 43 min " in few
    assert said.splitlines() == [
        " wall time: 1.5 h, or longer where cases scatter and get more launches",
        "what launches take is known of 1 of 31 cases; that of the others is estimated",
        f"no node can measure 2 cases ({TORCH.id}, …): no torch",
        f"no node can measure {JOB.id}: no node of its type is there",
    ]
    assert text(plan([], some_nodes(1))) == "nothing is due"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (89.4, "89 s"),
        (90.0, "2 min"),
        (5399.0, "90 min"),
        (5400.0, "1.5 h"),
        (172_799.0, "48.0 h"),
        (172_800.0, "2.0 d"),
    ],
)
def test_durations_have_the_unit_that_is_read_at_a_glance(
    seconds: float, words: str
) -> None:
    """Seconds to days."""
    assert duration(seconds) == words

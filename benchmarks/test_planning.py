"""What planning a campaign on a large cluster costs.

A person who asks for the plan waits for it: 100,000 cases on 1,000 nodes should take
less than 10 s.
"""

import itertools
import random
from typing import Any

import pytest

from benchmarks.cluster import Node, kind, made_up
from benchmarks.cluster.plan_text import text
from benchmarks.cluster.planning import plan
from benchmarks.cluster.schedule import Task
from benchmarks.progress import guess_seconds
from benchmarks.settling import LEAST_LAUNCHES, Effort
from histocnn.job import Job

ENGINES = ("jax", "tensorflow", "theano", "torch")
EFFORT = Effort(None, 3)
MISJUDGED = 0.5  # standard deviation of the log-time by which cases differ from a guess


def _nodes(number: int, *, poor: bool) -> list[Node]:
    """Nodes of a type; ``poor``: in turn they lack each engine, a fifth lack none."""
    job = Job("theano", "cpu", 32, 10, cnmem=None, cores=1)
    return [
        made_up.node(
            f"node-{each}",
            refusals={
                kind(Job(**{**vars(job), "engine": engine, "loop": loop})): "none"
                for number, engine in enumerate(ENGINES)
                for loop in ("fit", "fused")
                if poor and each % (len(ENGINES) + 1) == number
            },
        )
        for each in range(number)
    ]


def _tasks(number: int, machine: str) -> list[Task]:
    """So many cases, all different; what they take is a guess, made less regular."""
    chance = random.Random(number)
    grid = itertools.product(
        range(32, 232), (10, 20, 50, 100, 150), ("fit", "fused"), range(1, 17), ENGINES
    )
    jobs = [
        Job(engine, "cpu", size, batch, cnmem=None, cores=cores, loop=loop)
        for size, batch, loop, cores, engine in itertools.islice(grid, number)
    ]
    return [
        Task(
            job,
            machine,
            guess_seconds(job, EFFORT) * chance.lognormvariate(0, MISJUDGED),
            LEAST_LAUNCHES,
        )
        for job in jobs
    ]


@pytest.mark.parametrize("poor", [False, True], ids=["alike", "lacking-engines"])
@pytest.mark.parametrize(("cases", "nodes"), [(1_000, 8), (100_000, 1_000)])
@pytest.mark.benchmark(group="planning")
def test_plan(benchmark: Any, cases: int, nodes: int, poor: bool) -> None:
    """From cases whose times are known to the text that is printed.

    ``lacking-engines``: four nodes of five have no environment for one of the engines.
    """
    there = _nodes(nodes, poor=poor)
    todo = _tasks(cases, there[0].machine)
    told = benchmark.pedantic(lambda: text(plan(todo, there)), rounds=5)
    benchmark.extra_info["plan"] = told.splitlines()
    assert f"known of 0 of {cases} cases" in told

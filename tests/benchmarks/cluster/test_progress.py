"""What is printed while a cluster measures."""

import io
from dataclasses import replace

from rich.console import Console

from benchmarks.cases import Case
from benchmarks.cluster.progress import ClusterReporter
from benchmarks.journal import Record
from benchmarks.settling import Effort, settle
from histocnn.job import Job
from histocnn.measurement import Launch, Stopped
from tests.benchmarks.cluster.a_node import a_node
from tests.launches import a_launch

JOBS = [Job("theano", "cpu", size, 10, None, 1) for size in (32, 64)]
NODES = a_node("node-a"), a_node("node-b")


def on(name: str) -> Launch:
    """A launch that ran on the node ``name``."""
    return replace(a_launch([0.5]), launched={"launcher": "local", "node": name})


def run(console: Console) -> None:
    """One launch from the journal, two at the same time; one of them is lost."""
    reporter = ClusterReporter(console, JOBS, Effort(2, 1))
    reporter.expect(lambda: 61.0)
    reporter.nodes(2)
    case, other = map(Case, JOBS)
    reporter.launched(case, Record(case.job.id, 0, on("node-old"), None, 3.0))
    reporter.placed(case, 1, NODES[0])
    reporter.placed(other, 0, NODES[1])
    reporter.stepped(case, NODES[0], "compiling and warming up")
    reporter.ended(NODES[1])
    reporter.lost(other, 0, "its worker is gone")
    reporter.ended(NODES[0])
    reporter.launched(case, Record(case.job.id, 1, on("node-a"), None, 3.0))
    reporter.finished(case, settle(case.job, [on("node-a")] * 2, Stopped("fixed")))
    reporter.wipe()


def test_without_a_terminal_each_launch_has_a_line_with_its_node() -> None:
    """That of the journal has been told before."""
    stream = io.StringIO()
    run(Console(file=stream, soft_wrap=True))
    assert stream.getvalue().splitlines() == [
        "theano-cpu-64px-b10-cores1, launch 1 was lost and is made again: its worker "
        "is gone",
        "theano-cpu-32px-b10-cores1, launch 2 on node-a: 0.5 s/epoch, 0:01:01 left",
        "[1/2] theano-cpu-32px-b10-cores1: 0.5 s/epoch (2 launches), 600 images/s, "
        "0:01:01 left",
    ]


def test_on_a_terminal_a_bar_tells_of_all_nodes() -> None:
    """How many measure, what they measure, and how long still."""
    stream = io.StringIO()
    run(Console(file=stream, force_terminal=True, width=200, color_system=None))
    shown = stream.getvalue()
    assert (
        "[0/2] 0:01:01 left, 2 of 2 nodes: node-a: theano-cpu-32px-b10-cores1" in shown
    )
    assert "launch 2 on node-a: 0.5 s/epoch" in shown

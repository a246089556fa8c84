"""What is sent arrives as it was, between session, bridge and node."""

import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from benchmarks.cluster import (
    Event,
    Faulted,
    Joined,
    Left,
    Lost,
    Measured,
    Order,
    Stepped,
    kind,
    wire,
)
from benchmarks.launchers import Settings
from benchmarks.measure import Step
from benchmarks.outcomes import MemoryShort, Outcome
from benchmarks.pace import Pace
from benchmarks.settling import Effort
from histocnn.job import Job
from tests.benchmarks.cluster.a_node import a_node
from tests.launches import a_launch

JOB = Job("jax", "cuda", 64, 20, "0.5", 4, gpu_memory=4096)
ORDER = Order(7, JOB, 2, Effort(None, 3), Path("/data/tissue-64px-abc"))
SETTINGS = Settings(image="mine:1", interpreters=(("jax", "/opt/py"),))


@pytest.mark.parametrize(
    "event",
    [
        Stepped(1, Step(2, 3, "0.5 s/epoch")),
        Measured(1, a_launch([0.5, 0.6]), None, 12.5, 1e9),
        Measured(1, None, Outcome("out-of-memory", "x", short=MemoryShort(2, 1)), 1.0),
        Lost(3, "its node is gone"),
        Faulted(4, Outcome("failed", "no space", words="one\ntwo")),
        Joined(
            a_node(gpus=("H100",), refusals={kind(JOB): "no GPU", JOB: "two\nlines"})
        ),
        Left("abc", "it does not answer"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_is_one_line_and_the_same_behind_it(event: Event) -> None:
    line = wire.encode_reply(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert wire.decode_reply(line) == event


@pytest.mark.parametrize(
    "reply",
    [
        wire.Opened(),
        wire.Said("…"),
        wire.Refused("it has other pins"),
        wire.Failed("no head", final=True),
    ],
)
def test_so_is_what_the_bridge_says_of_itself(reply: wire.Reply) -> None:
    assert wire.decode_reply(wire.encode_reply(reply)) == reply


@pytest.mark.parametrize(
    "command",
    [wire.Open((JOB,), SETTINGS), wire.submit(ORDER, "abc"), wire.Cancel(7)],
    ids=lambda command: type(command).__name__,
)
def test_so_is_a_command(command: wire.Command) -> None:
    line = wire.encode_command(command)
    assert line.count(b"\n") == 1
    assert wire.decode_command(line) == command


@pytest.mark.parametrize(
    "effort",
    [
        Effort(None, 3),
        Effort(5, 3, cap_seconds=math.inf),
        Effort(None, 3, cap_seconds=math.inf, pace=Pace(3)),
        Effort(None, 3, pace=Pace(3, limit_seconds=10.0)),
    ],
)
def test_a_node_gets_the_order_and_its_limits_also_endless_ones(effort: Effort) -> None:
    """JSON has no infinity, and a limit that arrived as another would count."""
    order = replace(ORDER, effort=effort)
    command = wire.decode_command(wire.encode_command(wire.submit(order, "abc")))
    assert isinstance(command, wire.Submit)
    task = wire.encode_task(command.order, SETTINGS)
    assert wire.decode_task(task) == (order, SETTINGS)


@pytest.mark.parametrize("line", [b"", b"{}\n", b'{"type":"Opened"', b'{"type":"X"}\n'])
def test_a_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        wire.decode_reply(line)
    with pytest.raises(msgspec.MsgspecError):
        wire.decode_command(line)

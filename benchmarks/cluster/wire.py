"""What passes between a session, its bridge and the nodes: one JSON object a line.

A session sends `Open` once, then `Submit` and `Cancel`, and ends the line to be rid of
the bridge. The bridge answers with a cluster's events, with `Opened` behind the nodes
that were there, and with `Failed`, after which it is gone.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.cluster import (
    Event,
    Faulted,
    Joined,
    Left,
    Lost,
    Measured,
    Node,
    Order,
    Stepped,
)
from benchmarks.fingerprint import Fingerprint
from benchmarks.launchers import Settings
from benchmarks.settling import Effort
from histocnn.job import Job

#: JSON has no infinity; what is limited by this is limited by nothing.
_ENDLESS = sys.float_info.max


class Open(msgspec.Struct, frozen=True, tag=True):
    """Ask each node which ``kinds`` it can run, and which settings forbid."""

    kinds: tuple[Job, ...]
    settings: Settings


class Submit(msgspec.Struct, frozen=True, tag=True):
    """Have the order measured on the node of that id."""

    order: "_Order"
    node: str


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """End the launch of that ticket."""

    ticket: int


class Opened(msgspec.Struct, frozen=True, tag=True):
    """All nodes that were there have been asked."""


class Said(msgspec.Struct, frozen=True, tag=True):
    """Something that the user should know meanwhile, in a line."""

    text: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """A node that is there cannot measure: why, in a line with the remedy."""

    why: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The bridge leaves: why, in a line with the remedy.

    ``final`` says that another try would end alike.
    """

    message: str
    final: bool


class _Order(msgspec.Struct, frozen=True):
    ticket: int
    job: Job
    number: int
    effort: Effort
    arrays: str


class _Task(msgspec.Struct, frozen=True):
    """An order as a node gets it."""

    order: _Order
    settings: Settings


class _Node(msgspec.Struct, frozen=True):
    id: str
    name: str
    fingerprint: Fingerprint
    cores: int
    refusals: tuple[tuple[Job, str], ...]  # a JSON object's keys are text


class _Stepped(msgspec.Struct, frozen=True, tag="Stepped"):
    event: Stepped


class _Measured(msgspec.Struct, frozen=True, tag="Measured"):
    event: Measured


class _Lost(msgspec.Struct, frozen=True, tag="Lost"):
    event: Lost


class _Faulted(msgspec.Struct, frozen=True, tag="Faulted"):
    event: Faulted


class _Joined(msgspec.Struct, frozen=True, tag="Joined"):
    node: _Node


class _Left(msgspec.Struct, frozen=True, tag="Left"):
    event: Left


Command = Open | Submit | Cancel
Reply = Event | Opened | Said | Refused | Failed
_WRAPPERS: dict[type, Callable[[Any], Any]] = {
    Stepped: _Stepped,
    Measured: _Measured,
    Lost: _Lost,
    Faulted: _Faulted,
    Left: _Left,
}
_WireEvent = _Stepped | _Measured | _Lost | _Faulted | _Joined | _Left
_WireReply = _WireEvent | Opened | Said | Refused | Failed

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_replies: msgspec.json.Decoder[_WireReply] = msgspec.json.Decoder(_WireReply)
_tasks = msgspec.json.Decoder(_Task)


def encode_command(command: Command) -> bytes:
    """One line, newline included."""
    return _encoder.encode(command) + b"\n"


def decode_command(line: bytes) -> Command:
    """Read a command; `msgspec.MsgspecError` for a line that is none."""
    return _commands.decode(line)


def submit(order: Order, node: str) -> Submit:
    """The command that has ``order`` measured on the node of that id."""
    return Submit(_packed(order), node)


def encode_task(order: "_Order", settings: Settings) -> bytes:
    """``Submit.order`` and the session's settings, for `decode_task` on the node."""
    return _encoder.encode(_Task(order, settings))


def decode_task(text: bytes) -> tuple[Order, Settings]:
    """What a node is to measure; the arrays' folder is still the driver's."""
    task = _tasks.decode(text)
    packed = task.order
    order = Order(
        *(packed.ticket, packed.job, packed.number),
        _limits(packed.effort, _ENDLESS, math.inf),
        Path(packed.arrays),
    )
    return order, task.settings


def encode_reply(reply: Reply) -> bytes:
    """One line, newline included."""
    return _encoder.encode(_wrapped(reply)) + b"\n"


def decode_reply(line: bytes) -> Reply:
    """Read a reply; `msgspec.MsgspecError` for a line that is none."""
    match _replies.decode(line):
        case _Joined(node):
            return Joined(
                Node(
                    *(node.id, node.name, node.fingerprint, node.cores),
                    dict(node.refusals),
                )
            )
        case _Stepped(event) | _Measured(event) | _Lost(event):
            return event
        case _Faulted(event) | _Left(event):
            return event
        case reply:
            return reply


def _wrapped(reply: Reply) -> Any:
    if isinstance(reply, Joined):
        node = reply.node
        packed = _Node(
            *(node.id, node.name, node.fingerprint, node.cores),
            tuple(node.refusals.items()),
        )
        return _Joined(packed)
    wrapper = _WRAPPERS.get(type(reply))
    return reply if wrapper is None else wrapper(reply)


def _packed(order: Order) -> _Order:
    return _Order(
        *(order.ticket, order.job, order.number),
        _limits(order.effort, math.inf, _ENDLESS),
        str(order.arrays),
    )


def _limits(effort: Effort, old: float, new: float) -> Effort:
    """``effort`` with ``new`` for limits that are ``old``."""
    if effort.cap_seconds == old:
        effort = replace(effort, cap_seconds=new)
    if effort.pace is not None and effort.pace.limit_seconds == old:
        effort = replace(effort, pace=replace(effort.pace, limit_seconds=new))
    return effort

"""The lines between the measuring side and a worker."""

import io
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from histocnn import protocol
from histocnn.job import Job
from histocnn.measurement import CoresSeen, Epoch, ThreadPool
from histocnn.worker import serve

JOB = Job("jax", "cuda", 64, 20, "0.5", 2, loop="fused", precision="tf32")
EPOCH = Epoch(0.1 + 0.2, 100.0, 0.5, None, 0.25, compilations=3)
CORES = CoresSeen((0, 1), 9, 2, (ThreadPool("openblas", "0.3", 1),))


@pytest.mark.parametrize(
    "command",
    [
        protocol.Ping(),
        protocol.Open(JOB, "/data/entry"),
        protocol.Train(4),
        protocol.Copy(20),
        protocol.Close(),
    ],
)
def test_commands_survive_the_line(command: protocol.Command) -> None:
    """One line each, read back as the same value."""
    line = protocol.encode(command)
    assert line.count(b"\n") == 1
    assert protocol.decode_command(line) == command


@pytest.mark.parametrize(
    "reply",
    [
        protocol.Ready(1, 42),
        protocol.Opened(1.0, 0.5, 0.25, "cpu", {"keras": "2.3.1"}),
        protocol.EpochDone(EPOCH),
        protocol.Trained(3.0, 9.0, None, 2**30, CORES, ("streamed: 2 of 30 steps",)),
        protocol.Copied((0.1 + 0.2, 0.25), 2**27),
        protocol.Failed("ValueError", "two\nlines", "Traceback …"),
    ],
)
def test_replies_survive_the_line(reply: protocol.Reply) -> None:
    """Times to the last bit; a message of two lines is still one line of JSON."""
    line = protocol.encode(reply)
    assert line.count(b"\n") == 1
    assert protocol.decode_reply(line) == reply


def test_a_job_is_checked_when_it_arrives() -> None:
    """A line that asks for what cannot be is refused where it is read."""
    sent = protocol.encode(protocol.Open(JOB, "/x"))
    for was, arrives, message in (
        (b'"size":64', b'"size":9', "size=9 px is too small"),
        (b'"loop":"fused"', b'"loop":"scan"', "unknown loop 'scan'"),
        (b'"precision":"tf32"', b'"precision":"fp8"', "unknown precision 'fp8'"),
    ):
        line = sent.replace(was, arrives)
        assert line != sent
        with pytest.raises(msgspec.ValidationError, match=message):
            protocol.decode_command(line)


def test_a_worker_answers_every_line_until_it_is_told_to_leave() -> None:
    """A command that fails is answered too, and the next one is still heard."""
    commands = io.BytesIO(
        b"no command\n"
        + b"".join(
            protocol.encode(command)
            for command in (
                protocol.Ping(),
                protocol.Train(1),
                protocol.Copy(1),
                protocol.Close(),
                protocol.Ping(),
            )
        )
    )
    replies = io.BytesIO()
    serve(commands, replies)
    refused, ready, *early, bye = map(
        protocol.decode_reply, replies.getvalue().splitlines()
    )
    assert isinstance(refused, protocol.Failed)
    assert isinstance(ready, protocol.Ready)
    assert len(early) == 2
    for failed in early:
        assert isinstance(failed, protocol.Failed)
        assert failed.message == "nothing is open: Open comes before"
    assert isinstance(bye, protocol.Ready)


def test_whatever_prints_to_stdout_ends_up_on_stderr(tmp_path: Path) -> None:
    """A framework that prints while it is imported cannot corrupt a reply."""
    noisy = tmp_path / "scipy_openblas32.py"  # what the engine imports first
    noisy.write_text(
        "import os\nprint('Using some backend.')\nos.write(1, b'from C\\n')\n"
        "raise ImportError('no backend')\n"
    )
    job = Job("theano", "cpu", 32, 10, None, 1)
    done = subprocess.run(
        [sys.executable, "-m", "histocnn.worker"],
        input=protocol.encode(protocol.Open(job, "/none")),
        env={"PYTHONPATH": f"{tmp_path}:.", "THEANO_FLAGS": "device=cpu"},
        capture_output=True,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    failed = protocol.decode_reply(line)
    assert isinstance(failed, protocol.Failed)
    assert (failed.kind, failed.message) == ("ImportError", "no backend")
    assert b"Using some backend." in done.stderr
    assert b"from C" in done.stderr

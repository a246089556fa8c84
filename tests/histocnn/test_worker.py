"""What the worker says of an engine's error."""

import io

import pytest

from histocnn import protocol
from histocnn.worker import Session, serve

SAID = """GpuMaxPoolGrad: failed to allocate memory
Apply node that caused the error: GpuMaxPoolGrad(GpuContiguous.0, …)
Inputs shapes: [(2, 32, 10, 10), (2, 32, 5, 5)]
HINT: Use the Theano flag 'exception_verbosity=high'"""


def failure(monkeypatch: pytest.MonkeyPatch, said: str) -> protocol.Failed:
    """The worker's reply where an engine raises with that message."""

    def fail(session: Session, command: protocol.Command) -> protocol.Reply:
        raise RuntimeError(said)

    monkeypatch.setattr(Session, "answer", fail)
    replies = io.BytesIO()
    serve(io.BytesIO(protocol.encode(protocol.Ping())), replies)
    failed = protocol.decode_reply(replies.getvalue())
    assert isinstance(failed, protocol.Failed)
    return failed


def test_a_message_ends_where_theano_begins_to_show_its_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which no line has room for; how much was asked for still comes from there."""
    failed = failure(monkeypatch, SAID)
    assert failed.message == "GpuMaxPoolGrad: failed to allocate memory"
    assert failed.out_of_memory
    assert failed.asked_bytes == 2 * 32 * 10 * 10 * 4
    assert "HINT" in failed.details


def test_a_message_of_what_is_no_character_is_a_reply(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a file name that is not UTF-8 puts into one."""
    failed = failure(monkeypatch, "no file \udcff")
    assert failed.message == "no file \\udcff"
    assert "no file" in failed.details

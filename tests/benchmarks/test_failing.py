"""How benchmarks beside the grid fail and skip: in a line, with the name it is of."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.failing import skip_without
from benchmarks.launchers import local
from histocnn.errors import InputError
from histocnn.job import Job
from tests.benchmarks.test_sessions import Session
from tests.fake_worker import Behaviour

JOB = Job("torch", "cpu", 32, 10, None, 1)
BROKEN = "environment torch is half-installed; run: make env ENGINE=torch"


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with what a launcher says to a job; it may be an error."""

    def says(answer: str | InputError | None) -> local.Launcher:
        def missing(_: local.Launcher, job: Job) -> str | None:
            assert job == JOB
            if isinstance(answer, InputError):
                raise answer
            return answer

        monkeypatch.setattr(local.Launcher, "missing", missing)
        return local.Launcher()

    return says


def test_what_is_missing_is_a_skip_and_what_is_broken_a_failure(launcher: Any) -> None:
    """Neither with a traceback."""
    skip_without(launcher(None), JOB, JOB)
    with pytest.raises(pytest.skip.Exception, match="needs 4 cores"):
        skip_without(launcher("needs 4 cores"), JOB)
    with pytest.raises(pytest.fail.Exception) as failed:
        skip_without(launcher(InputError(BROKEN)), JOB)
    assert failed.value.msg == f"{JOB.id}: {BROKEN}"
    assert not failed.value.pytrace


def test_of_what_is_measured_by_turns_the_one_that_fails_is_named(
    tmp_path: Path,
) -> None:
    """The peer, and not the engine that it is compared with, which comes first."""
    command = ("benchmarks/test_peers.py", "--engines", "torch", "--devices", "cpu")
    few = ("--launches", "1", "--rounds", "1", "--repeats", "0", "-k", "32")
    session = Session(tmp_path, (*command, *few), "torch")
    behaviour = Behaviour(faults={"-peer": "SIGSEGV"})
    code, printed = session.run(behaviour=behaviour)
    assert code == 1, printed
    assert "-peer, peer: the worker died (signal SIGSEGV" in printed
    assert "Traceback" not in printed

"""Outcomes: what is stored of a case without a time."""

from pathlib import Path

from benchmarks.environments import ROOT
from benchmarks.outcomes import PERMANENT, MeasuringFailed, Outcome


def test_a_stored_outcome_names_no_folder_and_has_the_last_lines() -> None:
    """Others read it; a traceback may be of any length."""
    lines = [f"line {number} in {ROOT}/histocnn/worker.py" for number in range(50)]
    message = f"no file {Path.home()}/data/x"
    stored = Outcome("failed", message, None, "\n".join(lines)).anonymous()
    assert stored.message == "no file ~/data/x"
    assert stored.words.splitlines()[-1] == "line 49 in ./histocnn/worker.py"
    assert len(stored.words.splitlines()) == 20
    assert str(ROOT) not in stored.words


def test_an_exception_says_what_its_outcome_says() -> None:
    """One line, and what the worker said where it said something."""
    quiet = Outcome("timed-out", "no answer for 5 s")
    loud = Outcome("crashed", "it died", "SIGSEGV", "bad address")
    assert str(MeasuringFailed(quiet)) == "no answer for 5 s"
    assert str(MeasuringFailed(loud)) == "it died; it said:\nbad address"


def test_what_would_end_alike_is_permanent() -> None:
    """So that a resumed run makes no other try."""
    assert Outcome("out-of-memory", "").is_permanent
    assert not Outcome("crashed", "").is_permanent
    assert "timed-out" not in PERMANENT

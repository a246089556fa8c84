"""Whole sessions under a budget, with workers that take as long as they are told to."""

import re
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock

from benchmarks import budget
from benchmarks.campaign import Campaign
from benchmarks.launchers import Settings
from benchmarks.launchers.local import Launcher
from benchmarks.measure import launch
from benchmarks.outcomes import CaseOutcome
from benchmarks.settling import Effort
from histocnn.job import Job
from tests.benchmarks.test_budget import Deaf
from tests.benchmarks.test_sessions import Session
from tests.fake_worker import VARIABLE, Behaviour, fake_python

#: Rounds of some 30 ms, real ones, in launches that take 0.5 s before.
SHORT_EPOCHS = Behaviour(opening=0.5, work=600_000)
#: What a launch takes is nearly all before its rounds.
SLOW_START = Behaviour(opening=2.0, work=1000)
NOT_BEGUN = re.compile(
    r"^(\d) cases? w\w+ not begun within the budget of 5 s(.*)$", re.M
)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """In a folder of its own."""
    return Session(tmp_path)


def launches(session: Session) -> list[int]:
    """How many each saved case has."""
    return [
        len(case["extra_info"]["launches"]) for case in session.saved()["benchmarks"]
    ]


def whys(session: Session) -> set[str]:
    """Why no more launches were made of the saved cases."""
    cases = session.saved()["benchmarks"]
    return {case["extra_info"]["stopped"]["why"] for case in cases}


def trainings(session: Session) -> list[str]:
    """The cases in the order of their launches: one may train more than once."""
    lines = dict.fromkeys(session.log.read_text().splitlines())
    return [line.split()[0] for line in lines]


def test_a_budget_that_suffices_is_measured_in_for_most_of_the_time(
    session: Session,
) -> None:
    """All launches are made, with rounds enough; no journal is left."""
    code, printed = session.run(
        *("--budget", "2m", "--launches", "4"), behaviour=SHORT_EPOCHS
    )
    assert code == 0, printed
    assert launches(session) == [4] * 4
    assert whys(session) == {"fixed"}
    account = session.saved()["account"]
    assert account["budget"] == 120
    assert account["used"] < 120
    # What other programs of the machine disturb is none of the budget's doing.
    rounds = account["measured"] + account["disturbed"]
    assert rounds / account["used"] >= 0.35
    assert re.search(r"; budget 120 s: used \d+ s$", printed, re.M)
    assert "not begun" not in printed
    assert not session.journals()


def test_a_budget_that_does_not_suffice_goes_on_with_another(session: Session) -> None:
    """Cases without a launch are skipped, and are the first ones when it is resumed."""
    three = ("--launches", "3")
    code, printed = session.run(*three, "--budget", "5", behaviour=SLOW_START)
    assert code == 0, printed
    found = NOT_BEGUN.search(printed)
    assert found, printed
    left = int(found[1])
    assert found[2] == "; the same command with --resume goes on"
    assert f"{4 - left} passed, {left} skipped" in printed
    assert launches(session) == [1] * (4 - left)
    assert whys(session) == {"budget"}
    assert session.saved()["outcomes"] == []
    (journal,) = session.journals()
    assert f"finished launches are in {journal}, and something is left to" in printed
    code, printed = session.run(*three, "--budget", "1", "--resume")
    assert code == 0, printed
    assert "no launch was begun: the shortest that is due should take " in printed
    assert launches(session) == [1] * (4 - left)
    code, printed = session.run(*three, "--budget", "1h", "--resume")
    assert code == 0, printed
    assert f"{4 - left} launches are finished" in printed
    assert launches(session) == [3] * 4
    trained = trainings(session)
    assert len(set(trained[:4])) == len(set(trained)) == 4
    assert set(Counter(trained).values()) == {3}
    assert not journal.exists()


def test_launches_that_do_not_fit_are_fewer_than_asked_for(session: Session) -> None:
    """The report can tell: the budget ended them. Without a budget the rest is made."""
    number = ("--launches", "9", "-k", "32px")
    code, printed = session.run(*number, "--budget", "12", behaviour=SLOW_START)
    assert code == 0, printed
    first = launches(session)
    assert all(1 <= each < 9 for each in first)
    assert max(first) - min(first) <= 1
    assert whys(session) == {"budget"}
    code, printed = session.run(*number, "--resume")
    assert code == 0, printed
    assert launches(session) == [9, 9]
    assert whys(session) == {"fixed"}
    assert not session.journals()


def test_another_session_is_not_waited_for_beyond_it(session: Session) -> None:
    """Whatever the other does; once it has gone, all is measured."""
    caches = session.folder / "cache"
    caches.mkdir()
    with FileLock(caches / "measuring.lock"):
        code, printed = session.run("--budget", "2s", "--launches", "1")
    assert code == 0, printed
    assert "4 cases were not begun within the budget of 2 s" in printed
    code, printed = session.run("--budget", "1h", "--launches", "1")
    assert code == 0, printed
    assert launches(session) == [1] * 4


def test_rounds_that_are_asked_for_are_kept_to(session: Session) -> None:
    arguments = ("--budget", "60", "--launches", "1", "--rounds", "3")
    code, printed = session.run(*arguments, behaviour=SHORT_EPOCHS)
    assert code == 0, printed
    for case in session.saved()["benchmarks"]:
        assert len(case["extra_info"]["launches"][0]["rounds"]) == 3


def test_a_trial_keeps_to_its_budget_too(session: Session) -> None:
    """One launch a case, one round; nothing that could be resumed is promised."""
    arguments = ("--budget", "5", "--benchmark-disable")
    code, printed = session.run(*arguments, behaviour=SLOW_START)
    assert code == 0, printed
    found = NOT_BEGUN.search(printed)
    assert found, printed
    assert found[2] == ""
    assert not session.journals()
    assert session.run("--budget", "60", "--benchmark-disable")[0] == 0
    assert set(session.trained().values()) <= {1, 2}


def test_a_worker_that_hangs_is_given_up_by_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by --timeout, of ten minutes; a larger budget makes another try."""
    monkeypatch.setattr(budget, "_LEAST_TIMEOUT", 1.0)
    hangs = Behaviour(faults={"32px": "hang"})
    monkeypatch.setenv(VARIABLE, msgspec.json.encode(hangs).decode())
    settings = Settings(interpreters=(("tensorflow", str(fake_python(tmp_path))),))
    job = Job("tensorflow", "cpu", 32, 10, None, 1)
    effort = Effort(1, 1)
    assert effort.timeout == 600
    campaign = Campaign(
        [job],
        effort,
        lambda job, number, effort: launch(
            job, effort, Launcher(settings), tmp_path, number
        ),
        None,
        Deaf(),
        budget=budget.Budget(2.0, budget.Policy(effort)),
    )
    start = time.monotonic()
    campaign.run()
    assert time.monotonic() - start < 30
    result = campaign.result(job)
    assert isinstance(result, CaseOutcome)
    assert result.outcome.kind == "timed-out"
    assert "was killed; give it a larger --budget" in result.outcome.message
    assert not campaign.is_complete()


def test_an_early_end_is_no_end_of_the_budget(session: Session) -> None:
    """-x: what fails ends the session, and says nothing of a budget."""
    fault = Behaviour(faults={"px": "SIGSEGV"})
    code, printed = session.run("--budget", "60", "-x", behaviour=fault)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "not begun within" not in printed
    assert "--resume takes them up" in printed

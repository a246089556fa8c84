"""The account of a run's wall time: all of it is somebody's."""

from dataclasses import replace

import pytest

from benchmarks.account import account
from benchmarks.journal import Record
from benchmarks.outcomes import Outcome
from histocnn.measurement import Phases
from tests.launches import a_launch, a_round


def test_other_benchmarks_are_not_the_suite() -> None:
    """A part of their own, where there are any."""
    records = [Record("a", 0, a_launch([2.0]), None, 20.0)]
    alone, beside = (account(records, wall=40.0, others=each) for each in (0.0, 30.0))
    assert beside.suite == pytest.approx(alone.suite - 30.0)
    assert ", other benchmarks 75.0 %, the suite " in str(beside)
    assert "other benchmarks" not in str(alone)


def test_what_no_worker_took_is_the_suites() -> None:
    """Imports, compilation, rounds, waits and failures are told apart."""
    launch = replace(
        a_launch([2.0, a_round(3.0, "a hog")]),
        phases=Phases(4.0, 0.5, 1.0, 6.0, 5.0, around_seconds=0.25),
        waited_seconds=1.5,
    )
    launch = replace(
        launch,
        phases=replace(
            launch.phases, start_seconds=0.25, audit_seconds=0.5, end_seconds=0.75
        ),
    )
    failed = Outcome("timed-out", "no answer")
    records = [
        Record("a", 0, launch, None, 20.0),
        Record("b", 0, None, failed, 10.0),
    ]
    found = account(records, wall=40.0)
    assert found.imports == 4.0
    assert found.compiling == 7.0
    assert (found.measured, found.disturbed, found.around) == (2.0, 3.0, 0.25)
    assert (found.waited, found.failed) == (1.5, 10.0)
    assert (found.processes, found.audits) == (1.0, 0.5)
    assert found.suite == pytest.approx(40.0 - 29.25)
    assert str(found) == (
        "40 s: measured training 5.0 %, compiling and warming up 17.5 %, importing "
        "10.0 %, disturbed rounds 7.5 %, around epochs 0.6 %, starting and ending "
        "processes 2.5 %, reading back memory 1.2 %, waiting for quiet 3.8 %, failed "
        "launches 25.0 %, the suite 26.9 %"
    )

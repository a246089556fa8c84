"""What a point is, in which order points come, and what is never one history."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reports import load
from reports.trend.points import History, histories

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]


def made(*names: str) -> tuple[History, ...]:
    """The histories of files that can all be read."""
    read = load.read([Path(name) for name in names])
    assert not read.problems
    return histories(read.files)


def medians(history: History) -> list[tuple[float, ...]]:
    return [point.case.medians for point in history.points]


def packages(case: dict[str, Any], **versions: str) -> dict[str, Any]:
    """``case`` as its launches tell the versions of their packages."""
    for launch in case["extra_info"]["launches"]:
        launch["versions"] = versions
    return case


def test_points_are_in_the_order_of_time_not_of_names(save: Save, case: Make) -> None:
    """Whatever the zone that a file tells its time in."""
    save("c.json", case([1.0]), commit="one", when="2026-11-01T23:30:00+00:00")
    save("a.json", case([3.0]), commit="three", when="2026-11-02T01:00:00+00:00")
    save("b.json", case([2.0]), commit="two", when="2026-11-01T19:00:00-05:00")
    (history,) = made("a.json", "b.json", "c.json")
    assert medians(history) == [(1.0,), (2.0,), (3.0,)]
    assert [point.commit for point in history.points] == ["one", "two", "three"]


def test_files_of_one_commit_and_day_are_one_point_at_the_first(
    save: Save, case: Make
) -> None:
    save("b.json", case([1.1], [1.2]), when="2026-11-01T08:00:00+00:00")
    save("a.json", case([1.3]), when="2026-11-01T20:00:00+00:00")
    (history,) = made("a.json", "b.json")
    (point,) = history.points
    assert point.when == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert point.case.medians == (1.1, 1.2, 1.3)
    assert history.launches == 3


def test_the_same_commit_on_another_day_is_another_point(
    save: Save, case: Make
) -> None:
    """Where those two differ it was not the code."""
    save("a.json", case([1.0]), when="2026-11-01T08:00:00+00:00")
    save("b.json", case([2.0]), when="2026-11-02T08:00:00+00:00")
    (history,) = made("a.json", "b.json")
    assert medians(history) == [(1.0,), (2.0,)]


def test_other_packages_are_another_point(save: Save, case: Make) -> None:
    """Of the same commit on the same day, as with a Python of one's own."""
    save("a.json", packages(case([1.0]), theano="1.0.5"))
    save("b.json", packages(case([2.0]), theano="1.0.6"))
    (history,) = made("a.json", "b.json")
    assert medians(history) == [(1.0,), (2.0,)]


@pytest.mark.parametrize(
    "code",
    [{"dirty": True}, *({"commit": word} for word in ("", "unversioned", "unknown"))],
)
def test_what_may_be_different_code_is_a_point_a_file(
    save: Save, case: Make, code: dict[str, Any]
) -> None:
    for hour in range(3):
        when = f"2026-11-01T0{hour}:00:00+00:00"
        save(f"{hour}.json", case([1.0 + hour]), when=when, **code)
    (history,) = made("0.json", "1.json", "2.json")
    assert medians(history) == [(1.0,), (2.0,), (3.0,)]


@pytest.mark.parametrize("code", [{}, {"dirty": True}, {"commit": ""}])
def test_a_run_that_was_saved_twice_counts_once(
    save: Save, case: Make, code: dict[str, Any]
) -> None:
    """As by --benchmark-autosave beside --benchmark-json."""
    run = case([1.1, 1.2], [1.3, 1.4])
    save("auto.json", run, **code)
    save("named.json", run, **code)
    (history,) = made("auto.json", "named.json")
    (point,) = history.points
    assert len(point.case.launches) == 2


def test_a_time_without_a_zone_is_in_utc(save: Save, case: Make) -> None:
    save("a.json", case([1.0]), when="2026-11-01T08:00:00.5")
    (history,) = made("a.json")
    when = datetime(2026, 11, 1, 8, 0, 0, 500000, tzinfo=UTC)
    assert history.points[0].when == when


@pytest.mark.parametrize(
    "when",
    [
        "",
        "yesterday",
        1,
        None,
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:00:00-05:00",
    ],
)
def test_files_without_a_time_are_passed_over(
    save: Save, case: Make, when: Any
) -> None:
    """Nor are those of a time that there is none of in UTC."""
    save("a.json", case([1.0]), when=when)
    save("b.json", case([2.0]))
    (history,) = made("a.json", "b.json")
    assert medians(history) == [(2.0,)]


def test_machines_and_cases_are_histories_of_their_own(save: Save, case: Make) -> None:
    """In the axes' order, the machines in theirs."""
    cases = (case([1.0]), case([2.0], cores=2), case([3.0], dataset="glas"))
    save("a.json", *cases, node="lab")
    save("b.json", *cases, node="attic")
    found = made("a.json", "b.json")
    told = [(h.combination.cores, h.machine.node, medians(h)[0][0]) for h in found]
    assert told == [
        (1, "attic", 3.0),
        (1, "lab", 3.0),
        (1, "attic", 1.0),
        (1, "lab", 1.0),
        (2, "attic", 2.0),
        (2, "lab", 2.0),
    ]


def test_cases_without_a_time_are_no_points(
    save: Save, case: Make, untimed: Make
) -> None:
    save("a.json", case([1.0]), commit="one")
    failed = untimed("out-of-memory", "no room")
    save("b.json", case([2.0], cores=2), commit="two", outcomes=[failed])
    found = made("a.json", "b.json")
    assert [medians(history) for history in found] == [[(1.0,)], [(2.0,)]]

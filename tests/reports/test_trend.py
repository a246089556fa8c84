"""``python -m reports trend``: whole tables, what is refused, and who pools."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from tests.reports.trended import commit, day

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Mutants = Callable[[str, int, int], Iterator[str]]
Captured = pytest.CaptureFixture[str]

GOLDEN = Path(__file__).parent / "golden"
# Of three launches; they scatter by 2 %.
SCATTER = (0.98, 1.0, 1.03)
WOBBLE = (1.0, 1.01, 0.99, 1.005, 0.995, 1.0, 1.01, 0.99, 1.0, 1.005)


def launches(seconds: float, number: int) -> list[Sequence[float]]:
    """Three around ``seconds``, as of the point of that number."""
    return [[seconds * WOBBLE[number] * each] for each in SCATTER]


def packages(case: dict[str, Any], **versions: str) -> dict[str, Any]:
    for launch in case["extra_info"]["launches"]:
        launch["versions"] = versions
    return case


@pytest.fixture
def nights(save: Save, case: Make) -> str:
    """Ten nights, and whatever a row can be.

    A step down with another version of JAX; one up, with a commit, seen by two cases;
    one night far off, and one at the end; a case of three nights and one of one night.
    """
    for number in range(10):
        slow, new = number >= 6, number >= 4
        cases = [
            case(*launches(1.2 if slow else 1.0, number)),
            case(*launches(0.6 if slow else 0.5, number), cores=2),
            packages(
                case(*launches(0.2 if new else 0.3, number), engine="jax"),
                jax="0.10.2" if new else "0.10.1",
            ),
            case(*launches(9.0 if number == 3 else 6.0, number), size=128),
            case(*launches(9.0 if number == 9 else 6.0, number), size=180),
        ]
        if number < 3:
            cases.append(case([2.0 + number / 10], engine="tensorflow"))
        if number == 0:
            cases.append(case([3.0], [3.1], engine="tensorflow", cores=2))
        when = day(number).isoformat()
        # names are in another order than times
        save(f"runs/{9 - number}.json", *cases, commit=commit(number), when=when)
    return "runs"


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        ("plain", "txt"),
        ("github", "md"),
        ("latex", "tex"),
        ("csv", "csv"),
        ("html", "html"),
        ("json", "json"),
    ],
)
def test_whole_tables(form: str, ending: str, nights: str, capsys: Captured) -> None:
    """Each format shows all changes and all cases (csv: the cases alone)."""
    assert main(["trend", nights, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"trend.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def test_changes_as_csv(nights: str, capsys: Captured) -> None:
    """Whole commits, intervals, and what else changed, for programs."""
    assert main(["trend", nights, "--format", "csv", "--table", "changes"]) == 0
    golden = (GOLDEN / "trend-changes.csv").read_text(encoding="utf-8")
    assert capsys.readouterr().out == golden


def test_machines_have_tables_in_common_and_changes_of_their_own(
    save: Save, case: Make, capsys: Captured
) -> None:
    """Of two with the same processor, of which files do not name the hosts, too."""
    for number in range(8):
        for ram, slow in ((64, number >= 4), (128, False)):
            save(
                f"{ram}-{number}.json",
                case(*launches(1.2 if slow else 1.0, number)),
                node="",
                hard={"memory": ram},
                commit=commit(number),
                when=day(number).isoformat(),
            )
    files = [f"{ram}-{number}.json" for ram in (64, 128) for number in range(8)]
    assert main(["trend", *files, "--format", "json"]) == 0
    changes, cases = json.loads(capsys.readouterr().out)
    assert len(cases["rows"]) == 2
    names = sorted(row["machine"] for row in cases["rows"])
    assert names == ["Xeon, 16 CPUs #1", "Xeon, 16 CPUs #2"]
    (change,) = changes["rows"]
    (changed,) = [row for row in cases["rows"] if row["change_points"]]
    assert change["machine"] == changed["machine"]
    assert changed["source"].startswith("64-")


def test_files_without_a_time_are_named_and_left_out(
    save: Save, case: Make, capsys: Captured
) -> None:
    for number in range(6):
        when = "some time" if number < 4 else day(number).isoformat()
        save(f"{number}.json", case([1.0]), commit=commit(number), when=when)
    files = [f"{number}.json" for number in range(6)]
    assert main(["trend", *files, "--format", "csv"]) == 0
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: 0.json, 1.json, 2.json and 1 more: no time of saving (datetime); "
        "left out\n"
    )
    (row,) = csv.DictReader(io.StringIO(shown.out))
    assert row["points"] == "2"
    assert main(["trend", "0.json"]) == 2
    shown = capsys.readouterr()
    assert "nothing to show: no file says when it was saved" in shown.err
    assert not shown.out


def test_one_point_alone_is_said_to_be_too_few(
    save: Save, case: Make, capsys: Captured
) -> None:
    """The first night of a history is no error."""
    run = save("run.json", case([1.0]), case([1.0], cores=2))
    assert main(["trend", run]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("2 cases from run.json; ")
    assert "no change points: they need 4 points" in shown.out
    assert "\nnone\n" in shown.out
    assert main(["trend", run, "--format", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_no_change_is_said_and_is_no_row(
    save: Save, case: Make, capsys: Captured
) -> None:
    for number in range(5):
        where = {"commit": commit(number), "when": day(number).isoformat()}
        save(f"runs/{number}.json", case(*launches(1.0, number)), **where)
    assert main(["trend", "runs"]) == 0
    assert "no change point in 1 case of 4 points or more" in capsys.readouterr().out
    assert main(["trend", "runs", "--format", "json", "--table", "changes"]) == 0
    (changes,) = json.loads(capsys.readouterr().out)
    assert changes["rows"] == []


def test_a_case_that_only_failed_has_no_trend(
    save: Save, untimed: Make, capsys: Captured
) -> None:
    run = save("run.json", outcomes=[untimed("timed-out")])
    assert main(["trend", run]) == 2
    assert capsys.readouterr().err == ("reports: nothing to show: no case has a time\n")


def test_the_same_commit_on_both_sides_is_told(
    save: Save, case: Make, capsys: Captured
) -> None:
    """And so are uncommitted changes, which a commit does not tell."""
    for number in range(8):
        slow = 1.2 if number >= 4 else 1.0
        when = day(number).isoformat()
        for name, known, dirty in (
            ("same", "c0ffee00", False),
            ("dirty", "c0ffee00", number >= 4),
            ("unknown", "", False),
        ):
            run = case(*launches(slow, number))
            save(f"{name}/{number}.json", run, commit=known, dirty=dirty, when=when)
    assert main(["trend", "same", "--table", "changes"]) == 0
    shown = capsys.readouterr().out
    assert "c0ffee0..c0ffee0 [a]" in shown
    assert "\n[a] the commit is the same: what changed is not the code\n" in shown
    assert main(["trend", "dirty", "--table", "changes"]) == 0
    shown = capsys.readouterr().out
    assert "c0ffee0..c0ffee0+ [a]" in shown
    assert "\n[a] +: measured with uncommitted changes\n" in shown
    assert main(["trend", "unknown", "--table", "changes"]) == 0
    shown = capsys.readouterr().out
    assert "unknown..unknown " in shown
    assert "[a]" not in shown


@pytest.mark.parametrize("view", ["trend", "machines"])
def test_different_commits_are_no_problem(
    view: str, nights: str, capsys: Captured
) -> None:
    """They are what these views are about; of others they are refused cases."""
    assert main([view, nights]) == 0
    assert not capsys.readouterr().err
    assert main(["phases", nights]) == 2
    assert "measured with different code" in capsys.readouterr().err


def test_what_cannot_be_read_still_costs_a_line_and_the_exit_code(
    nights: str, capsys: Captured
) -> None:
    Path(nights, "bad.json").write_text("{")
    assert main(["trend", nights, "--format", "csv"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("reports: runs/bad.json: ")
    assert shown.out == (GOLDEN / "trend.csv").read_text(encoding="utf-8")


def test_without_ruptures_histories_are_refused_in_a_line(
    nights: str, save: Save, case: Make, capsys: Captured, monkeypatch: Any
) -> None:
    """Where they are long enough to have changes; short ones do without it."""
    monkeypatch.setitem(sys.modules, "ruptures", None)
    assert main(["trend", nights]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("reports: change points need ruptures, which is not ")
    assert shown.err.count("\n") == 1
    assert not shown.out
    save("a.json", case([1.0]), commit="one")
    save("b.json", case([1.1]), commit="two", when="2026-11-22T00:00:00+00:00")
    assert main(["trend", "a.json", "b.json"]) == 0
    assert "+10.0*" in capsys.readouterr().out


def test_mutated_files_never_end_in_a_traceback(
    nights: str, mutants: Mutants, capsys: Captured
) -> None:
    """60 bad versions of a file among nine good ones, seed 7."""
    Path(nights, "4.json").rename("good.json")
    files = sorted(map(str, Path(nights).iterdir()))
    for form in mutants("good.json", 60, 7):
        code = main(["trend", *files, "bad.json", "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())
        assert shown.out


def test_the_order_of_files_changes_nothing(nights: str, capsys: Captured) -> None:
    files = [f"{nights}/{number}.json" for number in range(10)]
    made = []
    for each in (files, files[::-1]):
        assert main(["trend", *each, "--format", "json"]) == 0
        made.append(capsys.readouterr().out)
    assert made[0] == made[1]


def test_without_files_it_is_of_all_that_is_saved(
    nights: str, capsys: Captured
) -> None:
    """Not of the newest alone, as other views are."""
    Path(".benchmarks").mkdir()
    Path(nights).rename(".benchmarks/Linux")
    assert main(["trend", "--format", "csv"]) == 0
    golden = (GOLDEN / "trend.csv").read_text(encoding="utf-8")
    assert capsys.readouterr().out == golden
    with pytest.raises(SystemExit):
        main(["trend", "--help"])
    assert "(default: .benchmarks/)" in " ".join(capsys.readouterr().out.split())


def test_libraries_are_imported_where_they_are_needed() -> None:
    """Not with the view, which --help imports and a bundle has without them."""
    heavy = {"matplotlib", "numpy", "ruptures", "scipy"}
    script = f"import sys, reports.views.trend; print({heavy} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"

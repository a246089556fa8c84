"""``python -m reports phases``: accounts that add up, whole tables, and bad input."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import phases
from reports.__main__ import main
from reports.phases import Account

Record = dict[str, Any]
Make = Callable[..., Record]
Save = Callable[..., str]
Capture = pytest.CaptureFixture[str]

GOLDEN = Path(__file__).parent / "golden"
OLDEST = {
    "import_seconds": 1.0,
    "data_seconds": 0.1,
    "build_seconds": 0.3,
    "first_seconds": 2.0,
    "steady_seconds": 3.0,
}
NEWEST = {
    **OLDEST,
    "around_seconds": 0.25,
    "start_seconds": 0.1,
    "audit_seconds": 0.0,
    "end_seconds": 0.05,
}


def told(record: Record, *facts: Record) -> Record:
    """``record``, its launches with these ``facts`` in turn."""
    launches = record["extra_info"]["launches"]
    for launch, fact in zip(launches, facts, strict=True):
        launch.update(fact)
    return record


def launch(wall: float, waited: float = 0.0, **changed: float) -> Record:
    """What the newest files tell of one."""
    return {
        "phases": {**NEWEST, **changed},
        "wall_seconds": wall,
        "waited_seconds": waited,
    }


@pytest.fixture
def saved(save: Save, case: Make, round_: Make, untimed: Make) -> str:
    """Files of three ages, disturbances, a contradiction, and none of it."""
    gpu = {"device": "cuda", "cnmem": "1", "cores": 16}
    disturbed = [round_(1.0), round_(1.5, "a pause"), round_(1.1)]
    return save(
        "phases.json",
        told(case([1.0, 1.1, 0.9]), {"phases": OLDEST}),
        told(
            case([1.0, 1.1, 0.9], [1.0, 1.2], cores=2),
            {"phases": OLDEST, "wall_seconds": 7.0},
            {"phases": OLDEST, "wall_seconds": 8.0},
        ),
        told(case(disturbed, cores=4), launch(10.0, waited=2.0)),
        told(
            case([0.1] * 9, [0.1] * 8, [0.1] * 7, **gpu),
            launch(8.0, audit_seconds=0.5, end_seconds=1.25),
            launch(9.0, audit_seconds=0.6, end_seconds=1.5),
            launch(90.0, audit_seconds=0.7, end_seconds=1.75),
        ),
        told(case([1.0], size=128), launch(4.5)),
        told(case([5.0], size=200), {"phases": None}),
        outcomes=[untimed("timed-out", size=200, cores=2)],
    )


@pytest.mark.parametrize(
    ("form", "ending"), [("plain", "txt"), ("latex", "tex"), ("csv", "csv")]
)
def test_whole_tables(saved: str, form: str, ending: str, capsys: Capture) -> None:
    """All rows, with what no file tells as —; csv holds every part of the cases."""
    assert main(["phases", saved, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"phases.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def rows(capsys: Capture, file: str, table: str = "cases") -> list[dict[str, str]]:
    assert main(["phases", file, "--table", table, "--format", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def seconds(row: dict[str, str]) -> dict[str, float]:
    """Those that a row tells, by part."""
    found = {name.removesuffix("_seconds"): text for name, text in row.items() if text}
    return {name: float(found[name]) for name in ALL if name in found}


ALL = (*phases.PARTS, "rest", "wall")


def test_parts_of_one_launch_add_up_to_its_wall_time(
    saved: str, capsys: Capture
) -> None:
    """The rest is what is left; a round that does not count is not measured."""
    (row,) = (each for each in rows(capsys, saved) if each["cores"] == "4")
    found = seconds(row)
    assert set(found) == set(ALL)
    assert found["measured"] == 2.1
    assert found["disturbed"] == 1.5
    assert found["waited"] == 2.0
    wall = found.pop("wall")
    assert wall == 10.0 == pytest.approx(sum(found.values()))
    assert float(row["measured_percent"]) == 21.0


def test_medians_are_over_launches(saved: str, capsys: Capture) -> None:
    """Of each figure by itself, so that one odd launch shows in none of them."""
    (row,) = (each for each in rows(capsys, saved) if each["device"] == "cuda")
    found = seconds(row)
    assert row["launches"] == "3"
    assert (found["wall"], found["measured"], found["audit"]) == (9.0, 0.8, 0.6)
    assert float(row["measured_percent"]) == pytest.approx(80 / 9, rel=1e-5)


def test_what_an_older_file_does_not_tell_is_in_the_rest(
    save: Save, case: Make, capsys: Capture
) -> None:
    """Not 0: a process that takes no time to start there is not."""
    fact = {"phases": OLDEST, "wall_seconds": 7.0}
    (row,) = rows(capsys, save("run.json", told(case([3.0]), fact)))
    found = seconds(row)
    untold = {"start", "around", "audit", "end"}
    assert set(ALL) - set(found) == untold
    assert found["rest"] == pytest.approx(7.0 - 1.0 - 0.1 - 0.3 - 2.0 - 3.0, rel=1e-5)


def test_no_wall_time_means_no_rest_and_no_share(
    save: Save, case: Make, capsys: Capture
) -> None:
    """The parts that are told are shown all the same."""
    (row,) = rows(capsys, save("run.json", told(case([3.0]), {"phases": OLDEST})))
    assert set(seconds(row)) == {
        "imports",
        "data",
        "build",
        "first",
        "measured",
        "disturbed",
    }
    assert row["measured_percent"] == ""


def test_launches_of_several_ages_tell_what_all_of_them_do(
    save: Save, case: Make, capsys: Capture
) -> None:
    """The start that only one tells is in the rest of both, or medians would mix."""
    record = told(
        case([3.0], [3.0]),
        {"phases": OLDEST, "wall_seconds": 7.0},
        launch(7.0),
    )
    (row,) = rows(capsys, save("run.json", record))
    found = seconds(row)
    assert "start" not in found
    assert found["rest"] == pytest.approx(0.6, rel=1e-5)


def test_launches_without_phases_are_left_out_and_counted(
    save: Save, case: Make, capsys: Capture
) -> None:
    record = told(case([3.0], [3.0]), {"phases": None}, launch(7.0))
    file = save("run.json", record)
    assert main(["phases", file, "--table", "cases"]) == 0
    assert "  1 of 2  " in capsys.readouterr().out


def test_total_is_the_sum_over_launches_that_tell_their_wall_time(
    saved: str, capsys: Capture
) -> None:
    """With what only some of them tell in the rest, so that it adds up."""
    total = {row["phase"]: row["seconds"] for row in rows(capsys, saved, "total")}
    assert float(total["wall"]) == pytest.approx(7 + 8 + 10 + 8 + 9 + 90 + 4.5)
    assert float(total["measured"]) == pytest.approx(3.0 + 2.2 + 2.1 + 2.4 + 1.0)
    assert total["start"] == ""
    parts = [float(text) for name, text in total.items() if text and name != "wall"]
    assert sum(parts) == pytest.approx(float(total["wall"]), rel=1e-5)
    assert main(["phases", saved, "--table", "total"]) == 0
    shown = capsys.readouterr().out
    assert "sums over 7 of 8 launches: those whose file tells the wall time" in shown


def test_parts_that_exceed_the_wall_time_are_marked(
    save: Save, case: Make, capsys: Capture
) -> None:
    """A rest below 0 is never without a word; one of rounding is none."""
    exact = told(case([3.0], cores=2), launch(6.8))
    file = save("run.json", told(case([3.0]), launch(5.8)), exact)
    wrong, right = rows(capsys, file)
    assert float(wrong["rest_seconds"]) == pytest.approx(-1.0)
    assert right["rest_seconds"] == "0"
    assert main(["phases", file]) == 0
    lines = capsys.readouterr().out.splitlines()
    note = "the parts exceed the wall time by up to 1.00 s a launch"
    assert sum(note in line for line in lines) == 2  # once a table
    (row,) = (line for line in lines if " [a] " in line)
    assert "-0.60" in row


def test_nothing_is_made_up_of_phases_that_are_empty(
    save: Save, case: Make, capsys: Capture
) -> None:
    """A file from elsewhere may have the field and nothing in it."""
    fact = {"phases": {}, "wall_seconds": 5.0}
    (row,) = rows(capsys, save("run.json", told(case([3.0]), fact)))
    assert seconds(row) == {
        "measured": 3.0,
        "disturbed": 0.0,
        "waited": 0.0,
        "rest": 2.0,
        "wall": 5.0,
    }


def test_accounts_of_no_common_part_still_sum() -> None:
    """A total tells what all tell, and their wall time."""
    nothing = dict.fromkeys(phases.PARTS)
    one = Account(wall=3.0, **{**nothing, "measured": 1.0, "first": 1.5})
    other = Account(wall=4.0, **{**nothing, "measured": 2.0, "build": 0.5})
    total = phases.total([one, other])
    assert (total.wall, total.measured, total.first, total.build) == (7, 3, None, None)
    assert total.rest == 4.0


def test_no_phases_at_all_are_refused(save: Save, case: Make, capsys: Capture) -> None:
    file = save("run.json", told(case(), {"phases": None}))
    assert main(["phases", file]) == 2
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: no phases to show: saved without phases, and not shown: "
        "engine=theano device=cpu size=64 batch=20 cores=1 loop=fit "
        "precision=float32\n"
    )
    assert not shown.out


def test_outcomes_alone_are_refused(save: Save, untimed: Make, capsys: Capture) -> None:
    file = save("run.json", outcomes=[untimed("timed-out")])
    assert main(["phases", file]) == 2
    assert "no phases to show: 1 case has no time" in capsys.readouterr().err


def test_other_projects_files_are_refused(save: Save, capsys: Capture) -> None:
    file = save("other.json", {"name": "a", "stats": {"median": 1.0}})
    assert main(["phases", file]) == 2
    assert "no training case in other.json" in capsys.readouterr().err


def test_mutated_files_never_end_in_a_traceback(
    saved: str, mutants: Callable[[str, int, int], Iterator[str]], capsys: Capture
) -> None:
    """200 files, seed 6."""
    for form in mutants(saved, 200, 6):
        code = main(["phases", "bad.json", saved, "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert code == 0 or shown.err
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())

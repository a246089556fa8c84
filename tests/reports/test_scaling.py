"""``python -m reports scaling``: whole tables, what is compared, and bad input."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import stats
from reports.__main__ import main

Record = dict[str, Any]
Make = Callable[..., Record]
Save = Callable[..., str]
Capture = pytest.CaptureFixture[str]

GOLDEN = Path(__file__).parent / "golden"
CORES = (1, 2, 4, 8, 16)


def launches(seconds: float) -> list[list[float]]:
    """Three, of two rounds, that differ by a hundredth."""
    return [[seconds * each, seconds * each] for each in (0.99, 1.0, 1.01)]


def of_version(record: Record, version: str) -> Record:
    for launch in record["extra_info"]["launches"]:
        launch["versions"] = {"theano": version}
    return record


@pytest.fixture
def saved(save: Save, case: Make, untimed: Make) -> str:
    """Every verdict on a fit, an outcome, few launches, and a case left alone."""
    good = zip(CORES, (4.0, 2.22, 1.28, 0.87, 0.62), strict=True)
    poor = zip(CORES, (4.0, 2.1, 1.2, 0.7, 0.9), strict=True)
    steep = zip((1, 2, 4), (4.0, 1.95, 0.95), strict=True)
    rising = zip((8, 16, 32), (1.0, 2.0, 2.5), strict=True)
    return save(
        "cores.json",
        *(case(*launches(t), cores=n, engine="torch") for n, t in good),
        *(case(*launches(t), cores=n, engine="torch", batch=50) for n, t in poor),
        *(case([t], [t * 1.01], cores=n, engine="jax") for n, t in steep),
        *(case([t], cores=n, engine="jax", batch=50) for n, t in rising),
        case(*launches(1.0), cores=2),
        case([0.6], cores=4),
        case([9.0], size=200, cores=2),
        case([0.1], device="cuda", cnmem="1", cores=16),
        outcomes=[
            untimed("timed-out", "no answer within 600 s"),
            untimed("unsupported", "this machine lends 1 to 4", cores=8),
        ],
    )


@pytest.mark.parametrize(
    ("form", "ending"), [("plain", "txt"), ("latex", "tex"), ("csv", "csv")]
)
def test_whole_tables(saved: str, form: str, ending: str, capsys: Capture) -> None:
    """All rows, with what each mark means; csv holds the cases alone."""
    assert main(["scaling", saved, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"scaling.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def test_fits_for_programs(saved: str, capsys: Capture) -> None:
    """Clipped and as estimated, with None where there is nothing."""
    assert main(["scaling", saved, "--table", "fit", "--format", "csv"]) == 0
    shown = capsys.readouterr().out
    assert shown == (GOLDEN / "scaling-fit.csv").read_text(encoding="utf-8")


def rows(capsys: Capture, *files: str) -> list[dict[str, str]]:
    assert main(["scaling", *files, "--format", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_efficiency_is_the_speedup_over_the_fewest_cores_by_their_share(
    save: Save, case: Make, capsys: Capture
) -> None:
    """With Welch's interval of the speed-up, scaled alike."""
    two, eight = (2.0, 2.2, 2.1), (0.7, 0.8, 0.72)
    file = save(
        "run.json",
        case(*([each] for each in two), cores=2),
        case(*([each] for each in eight), cores=8),
    )
    fewest, row = rows(capsys, file)
    expected = stats.speedup(two, eight)
    assert expected.low is not None
    assert fewest["efficiency"] == "1"
    assert row["fewest_cores"] == "2"
    assert float(row["speedup"]) == pytest.approx(2.1 / 0.72, rel=1e-5)
    assert float(row["efficiency"]) == pytest.approx(2.1 / 0.72 * 2 / 8, rel=1e-5)
    assert float(row["efficiency_low"]) == pytest.approx(expected.low / 4, rel=1e-5)


def test_fewest_cores_without_a_time_are_no_baseline(
    saved: str, capsys: Capture
) -> None:
    """One core timed out: two are what four are compared with."""
    found = {(r["engine"], r["size_px"], r["cores"]): r for r in rows(capsys, saved)}
    assert found["theano", "64", "1"]["outcome"] == "timed-out"
    assert found["theano", "64", "1"]["speedup"] == ""
    assert found["theano", "64", "4"]["fewest_cores"] == "2"


@pytest.mark.parametrize(
    "other",
    [
        {"size": 128},
        {"batch": 50},
        {"loop": "fused"},
        {"precision": "bfloat16"},
        {"images": 600},
        {"dataset": "synthetic"},
        {"engine": "jax"},
    ],
)
def test_only_cores_may_differ(
    save: Save, case: Make, other: Record, capsys: Capture
) -> None:
    """Whatever else does makes another case, which is left alone here."""
    file = save("run.json", case([2.0]), case([1.0], cores=2, **other))
    assert main(["scaling", file]) == 2
    assert "no case has a time and was run on several" in capsys.readouterr().err


def test_machines_are_fitted_apart(save: Save, case: Make, capsys: Capture) -> None:
    """And told apart by their files."""
    for node, factor in (("lab", 1.0), ("attic", 2.0)):
        times = zip((1, 2, 4), (4.0, 2.2, 1.3), strict=True)
        made = [case([t * factor], cores=n) for n, t in times]
        save(f"{node}.json", *made, node=node)
    assert main(["scaling", "lab.json", "attic.json", "--table", "fit"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (lab,) = (line for line in lines if "lab" in line)
    (attic,) = (line for line in lines if "attic" in line)
    assert lab.replace("lab", "attic").split() == attic.split()


def test_files_of_one_curve_are_all_named(
    save: Save, case: Make, capsys: Capture
) -> None:
    for n, seconds in ((1, 4.0), (2, 2.2), (4, 1.3)):
        save(f"on{n}.json", case([seconds], cores=n))
    files = ["on1.json", "on2.json", "on4.json"]
    assert main(["scaling", *files, "--table", "fit", "--format", "csv"]) == 0
    assert '"on1, on2, on4"' in capsys.readouterr().out


def test_other_versions_of_the_engine_are_not_compared(
    save: Save, case: Make, capsys: Capture
) -> None:
    """Nor fitted: four cores have another major version than the rest."""
    save("old.json", *(of_version(case([4.0 / n], cores=n), "1.0.5") for n in (1, 2)))
    save("new.json", of_version(case([0.5], cores=4), "2.0.0"))
    assert main(["scaling", "old.json", "new.json"]) == 0
    shown = capsys.readouterr().out
    assert "— another major version of the engine" in shown
    assert "it needs times on 3 numbers of cores, and there are 2" in shown
    last = rows(capsys, "old.json", "new.json")[-1]
    assert (last["cores"], last["seconds"], last["speedup"]) == ("4", "0.5", "")


def test_other_commits_are_compared_with_a_mark(
    save: Save, case: Make, capsys: Capture
) -> None:
    save("old.json", case([4.0]))
    save("new.json", case([2.0], cores=2), commit="beef")
    assert main(["scaling", "old.json", "new.json"]) == 0
    shown = capsys.readouterr().out
    assert "2.00*§" in shown
    assert "§ row and baseline were measured with different commits" in shown
    told = [row["other_commit"] for row in rows(capsys, "old.json", "new.json")]
    assert told == ["", "yes"]


def test_a_fit_over_other_commits_is_marked(
    save: Save, case: Make, capsys: Capture
) -> None:
    save("old.json", *(case([t], cores=n) for n, t in ((1, 4.0), (2, 2.2))))
    save("new.json", case([1.3], cores=4), commit="beef")
    asked = ["scaling", "old.json", "new.json", "--table", "fit"]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert re.search(r" 0\.\d+\*§ ", shown)
    assert "§ fitted to times of different commits of the suite" in shown
    assert main([*asked, "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["other_commit"] == "yes"


def test_a_law_that_misses_nothing_has_a_worst_miss_of_0(
    save: Save, case: Make, capsys: Capture
) -> None:
    """Not what computing left behind the point."""
    times = [case([10.0 / n], cores=n) for n in (1, 2, 4, 8)]
    assert main(["scaling", save("run.json", *times), "--table", "fit"]) == 0
    shown = capsys.readouterr().out
    assert " 0 %  good" in shown
    assert "0.00000" not in shown


def test_a_poor_fit_tells_no_limit_and_a_clipped_one_is_marked(
    saved: str, capsys: Capture
) -> None:
    """As the serial fraction is that the limit comes from."""
    assert main(["scaling", saved, "--table", "fit"]) == 0
    shown = capsys.readouterr().out.splitlines()
    (poor,) = (line for line in shown if line.endswith(" poor"))
    (clipped,) = (line for line in shown if "0.0°*" in line)
    assert "0.12 (0.00–0.46)  " in poor
    assert poor.split("(0.00–0.46)")[1].split()[0] == "—"
    assert "no limit°*" in clipped


def test_times_by_a_clipped_law_are_explained(
    save: Save, saved: str, case: Make, capsys: Capture
) -> None:
    """They are by the estimate, which the column of serial fractions does not show."""
    outside = "its serial fraction as estimated, also where that is outside 0 to 1"
    assert main(["scaling", saved, "--table", "cores"]) == 0
    assert outside in capsys.readouterr().out
    inside = zip((1, 2, 4), (4.0, 2.2, 1.3), strict=True)
    run = save("run.json", *(case([t], cores=n) for n, t in inside))
    assert main(["scaling", run, "--table", "cores"]) == 0
    shown = capsys.readouterr().out
    assert "by law: seconds by the fit" in shown
    assert outside not in shown


def test_two_numbers_of_cores_have_no_fit_and_say_so(
    save: Save, case: Make, capsys: Capture
) -> None:
    file = save("run.json", case([2.0]), case([1.0], cores=2))
    assert main(["scaling", file]) == 0
    assert (
        "no fit of Amdahl's law: it needs times on 3 numbers of cores, and there are 2"
    ) in capsys.readouterr().out
    assert main(["scaling", file, "--table", "fit"]) == 2
    assert "nothing to show in it; there is cores" in capsys.readouterr().err


def test_one_number_of_cores_only_is_refused(
    save: Save, case: Make, capsys: Capture
) -> None:
    file = save("run.json", case(cores=2), case(cores=2, size=128))
    assert main(["scaling", file]) == 2
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: no case has a time and was run on several numbers of cores; "
        "measured: cores=2; `pytest benchmarks --devices cpu --cores 4,2,1 "
        "--benchmark-autosave` measures some\n"
    )
    assert not shown.out


def test_no_case_on_the_cpu_is_refused(save: Save, case: Make, capsys: Capture) -> None:
    gpu = {"device": "cuda", "cnmem": "1"}
    file = save("run.json", case(cores=2, **gpu), case(cores=4, **gpu))
    assert main(["scaling", file]) == 2
    assert "no case on the CPU; measured: cuda; `pytest" in capsys.readouterr().err


def test_outcomes_alone_are_refused(save: Save, untimed: Make, capsys: Capture) -> None:
    file = save(
        "run.json",
        outcomes=[untimed("crashed", signal="SIGSEGV"), untimed("timed-out", cores=2)],
    )
    assert main(["scaling", file]) == 2
    assert capsys.readouterr().err == (
        "reports: no case on the CPU has a time: crashed (SIGSEGV), timed out\n"
    )


def test_other_projects_files_are_refused(save: Save, capsys: Capture) -> None:
    file = save("other.json", {"name": "a", "stats": {"median": 1.0}})
    assert main(["scaling", file]) == 2
    assert "no training case in other.json" in capsys.readouterr().err


def test_many_cases_left_alone_are_counted(
    save: Save, case: Make, capsys: Capture
) -> None:
    """Three are named, so that the line stays one."""
    alone = [case(size=size) for size in range(100, 110)]
    file = save("run.json", case([2.0]), case([1.0], cores=2), *alone)
    assert main(["scaling", file]) == 0
    (line,) = (
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("not shown, on one number of cores only")
    )
    assert line.endswith(" and 7 more")
    assert line.count("engine=") == 3


def test_mutated_files_never_end_in_a_traceback(
    saved: str, mutants: Callable[[str, int, int], Iterator[str]], capsys: Capture
) -> None:
    """200 files, seed 5."""
    for form in mutants(saved, 200, 5):
        code = main(["scaling", "bad.json", saved, "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert code == 0 or shown.err
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())

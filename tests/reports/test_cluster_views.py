"""Several machines in one file, in every view: as in several files."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reports import summary
from reports.__main__ import main
from tests.reports.clustered import LABELS, NODES, apart, cluster, on, run

Record = dict[str, Any]
Case = Callable[..., Record]
Save = Callable[..., str]

XEON_LABEL, EPYC_LABEL = LABELS
A, B = NODES[XEON_LABEL][:2]
OTHER = NODES[EPYC_LABEL][0]


def rows(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> list[Record]:
    """What the command writes as CSV, without where it was read."""
    assert main([*arguments, "--format", "csv"]) == code
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    return [{k: v for k, v in row.items() if k != "source"} for row in found]


@pytest.mark.parametrize(
    ("view", "options"),
    [
        ("speedup", []),
        ("speedup", ["--table", "gpu"]),
        ("speedup", ["--baseline", "device=cpu,cores=4"]),
        ("pool", []),
        ("pool", ["--table", "means"]),
        ("scaling", []),
        ("scaling", ["--table", "fit"]),
        ("phases", []),
    ],
)
def test_two_machines_in_one_file_are_as_two_files_of_two_machines(
    view: str,
    options: list[str],
    save: Save,
    case: Case,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Figure for figure, in whatever table."""
    one, two = run(save, case), apart(save, case)
    together = rows(capsys, view, one, *options)
    key = sorted(together[0])
    assert len(together) > 1
    for each in (together, separate := rows(capsys, view, *two, *options)):
        each.sort(key=lambda row: [str(row[name]) for name in key])
    assert together == separate


def test_cases_are_told_apart_by_the_clusters_label(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside another file with its name before it."""
    one = run(save, case)
    assert main(["speedup", one]) == 0
    alone = capsys.readouterr().out
    assert f" {XEON_LABEL} " in alone
    assert "Laptop" not in alone
    assert main(["speedup", one, save("desk.json", case([1.0], [1.1]))]) == 0
    beside = capsys.readouterr().out
    assert f" run on {XEON_LABEL} " in beside
    assert " desk " in beside


def test_of_one_type_the_machine_is_no_column(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    record = on(case([1.0], [1.1], [1.05]), [A, B])
    assert main(["speedup", save("run.json", record, cluster=cluster())]) == 0
    shown = capsys.readouterr().out
    assert f"{XEON_LABEL}: Xeon, 16 CPUs" in shown
    assert "source" not in shown


def test_baseline_is_sought_on_the_cases_own_machine(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it was not measured there, nothing is compared."""
    cases = [
        on(case([4.0]), [A], XEON_LABEL),
        on(case([1.0], cores=4), [A], XEON_LABEL),
        on(case([0.1], cores=4), [OTHER], EPYC_LABEL),
    ]
    one = save("run.json", *cases, cluster=cluster())
    found = rows(capsys, "speedup", one, "--baseline", "cores=1")
    assert [row["speedup"] for row in found] == ["1", "", "4"]


def test_the_summary_of_a_run_tells_machines_apart(save: Save, case: Case) -> None:
    """As a file would, faults in a line each."""
    bad = on(case([1.0], [2.0], cores=8), [A, OTHER])
    one = save(
        "run.json",
        on(case([1.0]), [A], XEON_LABEL),
        on(case([2.0]), [OTHER], EPYC_LABEL),
        bad,
        cluster=cluster(),
    )
    text = summary.of(json.loads(Path(one).read_text()))
    assert f"{EPYC_LABEL}  " in text
    assert f"{XEON_LABEL}  " in text
    (line,) = (each for each in text.splitlines() if each.startswith("left out"))
    assert "hard facts differ" in line


def test_guard_holds_each_machine_against_itself(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names are those of pytest, which end in the machine's label."""
    base = run(save, case, "base.json", seed=3)
    head = run(
        save,
        case,
        "head.json",
        seed=4,
        effects=dict.fromkeys(NODES[EPYC_LABEL], 0.5),
        commit="beef",
    )
    found = rows(capsys, "guard", base, "--against", head)
    assert len(found) == 20
    slow = {row["verdict"] for row in found if row["node_id"].endswith(f"{LABELS[1]}]")}
    same = {row["verdict"] for row in found if row["node_id"].endswith(f"{LABELS[0]}]")}
    assert slow == {"suspect"}
    assert "suspect" not in same


def test_guard_confirms_no_machine_by_another(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fresh launches of one type alone leave the other's suspects undecided."""

    def measured(
        name: str, seconds: float, day: int, types: Sequence[str], **more: Any
    ) -> str:
        times = [[seconds + 0.001 * number] for number in range(4)]
        cases = [on(case(*times), NODES[label][:2], label) for label in types]
        when = f"2026-11-{day}T02:00:00+00:00"
        return save(name, *cases, cluster=cluster(), when=when, **more)

    after = {"commit": "beef"}
    files = [
        measured("base.json", 1.0, 1, LABELS),
        *("--against", measured("head.json", 1.5, 2, LABELS, **after)),
        *("--confirm-base", measured("c.json", 1.01, 3, [EPYC_LABEL])),
        *("--confirm-head", measured("d.json", 1.51, 4, [EPYC_LABEL], **after)),
    ]
    found = rows(capsys, "guard", *files, code=1)
    verdicts = {row["node_id"][-len(EPYC_LABEL) - 1 : -1]: row for row in found}
    assert verdicts.pop(EPYC_LABEL)["verdict"] == "slower"
    assert [row["verdict"] for row in verdicts.values()] == ["suspect"]


def test_guard_refuses_another_machine_in_a_file(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it does another machine's file."""
    cases = [on(case([1.0], [1.1], [1.2]), [A], XEON_LABEL)]
    base = save("base.json", *cases, cluster=cluster())
    cases = [on(case([1.0], [1.1], [1.3]), [OTHER], EPYC_LABEL)]
    head = save("head.json", *cases, cluster=cluster(), commit="beef")
    assert main(["guard", base, "--against", head]) == 3
    assert "not comparable: cpu_model is Xeon in base" in capsys.readouterr().err


def test_trend_has_a_history_for_each_machine_of_a_file(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over several files, each of both machines; named by label."""
    names = [
        run(
            save,
            case,
            f"day{day}.json",
            seed=day,
            commit=f"{day:07}",
            when=f"2026-11-0{day}T02:00:00+00:00",
        )
        for day in range(1, 4)
    ]
    found = rows(capsys, "trend", *names)
    assert len(found) == 20
    assert {row["machine"] for row in found} == set(LABELS)
    assert {row["points"] for row in found} == {"3"}


def test_machines_shows_a_column_for_each_machine_of_a_file(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """With all values of a soft fact in which nodes of one differ."""
    one = run(save, case, soft={A: {"kernel": "6.1.0-20-amd64"}})
    assert main(["machines", one]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 machines in run.json; 2 columns\n")
    assert "no comparison of A with B: " in shown
    assert "6.1.0-18-amd64, 6.1.0-20-amd64" in shown
    assert "Laptop" not in shown
    assert main(["machines", one, *apart(save, case)]) == 0
    assert "4 machines in 3 files; " in capsys.readouterr().out


def test_figures_and_page_name_each_machine(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures of either in files of their own; the file once in the list of files."""
    one = run(save, case)
    assert main(["figures", one, "--formats", "svg", "--output", "figures"]) == 0
    files = {path.name for path in Path("figures").glob("*.svg")}
    for label in LABELS:
        assert f"figure-5-theano-fit-{label}.svg" in files
    assert main(["page", one, "--output", "page"]) == 0
    text = Path("page", "index.html").read_text(encoding="utf-8")
    for label in LABELS:
        assert f"{label}: " in text
    assert "Laptop" not in text
    assert text.count("20 training cases") == 1
    capsys.readouterr()

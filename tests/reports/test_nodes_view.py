"""``python -m reports nodes``: whole tables, soft facts, and the note elsewhere."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports import summary
from reports.__main__ import main
from tests.reports.clustered import LABELS, NODES, cluster, entry, on, run

Case = Callable[..., dict[str, Any]]
Save = Callable[..., str]

GOLDEN = Path(__file__).parent / "golden"
A, B, C, D = NODES[LABELS[0]]
NOTE = f"slower than their like: {B} ({LABELS[0]}) by "
NEWER = {
    "kernel": "6.1.0-20-amd64",
    "packages": {"python": "3.11.9", "numpy": "2.4.6"},
    "host": "anything",
}


@pytest.fixture
def slow(save: Save, case: Case) -> str:
    """One node is slower by 8 %, and another has a newer kernel and Python."""
    return run(save, case, effects={B: 0.08}, soft={C: NEWER})


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main([*arguments]) == code
    return capsys.readouterr().out


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
def test_whole_table(
    slow: str, form: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row for each node, with what it differs in; then what that means."""
    found = shown(capsys, "nodes", slow, "--format", form)
    assert found == (GOLDEN / f"nodes.{ending}").read_text(encoding="utf-8")


def test_groups_and_nodes_that_are_alone(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each says so, and no factor of one group is of another's."""
    cases = [
        on(case([1.0], [1.1], [1.01], cores=1), [A, B]),
        on(case([2.0], [2.1], [2.02], cores=2), [C, D]),
        on(case([2.0], cores=4), [NODES[LABELS[1]][0]]),
    ]
    found = shown(capsys, "nodes", save("run.json", *cases, cluster=cluster()))
    assert found == (GOLDEN / "nodes_groups.txt").read_text(encoding="utf-8")


def test_a_lone_launch_has_no_interval(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no verdict; of one type, and of one group, there is no column for either."""
    record = on(case([1.0], [1.21]), [A, B])
    found = shown(capsys, "nodes", save("run.json", record, cluster=cluster()))
    cells = " ".join(found.split())
    assert f"{A} 1 1 1 0.909* too few launches" in cells
    assert f"{B} 1 1 1 1.10* too few launches" in cells
    assert "* too few launches beside one for each case and node" in found
    assert "machine" not in found
    assert "group" not in found


@pytest.mark.parametrize("file", [True, False])
def test_without_nodes_it_says_what_measures_some(
    file: bool, save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of files that no cluster measured, or that hold no case."""
    cases = [case([1.0])] if file else [{"name": "x", "stats": {"median": 1.0}}]
    assert main(["nodes", save("run.json", *cases)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    expected = "no launch tells the node" if file else "no training case in run.json"
    assert line.startswith(f"reports: {expected}")


def test_soft_facts_are_named_by_what_most_nodes_have(
    slow: str, save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that differs from most is told; of two that differ, both; of none a line."""
    told = (
        "[a] soft facts: kernel 6.1.0-20-amd64, elsewhere 6.1.0-18-amd64; "
        "packages.python 3.11.9, elsewhere 3.11.7\n"
    )
    found = shown(capsys, "nodes", slow)
    assert told in found
    assert f"{C} [a]" in found
    assert found.count("[a]") == 2
    record = on(case([1.0], [1.1]), [A, B])
    pair = {"nodes": {A: entry(LABELS[0]), B: entry(LABELS[0], NEWER)}}
    found = shown(capsys, "nodes", save("pair.json", record, cluster=pair))
    assert f"{A} [a]" in found
    assert f"{B} [b]" in found
    alike = {"nodes": {A: entry(LABELS[0]), B: entry(LABELS[0], {"host": "b"})}}
    found = shown(capsys, "nodes", save("alike.json", record, cluster=alike))
    assert "soft facts (kernel, driver, packages, …) do not differ" in found
    assert "[a]" not in found


def test_many_soft_facts_are_counted(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that a line stays one; one that a node does not tell is among them."""
    packages = {f"package{number}": "1" for number in range(9)}
    nodes = {
        A: entry(LABELS[0]),
        B: entry(LABELS[0]),
        C: entry(LABELS[0], {"packages": packages}),
    }
    record = on(case([1.0], [1.1], [1.2]), [A, B, C])
    one = save("run.json", record, cluster={"nodes": nodes})
    (line,) = (
        each for each in shown(capsys, "nodes", one).splitlines() if each[:3] == "[a]"
    )
    assert line == (
        "[a] soft facts: packages.python not saved, elsewhere 3.11.7; packages.numpy "
        "not saved, elsewhere 2.4.6; packages.package0 1, elsewhere not saved; "
        "packages.package1 1, elsewhere not saved and 7 more facts"
    )


@pytest.mark.parametrize(
    ("view", "tables"),
    [
        ("speedup", 2),
        ("pool", 2),
        ("scaling", 2),
        ("phases", 1),
        ("trend", 1),
        ("machines", 0),
    ],
)
def test_other_tables_have_a_line_on_a_slow_node(
    view: str,
    tables: int,
    slow: str,
    save: Save,
    case: Case,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With how much slower it is; none where nothing is sure."""
    assert shown(capsys, view, slow).count(NOTE) == tables
    assert "slower than their like" not in shown(capsys, view, run(save, case))


def test_the_line_tells_how_much_and_what_to_do(
    slow: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The very figures of the table."""
    (line,) = (
        each for each in shown(capsys, "phases", slow).splitlines() if NOTE in each
    )
    table = csv.DictReader(io.StringIO(shown(capsys, "nodes", slow, "--format", "csv")))
    (row,) = (each for each in table if each["node"] == B)
    factor, low, high = (
        (float(row[name]) - 1) * 100 for name in ("factor", "factor_low", "factor_high")
    )
    assert line == (
        f"{NOTE}{factor:.1f} % ({low:.1f}–{high:.1f}); launches on them are among "
        "these, and `python -m reports nodes` tells more"
    )
    assert row["verdict"] == "slower"


def test_many_slow_nodes_are_counted(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three are named, the slowest first."""
    label = LABELS[0]
    names = [f"node-{number:02}" for number in range(12)]
    told = {"nodes": {name: entry(label) for name in names}}
    cases = []
    for size in range(32, 44):
        record = case(
            *[(1.0 + 0.1 * max(0, n - 7) + 0.001 * (size % 3),) for n in range(12)],
            size=size,
        )
        machine = told["nodes"][names[0]]["machine"]
        for launch, name in zip(record["extra_info"]["launches"], names, strict=True):
            launch["launched"] = {"node": name, "machine": machine}
        cases.append(record)
    found = shown(capsys, "phases", save("run.json", *cases, cluster=told))
    (line,) = (each for each in found.splitlines() if "than their like" in each)
    places = [line.index(f"node-{number}") for number in (11, 10)]
    assert places == sorted(places)
    assert "node-09" in line
    assert " and 1 more; " in line


def test_guard_has_the_line_for_base_and_head_together(
    slow: str, save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    head = run(save, case, "head.json", seed=5, effects={B: 0.08}, commit="beef")
    assert shown(capsys, "guard", slow, "--against", head).count(NOTE) == 1


def test_the_summary_of_a_run_has_the_line(slow: str) -> None:
    assert NOTE in summary.of(json.loads(Path(slow).read_text()))


def test_the_page_has_the_table_and_the_line(slow: str) -> None:
    assert main(["page", slow, "--output", "page"]) == 0
    page = Path("page", "index.html").read_text(encoding="utf-8")
    assert 'id="nodes"' in page
    assert NOTE in page


def test_launches_saved_twice_count_once(
    slow: str, save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """As --benchmark-autosave beside --benchmark-json saves them."""
    again = run(save, case, "again.json", effects={B: 0.08}, soft={C: NEWER})
    one = shown(capsys, "nodes", slow, "--format", "csv")
    assert shown(capsys, "nodes", slow, again, "--format", "csv") == one

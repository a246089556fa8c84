"""``python -m reports speedup``: whole tables, bad input, and the command itself."""

import ast
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.__main__ import main

Case = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Mutants = Callable[[str, int, int], Iterator[str]]

GOLDEN = Path(__file__).parent / "golden"
PACKAGE = Path(reports.__file__).parent


@pytest.fixture
def run(save: Save, case: Case) -> str:
    """Every kind of row: baseline, interval, too few launches, no baseline, pool."""
    two = ([0.5, 0.52], [0.48, 0.5])
    return save(
        "run.json",
        case([2.0, 2.1, 1.9], [2.2, 2.2, 2.2], [1.9, 1.9, 2.0]),
        case([1.2, 1.3, 1.1], [1.25, 1.3, 1.2], [1.3, 1.3, 1.25], cores=2),
        case([0.2, 0.2], [0.21], [0.19, 0.2], device="cuda", cnmem="0", cores=16),
        case([0.1, 0.1], [0.11], [0.1, 0.1], device="cuda", cnmem="grow", cores=16),
        case(*two, engine="tensorflow"),
        case([0.3, 0.3], [0.29, 0.31], engine="tensorflow", cores=2),
        case([4.0, 4.2], engine="tensorflow", size=200, cores=2),
        {"name": "test_overhead", "stats": {"median": 0.0125, "data": [0.0125] * 3}},
    )


@pytest.fixture
def loops(save: Save, case: Case) -> str:
    """Loops and precisions that differ, notes, and two ways to lack a baseline."""
    gpu = {"device": "cuda", "cnmem": "1", "cores": 16, "engine": "jax"}
    streamed = "streamed: 3 of 30 steps' images at a time, since 960 MB do not fit"
    plain = "not compiled: no C++ compiler here"
    three = ([0.1, 0.1], [0.11], [0.1, 0.1])
    return save(
        "loops.json",
        case([2.0], [2.1], [1.9], engine="jax"),
        case([1.0], [1.1], [1.0], engine="jax", loop="fused", precision="float32"),
        case([0.9], [0.9], engine="jax", loop="peer", precision="float32"),
        case([0.7], [0.7], engine="jax", loop="peer", precision="bfloat16"),
        case(*three, **gpu, notes=[streamed]),
        case(*three, **gpu, precision="tf32", notes=[plain, streamed]),
        case([0.05], [0.06], [0.05], **gpu, loop="fused", precision="bfloat16"),
        case([0.05], [0.05], **gpu, loop="peer", precision="tf32", notes=[plain]),
        case([0.04], [0.04], **gpu, loop="peer", precision="bfloat16"),
        case([0.2], **gpu, size=200, loop="fused", precision="tf32"),
    )


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
@pytest.mark.parametrize(("saved", "golden"), [("run", "speedup"), ("loops", "loops")])
def test_whole_table(
    saved: str,
    golden: str,
    form: str,
    ending: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each format shows all rows, in the axes' order, with its notes (csv: a column).

    Where a table is to look otherwise, write what it shows over its golden file, and
    read the difference.
    """
    file = request.getfixturevalue(saved)
    assert main(["speedup", file, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"{golden}.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def test_output_is_the_same_bytes_again(run: str, tmp_path: Path) -> None:
    """Also into a folder that is not there yet."""
    written = []
    for name in ("a", "b"):
        assert main(["speedup", run, "--output", f"build/{name}.txt"]) == 0
        written.append((tmp_path / "build" / f"{name}.txt").read_bytes())
    assert written[0] == written[1] == (GOLDEN / "speedup.txt").read_bytes()


def test_other_baseline_changes_the_speedups(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["speedup", run, "--format", "csv", "--baseline", "device=cpu,cores=2"]
    assert main(args) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    column = rows[0].index("speedup")
    assert [row[column] for row in rows[1:4]] == ["0.6", "1", "1"]


def _speedups(text: str) -> dict[tuple[str, ...], str]:
    """The ratios of a csv table by device, loop and precision."""
    rows = csv.DictReader(io.StringIO(text))
    return {
        (row["device"], row["loop"], row["precision"]): row["speedup"] for row in rows
    }


@pytest.mark.parametrize(
    ("asked", "row", "expected"),
    [
        ("loop=fit", ("cpu", "fused", "float32"), "2"),
        ("loop=peer", ("cpu", "fused", "float32"), "0.9"),
        ("loop=peer", ("cuda", "fused", "bfloat16"), "0.8"),
        ("precision=float32", ("cuda", "fit", "tf32"), "1"),
        ("precision=float32", ("cuda", "peer", "tf32"), ""),  # measured on no GPU
        ("device=cpu,cores=1", ("cuda", "peer", "bfloat16"), "17.5"),  # its own
        ("device=cpu,cores=1", ("cuda", "peer", "tf32"), "18"),  # the float32 one
    ],
)
def test_loop_and_precision_choose_the_baseline(
    loops: str,
    asked: str,
    row: tuple[str, ...],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each is kept equal unless it is named, or a GPU's precision leaves the GPU."""
    assert main(["speedup", loops, "--format", "csv", "--baseline", asked]) == 0
    assert _speedups(capsys.readouterr().out)[row] == expected


def test_ratio_across_precisions_is_marked(
    loops: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where it was asked for; and nowhere else."""
    asked = ["speedup", loops, "--table", "cases", "--baseline"]
    assert main([*asked, "precision=float32"]) == 0
    lines = capsys.readouterr().out.splitlines()
    marked = [line for line in lines if line.endswith("†")]
    assert all("tf32" in line or "bfloat16" in line for line in marked)
    assert len(marked) == 2
    (legend,) = (line for line in lines if line.startswith("†"))
    assert "bfloat16 against float32, tf32 against float32" in legend
    assert main([*asked, "loop=peer"]) == 0
    assert "†" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "; model.fit; float32; Xeon"),
        ({"loop": "fused", "precision": "tf32"}, "; fused loop; tf32; Xeon"),
        ({"loop": "peer"}, "; peers without Keras; float32; Xeon"),
        ({"loop": "lazy\n", "precision": "fp8"}, r"; loop lazy\n; fp8; Xeon"),
    ],
)
def test_loop_and_precision_are_said_where_all_have_the_same(
    save: Save,
    case: Case,
    said: dict[str, str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the line above, and then in no column but the data's."""
    run = save("run.json", case(**said), case(cores=2, **said))
    assert main(["speedup", run]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert expected in lines[0]
    assert "precision" not in lines[3]
    for form in ("csv", "html"):
        assert main(["speedup", run, "--format", form]) == 0
        assert "precision" in capsys.readouterr().out


def test_many_notes_do_not_bury_the_table(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """26 have a letter; the rest is counted, and in csv."""
    notes = [f"note {number}" for number in range(1000)]
    run = save("run.json", case([1.0], notes=notes), case(cores=2, notes=notes[-1:]))
    assert main(["speedup", run]) == 0
    shown = capsys.readouterr().out
    assert "[z] note 25\n[…] 974 more; --format csv has them all\n" in shown
    assert "1×1 […]" in shown
    assert main(["speedup", run, "--format", "csv"]) == 0
    assert "note 998 | note 999" in capsys.readouterr().out


def test_explicit_baseline_that_fits_nothing_is_refused(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["speedup", run, "--baseline", "cores=64"]) == 2
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: --baseline cores=64: no case has cores=64; measured: 1, 2, 16\n"
    )
    assert not shown.out


def test_without_the_default_baseline_the_times_are_still_shown(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine that measured its GPU only asked for no baseline on the CPU."""
    run = save("gpu.json", case([0.5], device="cuda", cnmem="1", cores=16))
    assert main(["speedup", run]) == 0
    shown = capsys.readouterr().out
    assert "0.500" in shown
    assert "— no row has a baseline: no case has device=cpu; measured: cuda" in shown


def test_machines_are_never_compared_with_each_other(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """The baseline of the attic's case was measured in the lab only."""
    save("lab.json", case([2.0]))
    save("attic.json", case([1.0], cores=2), node="attic")
    assert main(["speedup", "lab.json", "attic.json"]) == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if "attic" in line)
    assert row.rstrip().endswith("—")
    assert "source: cases are compared only within one machine" in shown


def test_pooled_files_are_said_to_be(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seconds in {"a.json": 2.0, "b.json": 2.1, "c.json": 2.1}.items():
        save(name, case([seconds]), dirty=True)
    assert main(["speedup", "a.json", "b.json", "c.json"]) == 0
    shown = capsys.readouterr().out
    assert "2×1" in shown
    assert "are pooled; uncommitted changes may differ between them" in shown
    assert (
        "1 row has timings that were saved more than once: each is counted once"
        in shown
    )


@pytest.mark.parametrize(
    ("cores", "line"),
    [
        ((1,), "* two launches: the faster and the slower, no interval"),
        (
            (1, 2),
            "* fewer than 3 launches, on a side for a speed-up: no interval; "
            "(low–high) are the faster and the slower of two, a ratio stands alone; "
            "measure with --launches 3 or more",
        ),
    ],
)
def test_two_launches_do_not_look_like_an_interval(
    cores: tuple[int, ...],
    line: str,
    save: Save,
    case: Case,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The mark means one thing in a table, whether ratios bear it too or not."""
    run = save("run.json", *[case([2.0], [2.1], cores=n) for n in cores])
    assert main(["speedup", run]) == 0
    shown = capsys.readouterr().out
    assert "2.05 (2.00–2.10)*" in shown
    assert [each for each in shown.splitlines() if each.startswith("*")] == [line]


def test_datasets_that_differ_get_a_column(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save("run.json", case(), case(dataset="glas"))
    assert main(["speedup", run]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 cases from run.json; 300 images an epoch; model.fit")
    assert "dataset" in shown.splitlines()[3]


def test_bad_files_are_named_and_the_others_shown(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 tells a script what the lines tell a person."""
    Path("cut.json").write_bytes(Path(run).read_bytes()[:500])
    assert main(["speedup", "gone.json", "cut.json", run]) == 2
    shown = capsys.readouterr()
    gone, cut = shown.err.splitlines()
    assert gone.startswith("reports: gone.json: cannot be read")
    assert cut.startswith("reports: cut.json: is cut off (line")
    assert shown.out == (GOLDEN / "speedup.txt").read_text(encoding="utf-8")


def test_cases_of_other_projects_appear_by_name(
    run: str, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, and in a table of their own beside training; without rounds it is said."""
    stats = {"median": 0.25, "rounds": 9}
    other = save("other.json", {"name": "test_sort", "params": None, "stats": stats})
    assert main(["speedup", other]) == 0
    alone = capsys.readouterr()
    assert "test_sort       9   0.250\n" in alone.out
    assert "--benchmark-save-data keeps them" in alone.out
    assert main(["speedup", other, run, "--table", "others"]) == 0
    both = capsys.readouterr().out
    assert both.startswith("2 cases that time something else than training\n")
    assert "test_overhead       3  0.0125  run.json\n" in both
    assert main(["speedup", other, run, "--table", "cases"]) == 0
    shown = capsys.readouterr()
    assert "test_sort" not in shown.out
    assert not shown.err


def test_file_without_any_case_is_named(
    run: str, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line; the other file is still shown."""
    save("other.json", {"name": "test_sort", "params": None, "extra_info": {}})
    assert main(["speedup", "other.json"]) == 2
    alone = capsys.readouterr()
    assert alone.err.splitlines()[0] == (
        "reports: other.json: left out test_sort: has neither rounds (stats.data) nor "
        "stats.median"
    )
    assert not alone.out
    assert main(["speedup", "other.json", run]) == 2
    assert "theano" in capsys.readouterr().out


def test_a_table_that_is_not_there_is_refused(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save("run.json", case())
    assert main(["speedup", run, "--table", "gpu"]) == 2
    assert capsys.readouterr().err == (
        "reports: --table gpu: nothing to show in it; there is cases\n"
    )


def test_output_that_cannot_be_written_is_named(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["speedup", run, "--output", f"{run}/table.txt"]) == 2
    assert capsys.readouterr().err.startswith("reports: cannot write run.json/table.tx")


def test_mutated_files_never_end_in_a_traceback(
    run: str, mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    """300 files, seed 11."""
    for form in mutants(run, 300, 11):
        code = main(["speedup", "bad.json", "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert code == 0 or shown.err
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())


def _process(*arguments: str, **settings: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "reports", *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **settings,
    )


def test_help_shows_an_example() -> None:
    with _process("speedup", "--help") as process:
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "example:\n  python -m reports speedup --baseline device=cpu" in shown
    assert not errors


def test_closed_pipe_ends_in_silence(run: str) -> None:
    """As after ``| head``: the reader is gone before the table is written."""
    with _process("speedup", run) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_full_disk_behind_standard_output_is_an_error(run: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full, which stands for a full disk, is Linux's")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reports", "speedup", run],
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == (
        "reports: cannot write standard output: No space left on device\n"
    )


def test_reports_needs_nothing_else_of_the_suite() -> None:
    """It reads files of other machines, where nothing of ours need be installed."""
    ours = {"histocnn", "benchmarks", "conftest", "tests", "tools"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    assert "reports" in found
    assert not found & ours


def test_what_was_read_is_never_written_over(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whatever name; hours of measuring are in it."""
    before = Path(run).read_bytes()
    Path("link.json").symlink_to(run)
    for output in (run, f"./{run}", "link.json"):
        assert main(["speedup", run, "--output", output]) == 2
        assert "is one of the files that were read" in capsys.readouterr().err
    assert Path(run).read_bytes() == before


def test_one_file_by_two_names_is_one(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("link.json").symlink_to(run)
    assert main(["speedup", run, "link.json"]) == 0
    shown = capsys.readouterr().out
    assert shown == (GOLDEN / "speedup.txt").read_text(encoding="utf-8")


def test_a_name_that_is_too_long_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speedup", "x" * 300]) == 2
    assert "cannot be read: File name too long" in capsys.readouterr().err


def test_closed_standard_output_is_an_error(run: str) -> None:
    command = f"exec {sys.executable} -m reports speedup {run} >&-"
    done = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "reports: cannot write standard output: it is closed\n"


def test_launches_of_two_kinds_are_marked(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """The median is one of the fast, the interval around the mean of all."""
    times = [[1.0]] * 9 + [[9.0]] * 8
    run = save("run.json", case(*times), case([1.0], [1.0], [1.0], cores=2))
    assert main(["speedup", run]) == 0
    shown = capsys.readouterr().out
    assert ")≠" in shown
    assert "≠ outside its interval: the value is by the median" in shown


def test_parameters_of_others_take_no_columns_name(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job may have fields called as our columns are."""
    names = ("size_px", "seconds", "source", "notes", "gpu")
    run = save(
        "run.json",
        case(**dict.fromkeys(names, "p")),
        case(**dict.fromkeys(names, "q")),
    )
    assert main(["speedup", run, "--format", "json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    assert [row["size_px"] for row in table["rows"]] == [64, 64]
    assert [row["param_size_px"] for row in table["rows"]] == ["p", "q"]
    assert [row["seconds"] for row in table["rows"]] == [1.0, 1.0]

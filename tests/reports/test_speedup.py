"""``python -m reports speedup``: whole tables, bad input, and the command itself."""

import ast
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.__main__ import main

Case = Callable[..., dict[str, Any]]
Save = Callable[..., str]

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
        {"name": "test_overhead", "extra_info": {}},
    )


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        ("plain", "txt"),
        ("github", "md"),
        ("latex", "tex"),
        ("csv", "csv"),
        ("html", "html"),
    ],
)
def test_whole_table(
    run: str, form: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each format shows all rows, in the axes' order, with its notes (csv: none)."""
    assert main(["speedup", run, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"speedup.{ending}").read_text(encoding="utf-8")
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
    assert "source: cases are compared only within one machine and commit" in shown


def test_pooled_files_are_said_to_be(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seconds in {"a.json": 2.0, "b.json": 2.1, "c.json": 2.1}.items():
        save(name, case([seconds]), dirty=True)
    assert main(["speedup", "a.json", "b.json", "c.json"]) == 0
    shown = capsys.readouterr().out
    assert "2×1" in shown
    assert "are pooled; uncommitted changes may differ between them" in shown
    assert "timings saved more than once are counted once (rows: 1)" in shown


def test_datasets_that_differ_get_a_column(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save("run.json", case(), case(dataset="glas"))
    assert main(["speedup", run]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 cases from run.json; 300 images an epoch; Xeon")
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


def test_file_without_training_cases_is_named(
    run: str, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no error beside one that has some, and one if it is all there is."""
    save("other.json", {"name": "test_sort", "params": None, "extra_info": {}})
    assert main(["speedup", "other.json", run]) == 0
    assert capsys.readouterr().err == "reports: other.json: no training case in it\n"
    assert main(["speedup", "other.json"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("reports: no training case in other.json; `pytest ben")
    assert not shown.out


def test_output_that_cannot_be_written_is_named(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["speedup", run, "--output", f"{run}/table.txt"]) == 2
    assert capsys.readouterr().err.startswith("reports: cannot write run.json/table.tx")


def test_mutated_files_never_end_in_a_traceback(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """300 files, seed 11: cut, with bytes changed, or with a value swapped."""
    chance = random.Random(11)
    values = (b"null", b"-1", b"0", b'"x"', b"[]", b"{}", b"NaN", b"1e999", b"true")
    good = json.dumps(json.loads(Path(run).read_bytes())).encode()
    for _ in range(300):
        content = bytearray(good)
        kind = chance.randrange(3)
        if kind == 0:
            del content[chance.randrange(len(content)) :]
        elif kind == 1:
            content[chance.randrange(len(content))] = chance.randrange(256)
        else:
            start = content.index(b": ", chance.randrange(len(content) - 40)) + 2
            end = min(content.find(mark, start) % len(content) for mark in b",}]")
            content[start:end] = chance.choice(values)
        Path("bad.json").write_bytes(content)
        form = chance.choice(["plain", "github", "latex", "csv", "html"])
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

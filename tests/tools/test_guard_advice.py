"""What the guard of a session says in place of advice that is for files alone."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.guard import advice, made_up
from tools.guard.judge import Files, Judge, Shown
from tools.guard.sessions import nothing_measured


def shown(
    folder: Path, *options: str, factor: float = 1.0, node: str = "made-up"
) -> Shown:
    """What `reports guard` shows of six launches a side; head's on ``node``."""
    files = []
    for name, times in (("base", 1.0), ("head", factor)):
        machine = {"node": node if name == "head" else "made-up"}
        file = made_up.write(folder / f"{name}.json", machine=machine)
        document = json.loads(file.read_text())
        document["benchmarks"][0]["extra_info"]["launches"] = [
            {"rounds": [{"seconds": times * (1 + number / 1000)}]}
            for number in range(6)
        ]
        file.write_text(json.dumps(document))
        files.append(file)
    judge = Judge(Path(sys.executable), ROOT, options, split_base=True)
    return judge.show(Files(files[:1], files[1:]))


@pytest.mark.parametrize("form", ["plain", "github"])
def test_no_command_for_files_is_left(tmp_path: Path, form: str) -> None:
    """Where a second look has been, another one by hand is none of the same."""
    found = shown(tmp_path, "--format", form, factor=2.0)
    assert "--confirm-head" in found.table
    table, above = advice.after_both_looks(found, ())
    assert "--confirm-head" not in table
    assert "suspect" in table
    assert "--guard-launches" in above[-1]


def test_a_table_without_advice_stays(tmp_path: Path) -> None:
    found = shown(tmp_path)
    assert advice.after_both_looks(found, ()) == (found.table, [])


def test_what_may_be_allowed_is_an_option_of_pytests(tmp_path: Path) -> None:
    """With the options that were there already, as a shell takes them."""
    found = shown(tmp_path, "--slowdown", "5 %", node="other")
    assert found.code == 3
    table, above = advice.after_both_looks(found, ("--slowdown", "5 %"))
    assert "--allow" not in table
    assert "--allow" not in "".join(above[:-1])
    option, value, *_ = shlex.split(above[-1])
    assert option == "--guard-options"
    assert shlex.split(value) == ["--slowdown", "5 %", "--allow", "node"]


def test_a_log_that_goes_is_not_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("the disk is on fire\n")
    assert str(log) in str(nothing_measured("it", 1, log))
    gone = str(nothing_measured("it", 1, log, is_kept=False))
    assert str(log) not in gone
    assert gone.endswith("the disk is on fire")

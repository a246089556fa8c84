"""`pytest benchmarks --guard BASE`, with workers that answer at once."""

import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import ROOT
from tests.fake_worker import VARIABLE, Behaviour, fake_python

#: Two cases, of exact times: how launches scatter is no part of these tests.
GRID = (
    *("--engines", "tensorflow", "--devices", "cpu", "--sizes", "32", "--repeats", "0"),
    *("--batches", "10,20", "--images", "20", "--cores", "1", "--rounds", "1"),
)
STEADY = Behaviour(spread=0.0005)
SLOWED = "HISTOCNN_SLOWED"


class Guarded:
    """Sessions of one command in one folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing has run yet."""
        self.folder = folder
        self.base = folder / "base" / "run.json"
        self.base.parent.mkdir()
        self.log = folder / "log"
        self._python = fake_python(folder)

    def start(
        self, *arguments: str, behaviour: Behaviour = STEADY, slowed: str = ""
    ) -> "subprocess.Popen[str]":
        """Start `pytest benchmarks`, its launches slowed by the variable's value."""
        behaviour = msgspec.structs.replace(behaviour, log=str(self.log))
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
                *("benchmarks/test_train.py", *GRID, *arguments),
                *("--interpreter", f"tensorflow={self._python}"),
                f"--journal={self.folder / 'journals'}",
            ],
            cwd=ROOT,
            env=os.environ
            | {
                "HISTOCNN_CACHE": str(self.folder / "cache"),
                VARIABLE: msgspec.json.encode(behaviour).decode(),
                SLOWED: slowed,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *arguments: str, behaviour: Behaviour = STEADY, slowed: str = ""
    ) -> tuple[int, str]:
        """Run it to its end: exit code and all that it printed."""
        with self.start(*arguments, behaviour=behaviour, slowed=slowed) as process:
            printed, _ = process.communicate(timeout=300)
        return process.returncode, printed

    def doctored(self, saved: Path, change: Callable[[dict[str, Any]], None]) -> None:
        """Have the base be ``saved`` with a ``change``."""
        document = json.loads(saved.read_text())
        change(document)
        self.base.write_text(json.dumps(document))

    def trained(self) -> list[str]:
        """The cases that were trained, a launch each."""
        if not self.log.exists():
            return []
        return [line.split()[0] for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base: ten launches a case, all of which count, whatever ran beside them."""
    guarded = Guarded(tmp_path_factory.mktemp("base"))
    code, printed = guarded.run("--launches", "10", f"--benchmark-json={guarded.base}")
    assert code == 0, printed

    def quiet(document: dict[str, Any]) -> None:
        for case in document["benchmarks"]:
            for launch in case["extra_info"]["launches"]:
                for round_ in launch["rounds"]:
                    round_ |= {"counts": True, "disturbed": []}

    guarded.doctored(guarded.base, quiet)
    return guarded.base


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    """In a folder of its own."""
    return Guarded(tmp_path)


def table_of(printed: str) -> str:
    """What the guard printed at the end."""
    _, heading, rest = printed.partition("= regression guard =")
    assert heading, printed
    return rest


def test_a_slower_case_is_measured_again_and_fails_the_session(
    guarded: Guarded, saved: Path
) -> None:
    """By itself, as often as was asked, with the options that make it the case.

    Nothing of it is left in the checkout.
    """
    code, printed = guarded.run(
        *("--launches", "5", "--guard", str(saved), "--guard-launches", "4"),
        slowed="*b20*=20%",
    )
    assert code == pytest.ExitCode.TESTS_FAILED, printed
    assert "1 slower of 2 cases" in table_of(printed)
    (told,) = [line for line in printed.splitlines() if "measuring again" in line]
    assert "4 launches: benchmarks/test_train.py::test_train[tensorflow" in told
    cases = [f"tensorflow-cpu-32px-b{batch}-cores1" for batch in (10, 20)]
    assert [guarded.trained().count(case) for case in cases] == [5, 9]
    log = Path(told.rpartition("(")[2].rstrip(")"))
    assert log.name == "confirm-head.log"
    assert not log.parent.exists()


def test_an_equal_run_passes(guarded: Guarded, saved: Path) -> None:
    code, printed = guarded.run(*("--launches", "5", "--guard", str(saved.parent)))
    assert code == 0, printed
    assert "slower of" not in table_of(printed)


def test_the_run_itself_is_saved_as_ever(guarded: Guarded, saved: Path) -> None:
    """The launches of the second look are not in its file."""
    mine = guarded.folder / "mine.json"
    code, _ = guarded.run(
        *("--launches", "4", "--guard", str(saved), "--guard-launches", "3"),
        f"--benchmark-json={mine}",
        slowed="30%",
    )
    assert code == 1
    for case in json.loads(mine.read_text())["benchmarks"]:
        launches = case["extra_info"]["launches"]
        assert len(launches) == 4
        assert launches[0]["notes"] == ["slowed by 30 % on purpose"]


def test_a_slow_down_that_is_allowed_passes(guarded: Guarded, saved: Path) -> None:
    """Options of the table reach it."""
    code, printed = guarded.run(
        *("--launches", "5", "--guard", str(saved)),
        *("--guard-options", "--slowdown 50%"),
        slowed="20%",
    )
    assert code == 0, printed
    assert "50 %" in table_of(printed)


def test_what_is_undecided_fails_where_that_is_asked(
    guarded: Guarded, saved: Path
) -> None:
    """Launches of a base that scatters by a factor tell nothing."""

    def scatter(document: dict[str, Any]) -> None:
        for case in document["benchmarks"]:
            factors = itertools.cycle((0.2, 1.0, 5.0, 1.0))
            for launch in case["extra_info"]["launches"]:
                factor = next(factors)
                for round_ in launch["rounds"]:
                    round_["seconds"] *= factor

    guarded.doctored(saved, scatter)
    arguments = ("--launches", "3", "--guard", str(guarded.base))
    assert guarded.run(*arguments)[0] == 0
    assert guarded.run(*arguments, "--guard-options=--strict")[0] == 4


def test_another_machine_is_known_before_anything_is_measured(
    guarded: Guarded, saved: Path
) -> None:
    """And what is advised lets the same command compare all the same."""

    def elsewhere(document: dict[str, Any]) -> None:
        document["machine_info"]["cpu"]["brand_raw"] = "another"
        document["machine_info"]["fingerprint"]["hard"]["cpu_model"] = "another"

    guarded.doctored(saved, elsewhere)
    arguments = ("--launches", "3", "--guard", str(guarded.base))
    code, printed = guarded.run(*arguments, "--guard-options=--slowdown 50%")
    assert code == 3, printed
    assert not guarded.trained()
    assert "is another in base and" in table_of(printed)
    (advice,) = [
        line for line in printed.splitlines() if "compares all the same" in line
    ]
    option, value, *_ = shlex.split(advice)
    assert (option, value.split()[:3]) == (
        "--guard-options",
        ["--slowdown", "50%", "--allow"],
    )
    code, printed = guarded.run(*arguments, option, value)
    assert code == 0, printed
    assert "50 %" in table_of(printed)


def test_a_base_without_the_cases_is_known_before_anything_is_measured(
    guarded: Guarded, saved: Path
) -> None:
    code, printed = guarded.run("--guard", str(saved), "--images", "40")
    assert code == 2, printed
    assert "no case to compare" in table_of(printed)
    assert not guarded.trained()


@pytest.mark.parametrize("disturbed", [False, True])
def test_a_base_of_too_few_launches_is_refused(
    guarded: Guarded, saved: Path, disturbed: bool
) -> None:
    """Five of each case, or six of which one does not count."""

    def few(document: dict[str, Any]) -> None:
        for case in document["benchmarks"]:
            del case["extra_info"]["launches"][6 if disturbed else 5 :]
            for round_ in case["extra_info"]["launches"][2]["rounds"]:
                round_["counts"] = not disturbed

    guarded.doctored(saved, few)
    code, printed = guarded.run("--launches", "3", "--guard", str(guarded.base))
    assert code == 2, printed
    (line,) = [each for each in printed.splitlines() if "too few launches" in each]
    for batch in (10, 20):
        assert f"test_train[tensorflow-cpu-32px-b{batch}-cores1] has 5" in line
    assert "--launches 6" in line
    assert not guarded.trained()


def test_a_case_of_too_few_launches_is_not_guarded(
    guarded: Guarded, saved: Path
) -> None:
    """Which is said before it is measured; the others are guarded."""

    def few(document: dict[str, Any]) -> None:
        del document["benchmarks"][0]["extra_info"]["launches"][5:]

    guarded.doctored(saved, few)
    code, printed = guarded.run(
        *("--launches", "3", "--guard", str(guarded.base), "--guard-launches", "3"),
        slowed="30%",
    )
    assert code == 1, printed
    before, _, section = printed.partition("= regression guard =")
    for part in (before, section):
        assert "not guarded, for too few launches" in part
        assert "b10-cores1] has 5;" in part
    assert "1 slower of 1 case" in section
    cases = [f"tensorflow-cpu-32px-b{batch}-cores1" for batch in (10, 20)]
    assert [guarded.trained().count(case) for case in cases] == [3, 6]


def test_a_case_that_fails_fails_the_session(guarded: Guarded, saved: Path) -> None:
    """As without a guard, and the others are compared."""
    fault = Behaviour(faults={"b20": "SIGSEGV"}, spread=0.0005)
    code, printed = guarded.run(
        "--launches", "3", "--guard", str(saved), behaviour=fault
    )
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "crashed (SIGSEGV)" in printed
    assert "b20" not in "".join(
        line for line in printed.splitlines() if "measuring again" in line
    )
    assert "regression guard" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--guard", "nowhere.json"], "there is no nowhere.json"),
        (["--guard", "README.md"], "README.md"),
        (["--guard", "histocnn"], "there is no saved file in"),
        (["--guard-launches", "2", "--guard", "BASE"], "--guard-launches: '2' is not"),
        (["--guard-launches", "x", "--guard", "BASE"], "--guard-launches: 'x' is not"),
        (["--launches", "2", "--guard", "BASE"], "--launches: '2' is not"),
        (["--guard-options=x.json", "--guard", "BASE"], "'x.json' is no option"),
        (["--guard-options=--junit tools", "--guard", "BASE"], "tools is a folder"),
        (["--guard-options=--thresholds x", "--guard", "BASE"], "x: cannot be read"),
        (["--guard-options=--no-such", "--guard", "BASE"], "--no-such is an option"),
        (["--guard-options=--slowdown 1", "--guard", "BASE"], "no slow-down"),
        (["--guard-options", "'", "--guard", "BASE"], "No closing quotation"),
    ],
)
def test_a_bad_option_costs_a_line_before_anything_is_measured(
    guarded: Guarded, saved: Path, arguments: list[str], words: str
) -> None:
    typed = [str(saved) if word == "BASE" else word for word in arguments]
    code, printed = guarded.run(*typed)
    assert code == 2, printed
    (line,) = printed.strip().splitlines()
    assert line.startswith("Exit: --guard: ")
    assert words in line
    assert not guarded.trained()


@pytest.mark.parametrize("option", ["--collect-only", "--benchmark-disable"])
def test_where_nothing_is_measured_nothing_is_compared(
    guarded: Guarded, saved: Path, option: str
) -> None:
    code, printed = guarded.run("--guard", str(saved), option)
    assert code == 0, printed
    assert "nothing is measured, so nothing is compared" in printed
    assert "regression guard" not in printed


def test_a_session_that_is_broken_off_compares_nothing(
    guarded: Guarded, saved: Path
) -> None:
    """Ctrl-C while it measures: it ends as ever, and says so."""
    process = guarded.start(
        *("--launches", "9", "--guard", str(saved)),
        behaviour=msgspec.structs.replace(STEADY, delay=0.2),
    )
    wait_for(lambda: len(guarded.trained()) > 2)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "nothing is compared" in printed
    assert "Traceback" not in printed


def test_ctrl_c_ends_the_second_look_at_once(guarded: Guarded, saved: Path) -> None:
    process = guarded.start(
        *("--launches", "3", "--guard", str(saved), "--guard-launches", "200"),
        behaviour=msgspec.structs.replace(STEADY, delay=0.1),
        slowed="*b20*=50%",
    )
    wait_for(lambda: guarded.trained().count("tensorflow-cpu-32px-b20-cores1") > 4)
    process.send_signal(signal.SIGINT)
    struck = time.monotonic()
    printed, _ = process.communicate(timeout=60)
    assert time.monotonic() - struck < 20
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "interrupted before the second look was done" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    "text", ["fast", "10", "0%", "-5%", "2000%", "a=b", "10%,x", "nan%", "*=%"]
)
def test_a_wrong_slow_down_is_one_line(guarded: Guarded, text: str) -> None:
    code, printed = guarded.run("--launches", "1", slowed=text)
    assert code == pytest.ExitCode.USAGE_ERROR
    (line,) = [each for each in printed.splitlines() if SLOWED in each]
    assert "is no slow-down; write 10%" in line
    assert not guarded.trained()


def wait_for(what: Callable[[], bool]) -> None:
    """Until ``what`` holds, for a minute at most."""
    deadline = time.monotonic() + 60
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)

"""Whole sessions of `pytest benchmarks`, with workers that answer at once.

What is saved, what is taken up again, and what comes of workers that go wrong.
"""

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.destinations import drop_remains
from tests.conftest import ROOT
from tests.fake_worker import VARIABLE, Behaviour, fake_python

Saved = dict[str, Any]
#: Of the whole suite by SIGKILL, one after another; CI has no time for more.
KILLS = int(os.environ.get("HISTOCNN_KILLS", "10"))
#: Four cases; no repeats, since what disturbs a round here is no part of the test.
GRID = (
    *("--engines", "tensorflow", "--devices", "cpu", "--sizes", "32,64"),
    *("--batches", "10,20", "--images", "20", "--cores", "1", "--repeats", "0"),
)
AT_ONCE = Behaviour()
HANGS = Behaviour(faults={"64px-b20": "hang"})
MOMENTARY = {
    *("seconds", "images_per_second", "cpu_seconds", "wall_seconds", "waited_seconds"),
    *(
        "first_seconds",
        "steady_seconds",
        "around_seconds",
        "start_seconds",
        "audit_seconds",
        "end_seconds",
        "conditions",
        "disturbed",
        "counts",
    ),
    *("warnings", "half_width", "sentinel_cores"),
}


class Session:
    """Runs of one command in one folder."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str] = ("benchmarks/test_train.py", *GRID),
        interpreter: str = "tensorflow",
    ) -> None:
        """Nothing has run yet; what ``interpreter`` names is a `fake_python`."""
        self.folder = folder
        self.json = folder / "run.json"
        self.log = folder / "log"
        self._command = command
        self._interpreter = f"{interpreter}={fake_python(folder)}"

    def start(
        self, *arguments: str, behaviour: Behaviour = AT_ONCE
    ) -> "subprocess.Popen[str]":
        """Start `pytest benchmarks` with workers of this ``behaviour``."""
        behaviour = msgspec.structs.replace(behaviour, log=str(self.log))
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
                *(*self._command, *arguments),
                *("--interpreter", self._interpreter),
                f"--journal={self.folder / 'journals'}",
                f"--benchmark-json={self.json}",
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "HISTOCNN_CACHE": str(self.folder / "cache"),
                VARIABLE: msgspec.json.encode(behaviour).decode(),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, behaviour: Behaviour = AT_ONCE) -> tuple[int, str]:
        """Run it to its end: exit code and all that it printed."""
        with self.start(*arguments, behaviour=behaviour) as process:
            printed, _ = process.communicate(timeout=300)
        return process.returncode, printed

    def saved(self) -> Saved:
        """What it saved."""
        document: Saved = json.loads(self.json.read_text())
        return document

    def journals(self) -> list[Path]:
        """The journals that are there."""
        return sorted((self.folder / "journals").glob("*.jsonl"))

    def trained(self) -> Counter[str]:
        """How many workers trained each case to the end."""
        if not self.log.exists():
            return Counter()
        return Counter(line.split()[0] for line in self.log.read_text().splitlines())


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """In a folder of its own."""
    return Session(tmp_path)


def lasting(value: Any) -> Any:
    """A saved document without what two runs of one plan need not share."""
    if isinstance(value, dict):
        return {
            key: lasting(each) for key, each in value.items() if key not in MOMENTARY
        }
    if isinstance(value, list):
        return [lasting(each) for each in value]
    return value


def results(document: Saved) -> dict[str, Any]:
    """The lasting part of each benchmark's own information."""
    return {
        case["name"]: lasting(case["extra_info"]) for case in document["benchmarks"]
    }


def test_a_session_saves_all_launches_and_leaves_no_journal(session: Session) -> None:
    """What is in the file need not be kept twice; what came of it is told."""
    code, printed = session.run("--launches", "3")
    assert code == 0, printed
    cases = session.saved()["benchmarks"]
    assert [len(case["extra_info"]["launches"]) for case in cases] == [3] * 4
    assert session.trained() == Counter(
        {f"tensorflow-cpu-{s}px-b{b}-cores1": 3 for s in (32, 64) for b in (10, 20)}
    )
    assert not session.journals()
    assert "measured training" in printed
    assert "the suite" in printed


def test_other_benchmarks_have_a_part_of_the_account(tmp_path: Path) -> None:
    """What they take is not called the suite's own, in print nor in the file."""
    files = ("benchmarks/test_train.py", "benchmarks/test_overhead.py")
    one = ("--sizes", "32", "--batches", "10", "--launches", "1")
    session = Session(tmp_path, (*files, *GRID, *one))
    code, printed = session.run()
    assert code == 0, printed
    saved = session.saved()
    beside = [each for each in saved["benchmarks"] if each["group"] != "train"]
    if not beside:
        pytest.skip("TensorFlow's environment is not built here")
    timed = sum(sum(each["stats"]["data"]) for each in beside)
    assert timed <= saved["account"]["others"] < saved["account"]["wall"]
    assert re.search(r"other benchmarks [0-9.]+ %, the suite [0-9.]+ %", printed)


def test_a_session_ends_with_its_speedups(session: Session) -> None:
    """Of the same figures as the saved file's; cases without a time are in it too."""
    crash = Behaviour(faults={"64px-b20": "SIGSEGV"})
    code, printed = session.run("--launches", "3", behaviour=crash)
    assert code == 1
    (table,) = re.findall(r"= what was measured =+\n(.*?)\n\n.*?\n\n", printed, re.S)
    assert table.startswith("4 cases, 1 of them without a time, from this run; dataset")
    again = subprocess.run(
        [sys.executable, "-m", "reports", "speedup", session.json, "--format", "csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for row in csv.DictReader(io.StringIO(again.stdout)):
        shown = [line for line in printed.splitlines() if line.startswith("tensorflow")]
        size, batch = row["size_px"], row["batch"]
        (line,) = (each for each in shown if each.split()[2:4] == [size, batch])
        if row["seconds"]:
            (seconds,) = re.findall(r"([0-9.]+) ±", line)
            assert float(seconds) == pytest.approx(float(row["seconds"]), rel=0.02)
        else:
            assert "crashed (SIGSEGV)" in line


def test_a_session_without_a_case_ends_without_a_table(session: Session) -> None:
    code, printed = session.run("--collect-only")
    assert code == 0, printed
    assert "what was measured" not in printed


def test_without_a_file_the_journal_stays(session: Session) -> None:
    """Hours of measuring are not lost to a forgotten option."""
    code, printed = session.run("--launches", "1", "--benchmark-disable")
    assert code == 0, printed
    assert not session.journals()  # a trial: nothing of it stays
    session.json = Path()
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
        *("benchmarks/test_train.py", *GRID, "--launches", "1"),
        *("--interpreter", session._interpreter),
        f"--journal={session.folder / 'journals'}",
    ]
    shown = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    (journal,) = session.journals()
    assert f"finished launches are in {journal}, and nothing was saved" in shown.stdout
    json_file = session.folder / "late.json"
    before = session.trained()
    late = subprocess.run(
        [*command, "--resume", f"--benchmark-json={json_file}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "resuming the run of" in late.stdout
    assert session.trained() == before
    assert len(json.loads(json_file.read_text())["benchmarks"]) == 4
    assert not session.journals()


def test_results_that_cannot_be_saved_are_not_lost(session: Session) -> None:
    """The disk is full at the very end: one line, and --resume saves them later."""
    session.json = Path("/dev/full")
    code, printed = session.run("--launches", "2")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "the results could not be saved: [Errno 28] No space left" in printed
    assert "Traceback" not in printed
    assert printed.count("4 cases from this run; dataset") == 1  # the suite's table
    assert "benchmark 'train': 4 tests" in printed  # and pytest-benchmark's
    (journal,) = session.journals()
    assert f"finished launches are in {journal}, since saving failed" in printed
    assert "--benchmark-autosave saves" not in printed
    before = session.trained()
    session.json = session.folder / "run.json"
    assert session.run("--launches", "2", "--resume")[0] == 0
    assert session.trained() == before
    assert len(session.saved()["benchmarks"]) == 4


def test_what_was_saved_in_part_is_no_file(tmp_path: Path) -> None:
    """A disk that fills up leaves half of a document, or nothing but its name."""
    kept, half, none = (tmp_path / name for name in ("kept", "half", "none"))
    kept.write_text('{"benchmarks": []}')
    half.write_text('{"benchmarks": [')
    none.touch()
    dropped = {path for path in (kept, half, none) if drop_remains(path)}
    assert dropped == {half, none}
    assert list(tmp_path.iterdir()) == [kept]
    assert not drop_remains(Path("/dev/full"))
    assert not drop_remains(tmp_path / "absent")


def test_a_checkout_that_cannot_be_written_ends_as_others_do(session: Session) -> None:
    """A cache that pytest cannot keep is no reason to end without a table."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-o", "cache_dir=/proc/nowhere"),
            *("benchmarks/test_train.py", *GRID, "--sizes", "32", "--batches", "10"),
            *("--launches", "1", "--interpreter", session._interpreter),
            f"--journal={session.folder / 'journals'}",
        ],
        cwd=ROOT,
        env={**os.environ, "HISTOCNN_CACHE": str(session.folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PytestCacheWarning" not in done.stdout + done.stderr
    assert "1 case from this run; dataset" in done.stdout


def test_times_that_an_early_end_kept_from_the_file_stay(session: Session) -> None:
    """-x ends pytest at the first case without a time, before others are saved.

    By this seed the case that fails comes last, so that all others have a time.
    """
    arguments = ("--launches", "1", "--order-seed", "2")
    behaviour = Behaviour(faults={"32px-b10": "out-of-memory"})
    code, printed = session.run(*arguments, "-x", behaviour=behaviour)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert len(session.journals()) == 1
    assert "--resume takes them up" in printed
    before = session.trained()
    session.run(*arguments, "--resume")
    assert session.trained() == before
    assert len(session.saved()["benchmarks"]) == 3
    assert not session.journals()


def test_launches_that_a_resumed_run_does_not_need_stay(session: Session) -> None:
    """They are in no file."""
    short = ("--timeout", "1")
    assert session.run("--launches", "2", *short, behaviour=HANGS)[0] == 1
    code, printed = session.run("--launches", "1", "--resume")
    assert code == 0
    assert "more of them than this run was to have" in printed
    before = session.trained()
    assert session.run("--launches", "2", "--resume")[0] == 0
    assert sum((session.trained() - before).values()) == 1
    assert not session.journals()


def test_a_trial_overwrites_no_file(session: Session) -> None:
    """Cases that are skipped are no results worth one."""
    both = ("--launches", "1", "--precision-mode", "float32,tf32")
    assert session.run(*both)[0] == 0
    before = session.json.read_bytes()
    session.run(*both, "--benchmark-disable")
    assert session.json.read_bytes() == before


def test_a_journal_without_launches_hides_no_other(session: Session) -> None:
    """A run that was killed at once is not what --resume goes on with."""
    folder = session.folder / "journals"
    assert session.run("--launches", "1", "--timeout", "1", behaviour=HANGS)[0] == 1
    (kept,) = session.journals()
    header = kept.read_bytes().splitlines(keepends=True)[0]
    empty = folder / kept.name.replace(kept.name[:8], "99990101")
    empty.write_bytes(header)
    code, printed = session.run("--launches", "1", "--resume")
    assert code == 0, printed
    assert "3 launches are finished" in printed
    assert sum(session.trained().values()) == 4
    assert not session.journals()


def test_killed_at_any_moment_and_resumed_it_ends_as_if_undisturbed(
    tmp_path: Path,
) -> None:
    """SIGKILL to the suite at random moments (seed 11), resumed until it is done.

    Each launch is in the file once; a case is trained again only where its worker was
    under way; and but for the times the file is that of a run which nobody killed.
    """
    whole = Session(tmp_path)
    assert whole.run("--launches", "3")[0] == 0
    undisturbed = results(whole.saved())
    random_, kills, number = random.Random(11), 0, 0
    while kills < KILLS:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        session = Session(folder)
        struck = run_and_kill(session, random_, KILLS - kills)
        kills += struck
        assert results(session.saved()) == undisturbed
        assert sum(session.trained().values()) <= 12 + struck
        assert not session.journals()
    print(f"{kills} kills in {number} sessions")


def run_and_kill(session: Session, random_: random.Random, most: int) -> int:
    """Resume ``session`` until it is complete, killed ``most`` times; how often."""
    kills = 0
    while True:
        process = session.start(
            "--launches", "3", "--resume", behaviour=Behaviour(delay=0.1)
        )
        try:
            process.wait(random_.uniform(0.3, 3.0) if kills < most else 300)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        # One that is struck when all is saved and its journal gone has ended, too.
        saved = session.json.exists() and not session.journals()
        if process.returncode == 0 or saved:
            return kills


def test_two_runs_at_once_do_not_mix(session: Session) -> None:
    """Each has a journal of its own, and one in use is not resumed."""
    first = session.start("--launches", "4", behaviour=Behaviour(delay=0.3))
    deadline = time.monotonic() + 60
    while not session.trained() and time.monotonic() < deadline:
        time.sleep(0.05)
    code, printed = session.run("--launches", "4", "--resume")
    first.communicate(timeout=300)
    assert first.returncode == 0
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "is in use by a run that goes on" in printed
    assert "Traceback" not in printed
    assert sum(session.trained().values()) == 16


def test_what_is_finished_is_saved_when_the_session_is_broken_off(
    session: Session,
) -> None:
    """SIGTERM: cases with a launch are in the file, and the rest can be resumed."""
    process = session.start("--launches", "5", behaviour=Behaviour(delay=0.1))
    deadline = time.monotonic() + 60
    while sum(session.trained().values()) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    cases = session.saved()["benchmarks"]
    launches = [len(case["extra_info"]["launches"]) for case in cases]
    assert len(cases) == 4
    assert 5 <= sum(launches) < 20
    assert {case["extra_info"]["stopped"]["why"] for case in cases} == {"interrupted"}
    (journal,) = session.journals()
    assert f"finished launches are in {journal}" in printed
    assert "--resume takes them up" in printed
    code, printed = session.run("--launches", "5", "--resume")
    assert code == 0, printed
    cases = session.saved()["benchmarks"]
    assert [len(case["extra_info"]["launches"]) for case in cases] == [5] * 4


def test_another_plan_is_not_resumed(session: Session) -> None:
    """It says what differs from the newest journal, and measures anew."""
    fault = Behaviour(faults={"64px-b20": "SIGSEGV"})
    assert session.run("--launches", "1", behaviour=fault)[0] == 1
    assert len(session.journals()) == 1
    code, printed = session.run("--launches", "1", "--rounds", "7", "--resume")
    assert code == 0, printed
    assert "no run of this plan to resume" in printed
    assert "rounds 2, not 7" in printed


FAULTS = {
    "32px-b10": "SIGSEGV",
    "32px-b20": "out-of-memory",
    "64px-b10": "did-not-train",
    "64px-b20": "hang",
}


def test_outcomes_are_results_in_the_saved_file(session: Session) -> None:
    """Even where no case has a time: kinds, signals, last words, skips."""
    code, printed = session.run(
        *("--launches", "2", "--timeout", "1.5", "--precision-mode", "float32,tf32"),
        behaviour=Behaviour(faults=FAULTS),
    )
    assert code == pytest.ExitCode.TESTS_FAILED
    document = session.saved()
    assert document["benchmarks"] == []
    outcomes = {each["name"]: each for each in document["outcomes"]}
    kinds = {name: each["outcome"]["kind"] for name, each in outcomes.items()}
    assert kinds == {
        **{
            f"test_train[tensorflow-cpu-{part}-cores1]": kind
            for part, kind in (
                ("32px-b10", "crashed"),
                ("32px-b20", "out-of-memory"),
                ("64px-b10", "did-not-train"),
                ("64px-b20", "timed-out"),
            )
        },
        **{
            f"test_train[tensorflow-cpu-{part}-cores1-tf32]": "unsupported"
            for part in FAULTS
        },
    }
    crashed = outcomes["test_train[tensorflow-cpu-32px-b10-cores1]"]["outcome"]
    assert crashed["signal"] == "SIGSEGV"
    hung = outcomes["test_train[tensorflow-cpu-64px-b20-cores1]"]["outcome"]
    assert "gave no answer for 1.5 s and was killed" in hung["message"]
    assert "internal" not in printed.lower()
    assert "4 failed, 4 skipped" in printed


def test_what_only_a_worker_knows_to_be_unsupported_is_a_line(session: Session) -> None:
    """As a framework that is too old for a case: a kind of its own, no traceback."""
    code, printed = session.run(
        "--launches", "2", behaviour=Behaviour(faults={"64px-b20": "unsupported"})
    )
    assert code == pytest.ExitCode.TESTS_FAILED
    (outcome,) = session.saved()["outcomes"]
    assert outcome["outcome"]["kind"] == "unsupported"
    assert outcome["outcome"]["message"] == "as it was told to; another engine has it"
    assert outcome["outcome"]["words"] == ""
    assert f"{outcome['job']['engine']}-cpu-64px-b20-cores1: as it was told" in printed
    assert "Traceback" not in printed
    assert "1 failed, 3 passed" in printed


def test_what_may_go_better_is_tried_again_on_resume(session: Session) -> None:
    """A crash and a time-out are; running out of memory is kept as it was."""
    behaviour = Behaviour(faults={**FAULTS, "64px-b10": ""})
    code, _ = session.run("--launches", "2", "--timeout", "1.5", behaviour=behaviour)
    assert code == pytest.ExitCode.TESTS_FAILED
    code, printed = session.run("--launches", "2", "--resume")
    assert code == pytest.ExitCode.TESTS_FAILED, printed
    document = session.saved()
    assert len(document["benchmarks"]) == 3
    (outcome,) = document["outcomes"]
    assert outcome["outcome"]["kind"] == "out-of-memory"
    assert not session.journals()  # nothing is left that another try could change


def test_a_full_disk_ends_the_session_with_a_line(session: Session) -> None:
    """What was finished is safe, and is taken up when there is room again."""
    if os.geteuid() != 0:
        pytest.skip("a file system of a few kB needs root")
    small = session.folder / "journals"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        code, printed = session.run("--launches", "4")
        assert code == 1
        assert "No space left on device" in printed
        assert "finished launches are safe in it" in printed
        assert "Traceback" not in printed
        before = sum(session.trained().values())
        subprocess.run(
            ["mount", "-o", "remount,size=1m", str(small)], check=True, text=True
        )
        code, printed = session.run("--launches", "4", "--resume")
        assert code == 0, printed
        # One launch was trained, but could not be made safe.
        assert sum(session.trained().values()) == 17
        assert before > 1
    finally:
        subprocess.run(["umount", str(small)], check=True)
    cases = session.saved()["benchmarks"]
    assert [len(case["extra_info"]["launches"]) for case in cases] == [4] * 4

"""The soak: its plans come from a seed, its verdict finds what is lost or left."""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from benchmarks.journal import Journal, Record
from benchmarks.outcomes import CaseOutcome, Outcome
from benchmarks.soak import disk, leftovers, scenario, tally
from benchmarks.soak.faults import Strikes, Target
from benchmarks.soak.machine import Machine, survey
from benchmarks.soak.scenario import Fault
from benchmarks.soak.tally import Ended
from benchmarks.soak.verdict import Results, losses
from benchmarks.soak.witness import Seen, Witness
from histocnn.job import Job
from histocnn.measurement import Measurement
from tests.conftest import ROOT
from tests.fake_worker import VARIABLE, Behaviour, fake_python
from tests.launches import a_launch

MACHINE = Machine({"docker": ("torch",), "local": ("jax", "theano")}, 4, can_fill=True)
JOB = Job("tensorflow", "cpu", 32, 10, None, 1, 20)
OTHER = replace(JOB, size=64)
LAUNCHES = tuple(a_launch([number + 0.1, number + 0.2]) for number in range(3))
TOO_LARGE = Outcome("out-of-memory", "it needs 90 GB")
CRASHED = Outcome("crashed", "the worker died")
#: What the journal had of two cases: three launches, and one that ran out of memory.
SEEN: Seen = {
    **{
        (JOB.id, number): Record(JOB.id, number, each, None, 1.0)
        for number, each in enumerate(LAUNCHES)
    },
    (OTHER.id, 0): Record(OTHER.id, 0, None, TOO_LARGE, 1.0),
}
RESULTS = Results(
    (Measurement(JOB, LAUNCHES),),
    (CaseOutcome(OTHER, TOO_LARGE),),
    {JOB.id: tuple(each.seconds for one in LAUNCHES for each in one.rounds)},
)


def test_a_seed_gives_the_same_sessions_again() -> None:
    """What they measure and what strikes them; another seed gives others."""
    first = [scenario.draw(5, number, MACHINE) for number in range(50)]
    assert [scenario.draw(5, number, MACHINE) for number in range(50)] == first
    assert [scenario.draw(6, number, MACHINE) for number in range(50)] != first


def test_sessions_cover_all_there_is_and_stay_small() -> None:
    """Each launcher, engine, kind of fault and signal; few launches in any."""
    plans = [scenario.draw(0, number, MACHINE) for number in range(300)]
    struck = {
        (plan.launcher, fault.name)
        for plan in plans
        for run in plan.runs
        for fault in run
    }
    assert {name for launcher, name in struck if launcher == "local"} == {
        *("kill suite SIGKILL", "kill suite SIGTERM", "kill suite SIGINT"),
        *("kill worker SIGKILL", "kill worker SIGSEGV", "kill worker SIGSTOP"),
        *("hog CPU", "fill disk"),
    }
    assert ("docker", "kill container") in struck
    assert ("docker", "kill worker SIGKILL") not in struck
    assert {e for plan in plans for e in plan.engines} == {"jax", "theano", "torch"}
    assert {plan.launches for plan in plans} >= {1, 2, 3, None}
    assert max(plan.least_launches() for plan in plans) <= 8
    assert all(len(set(plan.cases())) == len(plan.cases()) for plan in plans)


def test_no_disk_is_filled_where_there_is_no_small_one() -> None:
    """Without root; the machine's own is left alone."""
    machine = replace(MACHINE, can_fill=False)
    plans = [scenario.draw(0, number, machine) for number in range(100)]
    kinds = {fault.kind for plan in plans for run in plan.runs for fault in run}
    assert "kill suite" in kinds
    assert "fill disk" not in kinds


def found(results: Results, launches: int | None = 3) -> list[str]:
    """What the verdict says of ``results``."""
    return losses([JOB.id, OTHER.id], launches, SEEN, results)


def with_launches(*launches: Any) -> Results:
    """The results with other launches, and statistics that agree with them."""
    rounds = tuple(each.seconds for one in launches for each in one.counted)
    return replace(
        RESULTS, timed=(Measurement(JOB, launches),), replayed={JOB.id: rounds}
    )


def test_complete_results_have_lost_nothing() -> None:
    """Fixed launches or as many as the precision needed; rounds may count or not."""
    assert found(RESULTS) == found(RESULTS, None) == []
    tainted = replace(LAUNCHES[0].rounds[0], counts=False, disturbed=("steal",))
    first = replace(LAUNCHES[0], rounds=(tainted, LAUNCHES[0].rounds[1]))
    assert found(with_launches(first, *LAUNCHES[1:])) == []


def test_a_lost_launch_is_found() -> None:
    """It was in a journal and is not in the results; its number says which."""
    lost = found(with_launches(*LAUNCHES[:2]))
    assert f"{JOB.id}, launch 3: was in the journal, is not in the results" in lost
    assert f"{JOB.id}: 2 launches, not 3" in lost


def test_a_doubled_launch_is_found() -> None:
    """Two that agree in every time are one, even where the precision decides."""
    (doubled,) = found(with_launches(*LAUNCHES, LAUNCHES[1]), None)
    assert doubled.startswith(f"{JOB.id}: a launch is there 2 times")


def test_a_changed_time_is_found_to_the_last_bit() -> None:
    """Of a round, and of what the statistics were taken over."""
    first, second = LAUNCHES[0].rounds
    changed = replace(second, seconds=math.nextafter(second.seconds, 1))
    (phrase,) = found(
        with_launches(replace(LAUNCHES[0], rounds=(first, changed)), *LAUNCHES[1:])
    )
    assert "launch 1: the journal had (1.0, 0.1, 0.2) s, the results have" in phrase
    data = RESULTS.replayed[JOB.id]
    (phrase,) = found(replace(RESULTS, replayed={JOB.id: (*data[1:], data[0])}))
    assert "statistics over" in phrase


def test_a_case_that_has_gone_is_found() -> None:
    """With a time, with an outcome, or there twice."""
    lost = found(replace(RESULTS, timed=(), replayed={}))
    assert f"{JOB.id}: 0 times in the results, not 1" in lost
    assert f"{OTHER.id}: 0 times in the results, not 1" in found(
        replace(RESULTS, outcomes=())
    )
    twice = found(replace(RESULTS, outcomes=RESULTS.outcomes * 2))
    assert twice == [f"{OTHER.id}: 2 times in the results, not 1"]


def test_an_outcome_that_turned_into_another_is_found() -> None:
    """Running out of memory is kept as it was."""
    other = replace(RESULTS, outcomes=(CaseOutcome(OTHER, CRASHED),))
    assert found(other) == [
        f"{OTHER.id}, launch 1: its outcome, out-of-memory, is not in the results"
    ]
    assert not other.is_final()  # a crash would be tried again


def test_the_witness_reads_a_journal_that_is_being_written(tmp_path: Path) -> None:
    """It neither locks nor changes it, and remembers what was there once."""
    witness = Witness(tmp_path)
    assert witness.look() == 0
    with closing(Journal.create(tmp_path, "0" * 64, {"cases": "2"})) as journal:
        journal.append(SEEN[JOB.id, 0])
        journal.append(Record(OTHER.id, 0, None, CRASHED, 1.0))
        with journal.path.open("ab") as file:
            file.write(b'{"crc32": 12, "ent')  # as a full disk leaves it
        size = journal.path.stat().st_size
        assert witness.look() == 1
        assert journal.path.stat().st_size == size
        journal.append(SEEN[OTHER.id, 0])
        assert witness.look() == 2
    journal.path.unlink()
    assert witness.look() == 2
    assert witness.seen == {key: SEEN[key] for key in [(JOB.id, 0), (OTHER.id, 0)]}
    assert witness.plans == [{"cases": "2"}]
    assert not witness.problems


def test_the_witness_tells_what_should_not_be_in_a_journal(tmp_path: Path) -> None:
    """Half a line before others, and a launch that was safe and is made again."""
    witness = Witness(tmp_path)
    again = replace(SEEN[JOB.id, 0], launch=LAUNCHES[2])
    with closing(Journal.create(tmp_path, "0" * 64, {})) as journal:
        journal.append(SEEN[JOB.id, 0])
        journal.append(again)
        with journal.path.open("ab") as file:
            file.write(b'{"crc32": 12, "ent\n')
        for _ in range(2):  # each is said once
            assert witness.look() == 1
            os.utime(journal.path)
    made_again, damaged = witness.problems
    assert made_again.startswith(f"{JOB.id}, launch 1 was safe in a journal")
    assert damaged.startswith(f"{journal.path.name}, line 4 is damaged")


def test_a_process_left_behind_is_told_and_killed() -> None:
    """One that carries the token, and nobody else's."""
    command = [sys.executable, "-c", "input()"]
    own, other = (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, env={**os.environ, leftovers.TOKEN: token}
        )
        for token in ("own", "other")
    )
    try:
        (left,) = leftovers.left_processes("own", grace=0)
        assert left.startswith(f"process {own.pid} (")
        assert own.wait(30) == -signal.SIGKILL
        assert other.poll() is None
        assert leftovers.left_processes("own", grace=0) == []
    finally:
        for process in (own, other):
            process.communicate(b"\n")


def test_a_file_left_behind_is_told(tmp_path: Path) -> None:
    """With what it holds; what is half-written in a cache is removed."""
    (tmp_path / "ccXYZ.s").write_bytes(bytes(7))
    assert leftovers.files(tmp_path) == [f"{tmp_path / 'ccXYZ.s'}: ccXYZ.s 7"]
    cache = tmp_path / "cache"
    sound = cache / "data" / "tissue", cache / "theano" / "tmp1"
    begun = cache / "data" / "tissue.x7", cache / "theano" / "tmp2"
    for folder in (*sound, *begun):
        folder.mkdir(parents=True)
    (sound[0] / "entry.json").touch()
    (cache / "data" / "tissue.lock").touch()
    (sound[1] / "key.pkl").touch()
    assert leftovers.half_written(cache) == [f"{each}: empty" for each in begun]
    assert leftovers.half_written(cache) == []
    assert all(folder.is_dir() for folder in sound)


class Container:
    """As the Docker SDK has one."""

    def __init__(self, source: Path, status: str = "running") -> None:
        self.name, self.status, self.done = "worker", status, ""
        self.attrs = {
            "Mounts": [{"Source": str(source)}, {"Name": "histocnn-compile-cache"}],
            "HostConfig": {"CpusetCpus": "0"},
        }

    def reload(self) -> None:
        """Nothing is new."""

    def kill(self) -> None:
        self.done += "killed"

    def remove(self, *, force: bool) -> None:
        assert force
        self.done += "removed"


def engine(*containers: Container) -> Any:
    """A client of an engine with these containers."""
    return SimpleNamespace(
        containers=SimpleNamespace(list=lambda **options: list(containers))
    )


def test_a_container_left_behind_is_told_and_removed(tmp_path: Path) -> None:
    """One that has the soak's own images, and nobody else's."""
    own, other = Container(tmp_path / "data"), Container(Path("/home/me/data"))
    left = leftovers.left_containers(engine(own, other), tmp_path, grace=0)
    assert left == ["container worker (running)"]
    assert (own.done, other.done) == ("removed", "")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A run whose process waits, with no worker, container or disk."""
    suite = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    return Target(suite, dict(os.environ), tmp_path, None)


def test_faults_strike_when_their_moment_and_their_prey_have_come(
    target: Target,
) -> None:
    """Half of four launches on, a container is killed once there is one."""
    own, other = Container(target.cache / "data"), Container(Path("/home/me/data"))
    fault = Fault("kill container", moment=0.5, delay=0.0)
    empty = Strikes([fault], replace(target, docker=engine(other)), left=4)
    empty.go_on(4, pace=1.0)
    assert empty.struck == []
    strikes = Strikes([fault], replace(target, docker=engine(other, own)), left=4)
    strikes.go_on(1, pace=1.0)
    assert own.done == ""
    strikes.go_on(2, pace=1.0)
    strikes.go_on(3, pace=1.0)
    strikes.end()
    assert strikes.struck == [fault]
    assert (own.done, other.done) == ("killed", "")
    target.suite.communicate(b"\n")


def test_the_suite_is_killed_while_it_lives(target: Target) -> None:
    """A second kill finds nothing to strike."""
    faults = [Fault("kill suite", 0.0, 0.0, signal="SIGKILL")]
    strikes = Strikes(faults, target, left=4)
    strikes.go_on(0, pace=1.0)
    assert target.suite.wait(30) == -signal.SIGKILL
    assert strikes.struck == faults
    after = Strikes(faults, target, left=4)
    after.go_on(0, pace=1.0)
    assert after.struck == []
    assert target.suite.stdin is not None
    target.suite.stdin.close()


def test_a_small_disk_is_filled_and_freed(tmp_path: Path) -> None:
    """To the last byte; and it is gone in the end."""
    if reason := disk.why_not():
        pytest.skip(f"no file system can be mounted here: {reason}")
    with disk.small_disk(tmp_path, wanted=True) as small:
        assert small is not None
        small.fill()
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "file").write_bytes(b"1")
        small.free()
        (tmp_path / "file").write_bytes(bytes(2**20))
    assert list(tmp_path.iterdir()) == []


def test_the_verdict_lists_what_is_wrong() -> None:
    """Lost, left behind or an error of the suite's: each of them spoils it."""
    good = Ended(1, "theano", ("hog CPU", "kill suite SIGINT"), ("exit 2", "exit 0"), 9)
    bad = replace(good, number=2, lost=("a launch",), leftovers=("a file", "another"))
    assert tally.is_clean([good])
    assert tally.verdict([good]) == "lost: 0, leftovers: 0, errors: 0"
    assert not tally.is_clean([good, bad])
    assert tally.verdict([good, bad]).splitlines() == [
        "lost: 1, leftovers: 2, errors: 0",
        "  lost: session 2: a launch",
        "  leftovers: session 2: a file",
        "  leftovers: session 2: another",
    ]
    rows = [line.split("  ") for line in tally.table([good, bad]).splitlines()]
    totals = {row[0]: row[-1].strip() for row in rows}
    assert totals["sessions"] == totals["kills of the suite"] == "2"
    assert totals["faults that struck"] == "4 (2 × hog CPU, 2 × kill suite SIGINT)"


def killing_seed(python: Path) -> int:
    """One of which the first thing to happen here is that the suite is killed."""
    interpreters = [f"tensorflow={python}"]
    can_fill = disk.why_not() is None
    machine = survey(["tensorflow"], interpreters, can_fill=can_fill)
    for seed in itertools.count():
        first = scenario.draw(seed, 1, machine).runs[0][0]
        # It cannot have begun to measure by then.
        if first.name == "kill suite SIGKILL" and first.moment < 0.1 > first.delay:
            return seed
    raise AssertionError("seeds do not end")


Soak = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def soak(tmp_path: Path) -> Soak:
    """Start a soak with workers that answer at once; all it writes is in a folder."""

    def start(*arguments: str) -> "subprocess.Popen[str]":
        (tmp_path / "tmp").mkdir()
        behaviour = Behaviour(delay=0.1)
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.soak", "--engines", "tensorflow"),
                *("--interpreter", f"tensorflow={fake_python(tmp_path)}"),
                *("--timeout", "3", "--json", str(tmp_path / "soak.json"), *arguments),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "TMPDIR": str(tmp_path / "tmp"),
                "HISTOCNN_CACHE": str(tmp_path / "cache"),
                VARIABLE: msgspec.json.encode(behaviour).decode(),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def test_a_soak_loses_nothing_and_leaves_nothing(soak: Soak, tmp_path: Path) -> None:
    """Real sessions, killed and resumed; the file says what the table says."""
    seed = killing_seed(fake_python(tmp_path))
    with soak("--seconds", "15", "--seed", str(seed)) as process:
        printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    assert f"--seed {seed}" in printed
    assert printed.endswith("\nlost: 0, leftovers: 0, errors: 0\n")
    written = json.loads((tmp_path / "soak.json").read_text())
    assert written["seed"] == seed
    sessions = [msgspec.convert(each, Ended) for each in written["sessions"]]
    assert all(session.launches for session in sessions)
    assert sessions[0].struck[0] == "kill suite SIGKILL"
    assert sessions[0].ends[0] == "SIGKILL"
    assert tally.table(sessions) in printed
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_ends_a_soak_early_with_what_is_known(
    soak: Soak, tmp_path: Path
) -> None:
    """It ends the suite that runs, and cleans up."""
    with soak("--seconds", "3600", "--seed", "4") as process:
        assert process.stdout is not None
        while "session 1:" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(1)  # into the second session, though anywhere will do
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    assert "sessions               1" in printed
    assert "lost: 0, leftovers: 0, errors: 0" in printed
    assert list((tmp_path / "tmp").iterdir()) == []

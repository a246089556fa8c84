"""A finished launch is in the journal once, whatever becomes of the run or the disk."""

import contextlib
import errno
import fcntl
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from benchmarks.durable import DurableLines
from benchmarks.journal import FORMAT, Journal, JournalFailed, Record, describe_other
from benchmarks.outcomes import Outcome
from histocnn.errors import InputError
from histocnn.measurement import (
    Conditions,
    CoresSeen,
    Epoch,
    GpuConditions,
    Launch,
    Phases,
    Round,
    ThreadPool,
)

ROOT = Path(__file__).parents[2]
PLAN = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
WHAT = {"cases": "12", "launches": "5", "dataset": "tissue"}
CASE = "jax-cuda-200px-b50-cnmem0.9"
KILLS = 200

GPU = GpuConditions(1980.5, ("power cap",), 1, 0.25, 71.0, 312.5)
CONDITIONS = Conditions(0.5, 0.0, {"cpu": 0.1}, None, GPU, {"gpu": 93.75})
ROUND = Round(0.1 + 0.2, 999.0, 0.31, None, 0.5, 0, CONDITIONS, ("a “clock”\nfell",))
LAUNCH = Launch(
    phases=Phases(1.5, 0.1, 0.2, 2.0, 0.3),
    warm_up=Epoch(2.0, 150.0, 2.5, 0.7, 0.5, 7),
    rounds=(ROUND,),
    weights_moved=1e-300,
    peak_rss_bytes=2**40,
    cores=CoresSeen((0, 3), 17, 2, (ThreadPool("openblas", "0.3.34", 2),)),
    device_name="NVIDIA H100\u2028PCIe",
    versions={"jax": "0.10.2"},
    launched={"launcher": "local"},
    notes=("not compiled",),
    wall_seconds=4.25,
)
CRASH = Outcome("crashed", "the worker died", "SIGSEGV", "bad address\n\0\ttorn “")
TOO_LARGE = Outcome("out-of-memory", "it needs 90 GB")


def record(number: int) -> Record:
    """Launch ``number``, told from any other by its seconds."""
    return Record(CASE, number, LAUNCH, None, number + 0.125)


def journal(folder: Path, records: int = 0) -> Path:
    """The file of a run that was killed after so many launches."""
    with closing(Journal.create(folder, PLAN, WHAT)) as new:
        for number in range(records):
            new.append(record(number))
    return new.path


def aged(path: Path) -> Path:
    """Rename a journal to that of a run in the last century."""
    return path.rename(path.with_name(f"19990101T000000Z-{PLAN[:12]}-ffff.jsonl"))


def resumed(folder: Path) -> Journal:
    """The journal of the plan, which must be there."""
    found = Journal.resume(folder, PLAN)
    assert found is not None
    return found


def records_in(folder: Path) -> tuple[Record, ...]:
    """What a resumed run finds."""
    with closing(resumed(folder)) as found:
        return found.records


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    """Launches and outcomes, to the last bit and the oddest character."""
    written = (
        record(0),
        Record(CASE, 1, LAUNCH, None, 0.1 + 0.2),
        Record("torch-cpu-32px-b10-cores2", 0, None, CRASH, 1e9),
        Record("torch-cpu-32px-b20-cores2", 0, None, TOO_LARGE, 0.0),
    )
    with closing(Journal.create(tmp_path / "a" / "b", PLAN, WHAT)) as new:
        assert new.records == ()
        for each in written:
            new.append(each)
    with closing(resumed(tmp_path / "a" / "b")) as found:
        assert found.records == written
        assert found.problems == ()
        assert found.header.what == WHAT
        assert found.path == new.path


def test_a_journal_is_json_lines_named_by_time_and_plan(tmp_path: Path) -> None:
    """Anybody's tool reads it, and the newest sorts last."""
    path = journal(tmp_path, 2)
    assert re.fullmatch(r"\d{8}T\d{6}Z-0123456789ab-[0-9a-f]{4}\.jsonl", path.name)
    header, *entries = map(msgspec.json.decode, path.read_bytes().splitlines())
    assert (header["entry"]["format"], header["entry"]["plan"]) == (FORMAT, PLAN)
    assert [entry["entry"]["number"] for entry in entries] == [0, 1]


def test_a_record_is_a_launch_or_an_outcome() -> None:
    """Neither both nor none."""
    for launch, outcome in ((None, None), (LAUNCH, CRASH)):
        with pytest.raises(ValueError, match="either"):
            Record(CASE, 0, launch, outcome, 1.0)


def test_what_would_not_read_back_is_refused(tmp_path: Path) -> None:
    """JSON has no NaN; the file is as before."""
    path = journal(tmp_path, 1)
    before = path.read_bytes()
    with closing(resumed(tmp_path)) as found, pytest.raises(ValueError, match="null"):
        found.append(Record(CASE, 1, LAUNCH, None, float("nan")))
    assert path.read_bytes() == before


def test_a_record_is_written_then_synced_then_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write of one line, on the disk before `append` returns."""
    calls: list[str] = []

    def spy(name: str) -> None:
        real: Callable[..., object] = getattr(os, name)

        def called(*arguments: object) -> object:
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, called)

    spy("pwrite")
    spy("fsync")
    with closing(Journal.create(tmp_path / "new", PLAN, WHAT)) as new:
        # The folder in the one above, the header, the file in its folder.
        assert calls == ["fsync", "pwrite", "fsync", "fsync"]
        calls.clear()
        new.append(record(0))
        assert calls == ["pwrite", "fsync"]


def test_a_record_torn_at_any_byte_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is appended afterwards is as if nothing had been torn."""
    # A thousand waits for the disk would show nothing more.
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    path = journal(tmp_path, 3)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(start, len(whole) + 1):
        path.write_bytes(whole[:cut])
        with closing(resumed(tmp_path)) as found:
            there = len(found.records)
            assert there == (3 if cut == len(whole) else 2)
            assert found.records == tuple(record(number) for number in range(there))
            assert found.problems == ()
            found.append(record(2))
        assert path.read_bytes() == whole + (whole[start:] if there == 3 else b"")


def test_a_header_torn_at_any_byte_is_no_journal(tmp_path: Path) -> None:
    """Its run was killed before it had anything to lose."""
    path = journal(tmp_path)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert Journal.resume(tmp_path, PLAN) is None
        assert describe_other(tmp_path, WHAT) is None


def test_zeros_after_a_power_cut_are_cut_off(tmp_path: Path) -> None:
    """A file system may have grown the file and not written the data."""
    path = journal(tmp_path, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(5000))
    assert records_in(tmp_path) == (record(0), record(1))
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: bytes(len(line)),
        lambda line: line.replace(b'"seconds":1.125', b'"seconds":9.125'),
        lambda line: line.replace(b"NVIDIA", b"NVI\xff\xfeA"),
        lambda line: line[: len(line) // 2],
        lambda line: b"",
        lambda line: b"[" * 100_000,
        lambda line: b'{"crc32":1,"entry":' + b"[" * 100_000,
        lambda line: b'{"crc32":0,"entry":{}}',
    ],
    ids=["zeros", "digit", "utf-8", "half", "empty", "deep", "deeper", "other"],
)
def test_a_damaged_line_costs_itself_alone(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """It is told by its number, and its launch is measured again."""
    path = journal(tmp_path, 3)
    lines = path.read_bytes().splitlines()
    harmed = damage(lines[2])
    assert harmed != lines[2]
    lines[2] = harmed
    path.write_bytes(b"\n".join(lines) + b"\n")
    with closing(resumed(tmp_path)) as found:
        assert found.records == (record(0), record(2))
        (problem,) = found.problems
        assert problem.startswith(f"journal {path}: line 3 is damaged (")
        assert "\n" not in problem
        found.append(record(1))
    assert records_in(tmp_path) == (record(0), record(2), record(1))


def test_a_line_of_another_journal_does_not_count(tmp_path: Path) -> None:
    """Not even of the same plan: a disk may hand out an old file's block."""
    path, other = journal(tmp_path, 1), journal(tmp_path / "other", 2)
    foreign = other.read_bytes().splitlines(keepends=True)[2]
    path.write_bytes(path.read_bytes() + foreign)
    with closing(resumed(tmp_path)) as found:
        assert found.records == (record(0),)
        assert len(found.problems) == 1


def test_of_two_records_of_a_launch_the_first_counts(tmp_path: Path) -> None:
    """Nothing is doubled; but another try replaces an outcome that was not final."""
    with closing(Journal.create(tmp_path, PLAN, WHAT)) as new:
        for launch, outcome in ((LAUNCH, None), (None, CRASH), (LAUNCH, None)):
            new.append(Record("once", 0, launch, outcome, 1.0))
        for outcome in (CRASH, TOO_LARGE, CRASH):
            new.append(Record("tried", 0, None, outcome, 1.0))
        new.append(Record("tried again", 0, None, CRASH, 1.0))
        new.append(Record("tried again", 0, LAUNCH, None, 2.0))
    assert records_in(tmp_path) == (
        Record("once", 0, LAUNCH, None, 1.0),
        Record("tried", 0, None, TOO_LARGE, 1.0),
        Record("tried again", 0, LAUNCH, None, 2.0),
    )


def test_two_runs_at_once_have_two_journals(tmp_path: Path) -> None:
    """Also of one plan in one second; each keeps what is its own."""
    with (
        closing(Journal.create(tmp_path, PLAN, WHAT)) as one,
        closing(Journal.create(tmp_path, PLAN, WHAT)) as other,
    ):
        assert one.path != other.path
        one.append(record(1))
        other.append(record(2))
        one.remove()
        assert [path.name for path in tmp_path.iterdir()] == [other.path.name]
    assert records_in(tmp_path) == (record(2),)


HOLD = """
import sys
from pathlib import Path
from benchmarks.journal import Journal
how, folder, plan = sys.argv[1:]
if how == "create":
    held = Journal.create(Path(folder), plan, {})
else:
    held = Journal.resume(Path(folder), plan)
print(held.path, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def another_run(how: str, folder: Path) -> Iterator[Path]:
    """A process that has a journal open, until the end of the block kills it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, how, str(folder), PLAN],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["create", "resume"])
def test_a_journal_in_use_is_not_resumed(tmp_path: Path, how: str) -> None:
    """One line says which and what to do; once its run is killed it is free."""
    older = aged(journal(tmp_path, 1))
    with another_run(how, tmp_path) as path:
        with pytest.raises(InputError) as error:
            Journal.resume(tmp_path, PLAN)
        assert str(error.value) == (
            f"journal {path} is in use by a run that goes on; wait for its end, or "
            "leave --resume out to measure all anew"
        )
    with closing(resumed(tmp_path)) as found:
        # One that has no launch yet is nothing to resume, and hides no other.
        assert found.path == older
    assert path.exists() == (how == "resume")


def test_a_journal_that_goes_while_it_is_opened_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run ended well between the opening and the lock: nobody would find it."""
    path, lock = journal(tmp_path, 1), fcntl.flock

    def flock(fd: int, how: int) -> None:
        path.unlink()
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    assert Journal.resume(tmp_path, PLAN) is None


def test_a_worker_does_not_keep_the_journal(tmp_path: Path) -> None:
    """An orphan of a killed run inherits no lock."""
    new = Journal.create(tmp_path, PLAN, WHAT)
    new.append(record(0))
    with subprocess.Popen(["sleep", "60"], close_fds=False) as orphan:
        new.close()
        resumed(tmp_path).close()
        orphan.kill()


def test_the_newest_of_a_plan_is_resumed(tmp_path: Path) -> None:
    """Not an older one, nor another plan's."""
    aged(journal(tmp_path, 1))
    newest = journal(tmp_path, 2)
    Journal.create(tmp_path, OTHER, WHAT).close()
    similar = PLAN[:12] + OTHER[12:]
    assert Journal.resume(tmp_path, similar) is None
    with closing(resumed(tmp_path)) as found:
        assert found.path == newest
    found.remove()
    assert records_in(tmp_path) == (record(0),)


def test_without_a_journal_nothing_is_resumed(tmp_path: Path) -> None:
    """An empty folder, and none."""
    assert Journal.resume(tmp_path, PLAN) is None
    assert Journal.resume(tmp_path / "none", PLAN) is None
    assert describe_other(tmp_path / "none", WHAT) is None


def with_format(path: Path, number: int) -> None:
    """Make ``path`` a sound journal of another format."""
    path.unlink()
    entry = msgspec.json.encode({"format": number, "plans": [PLAN]})
    DurableLines.create(path, entry).close()


def test_a_journal_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A damaged header, or another suite's format: the one before is resumed."""
    old = aged(journal(tmp_path, 1))
    newest = journal(tmp_path, 1)
    newest.write_bytes(newest.read_bytes().replace(b"tissue", b"tis5ue"))
    for problem in (
        "its first line is damaged (its checksum is another)",
        f"it is of format {FORMAT + 1}; this suite reads {FORMAT}",
    ):
        with closing(resumed(tmp_path)) as found:
            assert found.path == old
            assert found.problems == (f"journal {newest} is not resumed: {problem}",)
        assert describe_other(tmp_path, WHAT) == (
            f"the newest journal there, {newest.name}, cannot be used: {problem}"
        )
        with_format(newest, FORMAT + 1)


@pytest.mark.parametrize(
    ("now", "has"),
    [
        ({"launches": "3"}, "has launches 5, not 3"),
        ({"launches": "3", "cases": "1"}, "has cases 12, not 1; launches 5, not 3"),
        ({"precision": "0.02"}, "has precision unset, not 0.02"),
        ({}, "is of another state of the suite"),
    ],
)
def test_a_user_learns_why_nothing_is_resumed(
    tmp_path: Path, now: dict[str, str], has: str
) -> None:
    """What the newest journal of any plan was told otherwise."""
    path = journal(tmp_path)
    said = f"the newest journal there, {path.name}, {has}"
    assert describe_other(tmp_path, WHAT | now) == said


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_a_problem_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """NFS without its lock service, say."""

    def flock(fd: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with closing(Journal.create(tmp_path, PLAN, WHAT)) as new:
        new.append(record(0))
        assert ["no locks" in problem for problem in new.problems] == [True]
    assert records_in(tmp_path) == (record(0),)


def test_a_file_system_without_sync_is_a_problem_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, not with every launch."""

    def fsync(fd: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    with closing(Journal.create(tmp_path, PLAN, WHAT)) as new:
        new.append(record(0))
        new.append(record(1))
        assert ["cannot sync" in problem for problem in new.problems] == [True]
    assert records_in(tmp_path) == (record(0), record(1))


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path, name: str) -> None:
    """It names the option and the folder."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError) as error:
        Journal.create(tmp_path / name, PLAN, WHAT)
    said = str(error.value)
    assert said.startswith(f"--journal: cannot keep a journal in {tmp_path / name}: ")
    assert said.endswith("; name a folder with space that you may write to")
    assert "\n" not in said


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(new: Journal) -> tuple[int, str]:
    """Append until that fails: how many were taken, and what was said of the next."""
    for number in itertools.count():
        try:
            new.append(record(number))
        except JournalFailed as error:
            return number, str(error)
    raise AssertionError


def test_a_full_disk_costs_the_one_launch(disk: Path) -> None:
    """What was safe stays, the message says how to go on, and going on works."""
    filler = disk / "filler"
    filler.write_bytes(bytes(40_000))
    with closing(Journal.create(disk, PLAN, WHAT)) as new:
        safe, said = fill(new)
        assert safe > 3
        assert said == (
            f"cannot write journal {new.path}: No space left on device; {safe} "
            "finished launches are safe in it; free some space, then run the same "
            "command with --resume"
        )
        assert new.path.read_bytes().endswith(b"\n")
        filler.unlink()
        new.append(record(safe))
    assert records_in(disk) == tuple(record(number) for number in range(safe + 1))


def test_a_full_disk_takes_no_new_journal(disk: Path) -> None:
    """It is said at once, and nothing half stays."""
    with contextlib.suppress(OSError):
        (disk / "filler").write_bytes(bytes(100_000))
    with pytest.raises(InputError, match=r"--journal: .*: No space left on device; "):
        Journal.create(disk, PLAN, WHAT)
    assert [path.name for path in disk.iterdir()] == ["filler"]


def test_a_disk_that_cannot_be_written_is_one_line(disk: Path) -> None:
    """Neither a new journal nor one to go on with."""
    journal(disk, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said = r"--journal: .*: Read-only file system; "
    with pytest.raises(InputError, match=said):
        Journal.create(disk, PLAN, WHAT)
    with pytest.raises(InputError, match=said):
        Journal.resume(disk, PLAN)


LIMITED = """
import resource, sys
from pathlib import Path
from benchmarks.journal import JournalFailed
from tests.benchmarks import test_journal as here
folder = Path(sys.argv[1])
path = here.journal(folder, 1)
most = path.stat().st_size + 100
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
found = here.resumed(folder)
before = path.read_bytes()
try:
    found.append(here.record(1))
except JournalFailed as error:
    print(error)
assert path.read_bytes() == before
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
found.append(here.record(1))
"""


def test_a_file_that_may_not_grow_is_cut_back(tmp_path: Path) -> None:
    """A part of the line had been written; without root's mounts, in a process."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("cannot write journal ")
    assert done.stdout.endswith(
        ": File too large; 1 finished launch is safe in it; raise the limit on a "
        "file's size (ulimit -f), then run the same command with --resume\n"
    )
    assert records_in(tmp_path) == (record(0), record(1))


def test_a_disk_that_fails_to_sync_has_not_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have dropped it: what was not confirmed is cut off."""
    with closing(Journal.create(tmp_path, PLAN, WHAT)) as new:
        before = new.path.read_bytes()

        def fsync(fd: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            with pytest.raises(JournalFailed, match="error; 0 finished launches are"):
                new.append(record(0))
        assert new.path.read_bytes() == before
        new.append(record(0))
    assert records_in(tmp_path) == (record(0),)


def test_a_cut_that_fails_as_well_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of a broken write never runs into the next record."""
    with closing(Journal.create(tmp_path, PLAN, WHAT)) as new:
        real = os.pwrite

        def pwrite(fd: int, line: bytes, at: int) -> int:
            real(fd, line[:-7], at)
            raise OSError(errno.EIO, "Input/output error")

        def ftruncate(fd: int, length: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            patch.setattr(os, "ftruncate", ftruncate)
            with pytest.raises(JournalFailed):
                new.append(record(0))
        assert not new.path.read_bytes().endswith(b"\n")
        short = Record(CASE, 1, None, TOO_LARGE, 1.0)
        new.append(short)
        assert new.path.read_bytes().endswith(b"\n")
    assert records_in(tmp_path) == (short,)


@pytest.mark.parametrize(("written", "kept"), [(0.0, 0), (0.5, 0), (1.0, 1)])
def test_an_interrupt_leaves_a_record_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: float, kept: int
) -> None:
    """Ctrl-C before, within and after the write; the journal goes on either way."""
    with closing(Journal.create(tmp_path, PLAN, WHAT)) as new:
        real = os.pwrite

        def pwrite(fd: int, line: bytes, at: int) -> int:
            real(fd, line[: int(len(line) * written)], at)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            with pytest.raises(KeyboardInterrupt):
                new.append(record(0))
        assert new.path.read_bytes().endswith(b"\n")
        new.append(record(1))
    assert records_in(tmp_path) == (record(0), record(1))[1 - kept :]


def append_until_killed(folder: Path, witness: int) -> None:
    """Resume or begin, say so, then tell the number of each record that is safe."""
    new = Journal.resume(folder, PLAN) or Journal.create(folder, PLAN, WHAT)
    os.write(witness, b"open\n")
    number = len(new.records)
    while True:
        new.append(record(number))
        os.write(witness, b"%d\n" % number)
        number += 1


def kill_one(folder: Path, moment: random.Random) -> list[bytes]:
    """Start a process that appends, kill it at some moment: what it had witnessed."""
    reads, writes = os.pipe()
    # A fork costs a hundredth of a new Python, and SIGKILL treats both alike.
    if not (pid := os.fork()):
        try:
            append_until_killed(folder, writes)
        finally:
            os._exit(1)  # never back into pytest, which it is a copy of
    os.close(writes)
    with os.fdopen(reads, "rb", buffering=0) as pipe:
        opening = moment.random() < 0.25
        said = b"" if opening else pipe.read(5)
        time.sleep(moment.uniform(0, 0.01 if opening else 0.02))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "it ended before it was killed"
        while chunk := pipe.read(65536):
            said += chunk
    return said.splitlines()[1:]


def test_nothing_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    """What was acknowledged before SIGKILL is there, once; the next run goes on."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed of the moments: {seed}")
    moment = random.Random(seed)
    acknowledged = in_file = 0
    for kill in range(KILLS):
        if in_file > 100:  # begin anew: that is a moment to be killed at as well
            resumed(tmp_path).remove()
            in_file = 0
        witnessed = kill_one(tmp_path, moment)
        acknowledged += len(witnessed)
        first = in_file
        found = Journal.resume(tmp_path, PLAN)
        records = found.records if found else ()
        if found:
            assert found.problems == (), f"kill {kill}"
            found.close()
        in_file = len(records)
        assert list(map(int, witnessed)) == list(range(first, first + len(witnessed)))
        # The last one may have been killed between its write and its witness.
        assert in_file - (first + len(witnessed)) in (0, 1), f"kill {kill}"
        assert records == tuple(record(number) for number in range(in_file))
    print(f"{KILLS} kills, {acknowledged} records acknowledged")
    assert acknowledged > KILLS


def mutated(content: bytes, chance: random.Random) -> bytes:
    """``content`` after one accident."""
    at, size = chance.randrange(len(content)), chance.randrange(1, 40)
    head, tail = content[:at], content[at:]
    match chance.randrange(6):
        case 0:
            return head + bytes([tail[0] ^ 1 << chance.randrange(8)]) + tail[1:]
        case 1:
            return head + tail[size:]
        case 2:
            return head + chance.randbytes(size) + tail
        case 3:
            return head + bytes(len(tail[:size])) + tail[size:]
        case 4:
            start = chance.randrange(len(content))
            return head + content[start : start + chance.randrange(2000)] + tail
        case _:
            digit = bytes([chance.choice(b"0123456789")])
            return head + re.sub(rb"\d", digit, tail, count=1)


def test_damage_never_makes_a_record(tmp_path: Path) -> None:
    """Up to three random accidents: an error in a line, or nothing but what was."""
    path = journal(tmp_path, 4)
    whole = path.read_bytes()
    written = [record(number) for number in range(4)]
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed of the damage: {seed}")
    chance = random.Random(seed)
    read = 0
    for _ in range(2000):
        content = whole
        for _ in range(chance.randrange(1, 4)):
            content = mutated(content, chance) or whole
        path.write_bytes(content)
        try:
            found = Journal.resume(tmp_path, PLAN)
        except InputError:
            continue
        if found:
            found.close()
            numbers = {each.number for each in found.records}
            assert len(numbers) == len(found.records)
            assert all(each in written for each in found.records)
            read += len(found.records)
        describe_other(tmp_path, WHAT)
    assert read > 2000

"""A worker that dies, hangs, babbles or lies costs one clear line, not the session."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks.launchers import WorkerDied, local
from benchmarks.launchers.local import LocalChannel
from benchmarks.measure import check, measure
from benchmarks.outcomes import MeasuringFailed
from benchmarks.settling import Effort
from histocnn.job import Job
from histocnn.measurement import CoresSeen, Epoch, Launch, Phases, Round

ROOT = Path(__file__).parents[2]
JOB = Job("theano", "cpu", 32, 10, None, 1)
READY = """
import os, signal, subprocess, sys, time
from histocnn import protocol as p
sys.stdin.readline()
print(p.encode(p.Ready(p.VERSION, os.getpid())).decode(), end="", flush=True)
sys.stdin.readline()
"""


@dataclass
class ScriptLauncher:
    """Starts a script in the worker's place."""

    GPU: ClassVar[Mapping[str, str]] = {}

    script: str

    def cores(self) -> int:
        """One, for nothing."""
        return 1

    def missing(self, job: Job) -> str | None:
        """Nothing."""
        return None

    def start(self, job: Job) -> LocalChannel:
        """Run the script, our modules in its reach."""
        command = [sys.executable, "-c", self.script]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return LocalChannel(command, environment, "rm -r .envs/theano; make env")

    def path(self, entry: Path) -> str:
        """As it is."""
        return str(entry)


def failure(script: str, timeout: float = 30.0) -> str:
    """What `measure` says of a worker that runs ``script``."""
    with pytest.raises(MeasuringFailed) as caught:
        measure(JOB, Effort(1, 1, timeout), ScriptLauncher(script), Path("/none"))
    return str(caught.value)


def test_a_crash_tells_the_signal_and_the_last_words() -> None:
    """SIGSEGV in the middle of opening."""
    script = READY + "sys.stderr.write('bad address'); sys.stderr.flush()\n"
    said = failure(script + "os.kill(os.getpid(), signal.SIGSEGV)")
    assert said.startswith("the worker died (signal SIGSEGV); it said:\n")
    assert said.endswith("bad address")


def test_a_kill_by_the_kernel_for_want_of_memory_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is SIGKILL as any other, but the kernel counts such kills."""
    counts = iter([3, 4])
    monkeypatch.setattr(local, "_oom_kills", lambda: next(counts))
    script = READY + "os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(MeasuringFailed) as caught:
        measure(JOB, Effort(1, 1, 30.0), ScriptLauncher(script), Path("/none"))
    assert caught.value.outcome.kind == "out-of-memory"
    assert "the kernel killed the worker for what it used" in str(caught.value)


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    """Real-time signals have none."""
    said = failure(READY + "os.kill(os.getpid(), 40)")
    assert said.startswith("the worker died (signal 40)")


def test_a_worker_that_only_closes_its_line_is_no_hang() -> None:
    """It lives but cannot answer any more: it is killed within seconds."""
    said = failure(READY + "os.close(1); time.sleep(600)")
    assert said.startswith("the worker died (signal SIGKILL)")


def test_an_exit_tells_its_code() -> None:
    """Before it ever answered."""
    assert failure("raise SystemExit(3)").startswith("the worker died (exit code 3)")


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pid: int) -> bool:
    """Give the kernel a few seconds to clear a killed process away."""
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_a_hang_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """The whole process group goes: no child stays behind to disturb the next case."""
    pids = tmp_path / "pids"
    script = READY + (
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)"
    )
    said = failure(script, timeout=1.5)
    assert said == (
        "the worker gave no answer for 1.5 s and was killed; raise --timeout if it "
        "only needs longer"
    )
    assert all(wait_until_gone(int(pid)) for pid in pids.read_text().split())


def test_a_worker_that_babbles_is_told_by_what_it_wrote() -> None:
    """Something printed before the worker took its stdout over."""
    said = failure("print('Welcome to Python!', flush=True); input()")
    assert "wrote b'Welcome to Python!\\n', which is no reply" in said


def test_a_wrong_answer_is_told() -> None:
    """A reply of another kind than the command's."""
    said = failure(
        READY.replace("p.Ready(p.VERSION, os.getpid())", "p.Failed('E','m','d')")
    )
    assert said.startswith("the worker failed: E: m")
    late = READY + "print(p.encode(p.Ready(1, 2)).decode(), flush=True); input()"
    assert "where Opened was due" in failure(late)


def test_another_protocol_is_refused() -> None:
    """An environment or image of another version."""
    said = failure(READY.replace("p.VERSION", "99"))
    assert said.startswith("the worker speaks protocol 99, this suite ")


def test_missing_packages_ask_for_a_new_environment() -> None:
    """A half-installed environment that bears its stamp all the same."""
    script = READY + (
        "print(p.encode(p.Failed('ModuleNotFoundError', 'No module h5py', 'd'))"
        ".decode(), flush=True); input()"
    )
    assert "No module h5py; build its software again: rm -r" in failure(script)


def test_sending_to_a_dead_worker_is_no_broken_pipe() -> None:
    """It is the same death, told the same way."""
    channel = LocalChannel([sys.executable, "-c", "raise SystemExit(4)"], {})
    try:
        with pytest.raises(WorkerDied):
            channel.receive(30)
        with pytest.raises(WorkerDied, match="exit code 4"):
            channel.send(b"x")
    finally:
        channel.close()
    channel.close()  # twice is once


def test_an_interrupt_while_a_worker_leaves_spares_neither_it_nor_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a GPU, leaving takes a second of each launch."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '300'])\n"
        "print(child.pid, flush=True); sys.stdin.read(); time.sleep(300)"
    )
    channel = LocalChannel([sys.executable, "-c", script], {})
    child = int(channel.receive(30))
    wait = channel._process.wait

    def interrupted(timeout: float | None = None) -> int:
        if timeout is not None:
            raise KeyboardInterrupt
        return wait()

    monkeypatch.setattr(channel._process, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        channel.close()
    assert channel._process.returncode == -signal.SIGKILL
    assert wait_until_gone(child)


def test_a_worker_dies_with_the_suite_even_by_sigkill(tmp_path: Path) -> None:
    """Nothing goes on training when the measuring side is gone."""
    script = f"""
import os, sys, time
from benchmarks.launchers.local import LocalChannel
from benchmarks.workers import Worker
command = [sys.executable, "-m", "histocnn.worker", "--parent", str(os.getpid())]
channel = LocalChannel(command, {{"PYTHONPATH": {str(ROOT)!r}}})
print(Worker(channel, 30).ping().pid, flush=True)
time.sleep(600)
"""
    suite = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert suite.stdout is not None
    worker = int(suite.stdout.readline())
    assert is_alive(worker)
    suite.send_signal(signal.SIGKILL)
    suite.wait()
    suite.stdout.close()
    assert wait_until_gone(worker)


EPOCH = Epoch(1.0, 10.0, 1.0, 0.7, 0.5, compilations=0)
LEARNT = replace(Round.of(EPOCH), loss=0.6)
LAUNCH = Launch(
    phases=Phases(1.0, 0.1, 0.2, 2.0, 1.0),
    warm_up=EPOCH,
    rounds=(LEARNT,),
    weights_moved=0.01,
    peak_rss_bytes=1,
    cores=CoresSeen((3,), 5, 1, ()),
    device_name="cpu",
    versions={},
    launched={},
)


def test_a_launch_as_asked_for_passes() -> None:
    """It trained, on one CPU, with one thread."""
    check(JOB, LAUNCH)


def test_behind_two_steps_the_loss_may_be_higher() -> None:
    """As where a batch is tried for its memory; behind more steps it may not."""
    risen = replace(LAUNCH, rounds=(replace(LEARNT, loss=2.2),))
    check(replace(JOB, batch=10, images=10), risen)
    with pytest.raises(MeasuringFailed, match="it did not train: the loss went from"):
        check(replace(JOB, batch=10, images=20), risen)


def test_a_warm_up_may_compile() -> None:
    """That is what it is there for."""
    check(JOB, replace(LAUNCH, warm_up=replace(EPOCH, compilations=7)))


@pytest.mark.parametrize(
    ("launch", "message"),
    [
        (replace(LAUNCH, weights_moved=0.0), "it did not train: the weights moved by"),
        (
            replace(LAUNCH, rounds=(LEARNT, replace(LEARNT, compilations=2))),
            r"round 2 compiled 2 times, so that its 1 s are not training alone",
        ),
        (
            replace(LAUNCH, cores=CoresSeen((0, 1), 5, 1, ())),
            r"cores=1, but its threads may run on CPUs \(0, 1\)",
        ),
        (
            replace(LAUNCH, cores=CoresSeen((0,), 5, 2, ())),
            "cores=1, but theano computes with 2 threads",
        ),
    ],
)
def test_a_launch_that_was_something_else_fails(launch: Launch, message: str) -> None:
    """No time is kept of a case that was not the case."""
    with pytest.raises(MeasuringFailed, match=message):
        check(JOB, launch)

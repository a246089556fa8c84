"""--interpreter: the user's own Python in place of an environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import environments, launchers
from benchmarks.launchers import Settings, WorkerDied
from benchmarks.outcomes import MeasuringFailed
from benchmarks.workers import Worker, worker
from histocnn import protocol
from histocnn.errors import InputError
from histocnn.job import Job
from tests.conftest import Pytest
from tests.fake_worker import fake_python

JOB = Job("torch", "cpu", 32, 10, None, 1, 20)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("torch",), "'torch' is not of the form ENV=PATH"),
        (("caffe=/bin/sh",), "unknown environment 'caffe'; there are: jax, jax-cuda"),
        (("bench=/bin/sh",), "unknown environment 'bench'"),
        (("torch-tpu=/bin/sh",), "unknown environment 'torch-tpu'"),
        (("tensorflow-cpu=/bin/sh",), "unknown environment 'tensorflow-cpu'"),
        (("torch=",), "torch: '' is no executable file"),
        (("torch=/no/such",), "torch: '/no/such' is no executable file"),
        (("torch=/etc/passwd",), "torch: '/etc/passwd' is no executable file"),
        (("torch=/bin",), "torch: '/bin' is no executable file"),
        (("torch=/bin/sh", "jax=/bin/sh", "torch=/bin/sh"), "names torch twice"),
    ],
)
def test_a_wrong_interpreter_is_one_line(given: tuple[str, ...], message: str) -> None:
    """The form, the environment, the path, and each environment once."""
    with pytest.raises(InputError) as error:
        environments.parse_interpreters(given)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_python_of_a_clusters_nodes_is_not_looked_for_here() -> None:
    """But it has to be the same path on all of them."""
    found = environments.parse_interpreters(["torch=/only/there"], here=False)
    assert found == (("torch", "/only/there"),)
    with pytest.raises(InputError, match="'python3' is no absolute path; name a Pyt"):
        environments.parse_interpreters(["torch=python3"], here=False)


def test_a_path_is_made_absolute_and_its_links_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment's Python is a link whose own place matters."""
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    (pair,) = environments.parse_interpreters(["torch-cuda=python"])
    assert pair == ("torch-cuda", str(tmp_path / "python"))


def test_the_command_line_refuses_a_wrong_one_in_one_line(run_pytest: Pytest) -> None:
    """A wrong command line's exit code; the option stands in the help."""
    done = run_pytest("benchmarks/test_train.py", "--interpreter", "torch")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    said = "ERROR: --interpreter 'torch' is not of the form ENV=PATH"
    assert [line for line in done.stderr.splitlines() if line.strip()] == [said]
    assert "--interpreter=ENV=PATH" in run_pytest("--help").stdout


def test_containers_have_their_images_python() -> None:
    """The docker launcher refuses, and names what to do instead."""
    with pytest.raises(InputError, match="--image"):
        launchers.get("docker", Settings(interpreters=(("torch", sys.executable),)))


def test_what_the_user_set_for_other_programs_does_not_reach_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would change the case; all else is the user's."""
    foreign = {
        **{"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "CUDA_LAUNCH_BLOCKING": "1"},
        **{"CUDNN_LOGLEVEL_DBG": "3", "GLIBC_TUNABLES": "glibc.malloc.arena_max=1"},
        **{"NVIDIA_TF32_OVERRIDE": "1", "THEANO_FLAGS": "x=1", "XLA_FLAGS": "--x"},
    }
    for name, value in {**foreign, "LD_LIBRARY_PATH": "/opt/lib"}.items():
        monkeypatch.setenv(name, value)
    seen = tmp_path / "seen"
    program = tmp_path / "python"
    worker_itself = f'exec {fake_python(tmp_path)} "$@"'
    program.write_text(f"#!/bin/sh\nenv -0 > {seen}\n{worker_itself}\n")
    program.chmod(0o755)
    local = launchers.get("local", Settings(interpreters=(("torch", str(program)),)))
    with worker(local, JOB, timeout=60) as process:
        process.ping()
        process.leave()
    told = {each.partition("=")[0] for each in seen.read_text().split("\0")}
    assert "LD_LIBRARY_PATH" in told
    assert not foreign.keys() & told


def test_no_lock_is_asked_for_but_the_engine_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unbuilt environment is no obstacle; other environments stay what they are."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    asked: list[str] = []

    def missing(name: str) -> str:
        asked.append(name)
        return f"{name} is not built"

    monkeypatch.setattr(environments, "missing", missing)
    local = launchers.get("local", Settings(interpreters=(("torch", sys.executable),)))
    assert local.missing(JOB) is None
    assert asked == []
    jax = Job("jax", "cpu", 32, 10, None, 1, 20)
    assert local.missing(jax) == "jax is not built"
    theano = Settings(interpreters=(("theano", sys.executable),))
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = launchers.get("local", theano).missing(
        Job("theano", "cpu", 32, 10, None, 1, 20)
    )
    assert reason is not None
    assert "g++" in reason


def test_a_worker_runs_on_it_and_its_result_says_so() -> None:
    """The process is that Python; what is saved tells that, and not which."""
    own = Settings(interpreters=(("torch", sys.executable),))
    channel = launchers.get("local", own).start(JOB)
    try:
        pid = Worker(channel, 60).ping().pid
        program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    finally:
        channel.close()
    assert program.decode() == sys.executable
    assert channel.facts == {"launcher": "local", "interpreter": "own"}


def test_what_it_lacks_is_named_without_a_word_on_our_environments(
    tmp_path: Path,
) -> None:
    """Where the framework is missing, the remedy is the user's own Python."""
    own = Settings(interpreters=(("torch", sys.executable),))
    channel = launchers.get("local", own).start(JOB)
    worker = Worker(channel, 60)
    try:
        assert worker.ping().version == protocol.VERSION
        with pytest.raises(MeasuringFailed) as failure:
            worker.open(JOB, str(tmp_path))
    finally:
        channel.close()
    first = str(failure.value).partition("\n")[0]
    assert "No module named 'torch'" in first
    assert "install what this Python lacks of requirements/torch.txt" in first
    assert ".envs" not in first


def test_a_python_without_the_workers_own_packages_dies_with_the_remedy(
    tmp_path: Path,
) -> None:
    """It cannot answer, so what it lacks is read from its last words."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")],
        check=True,
    )
    bare = str(tmp_path / "bare" / "bin" / "python")
    channel = launchers.get("local", Settings(interpreters=(("torch", bare),))).start(
        JOB
    )
    try:
        with pytest.raises(WorkerDied) as death:
            channel.receive(60)
    finally:
        channel.close()
    first, _, words = str(death.value).partition("\n")
    assert "install what this Python lacks of requirements/torch.txt" in first
    assert "No module named 'msgspec'" in words


def test_training_on_it_saves_that_it_was_not_the_locked_one(
    tmp_path: Path, run_pytest: Pytest
) -> None:
    """The locked environment's own Python, given by its path, counts as the user's."""
    locked = environments.interpreter("tensorflow")
    if reason := environments.missing("tensorflow"):
        pytest.skip(reason)
    saved = tmp_path / "run.json"
    done = run_pytest(
        *("benchmarks/test_train.py", "--engines", "tensorflow", "--sizes", "32"),
        *("--batches", "10", "--images", "20", "--cores", "1", "--launches", "1"),
        *("--rounds", "1", f"--benchmark-json={saved}"),
        *("--interpreter", f"tensorflow={os.path.relpath(locked, environments.ROOT)}"),
    )
    assert done.returncode == 0, done.stdout
    text = saved.read_text()
    (case,) = json.loads(text)["benchmarks"]
    (launch,) = case["extra_info"]["launches"]
    assert launch["launched"] == {"launcher": "local", "interpreter": "own"}
    assert str(environments.ROOT) not in json.dumps(case)

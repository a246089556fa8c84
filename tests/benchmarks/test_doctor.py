"""`make doctor`: every finding on a line, every lack with what to do about it."""

import pytest

from benchmarks import doctor, launchers
from benchmarks.doctor import Finding
from benchmarks.launchers import local
from histocnn.job import Job


def test_it_looks_at_all_that_a_case_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """Cores, governor, memory, disk, GPU, Docker, and each engine by each launcher."""
    doctor.main([])
    lines = capsys.readouterr().out.splitlines()
    for what in ("cores", "governor", "memory", "disk", "GPU", "Docker"):
        assert any(line.startswith(what) for line in lines), what
    for what in ("local theano-cpu", "local tensorflow-cpu", "docker "):
        line = next(line for line in lines if line.startswith(what))
        assert "runs" in line or "no — " in line


def test_nothing_runs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 only where no case at all could be measured."""
    monkeypatch.setattr(
        doctor, "CHECKS", (lambda: iter([Finding("x", "no", "do it")]),)
    )
    assert doctor.main([]) == 1
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([Finding("x", "runs")]),))
    assert doctor.main([]) == 0


def test_a_word_that_it_does_not_know_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It has no options but `--help`, and says so before it looks at anything."""
    with pytest.raises(SystemExit) as ended:
        doctor.main(["--nonsense"])
    assert ended.value.code == 2
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err
    with pytest.raises(SystemExit) as helped:
        doctor.main(["--help"])
    assert not helped.value.code
    assert "what to do about what it cannot" in capsys.readouterr().out


def test_a_missing_engine_of_docker_has_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line, even where the SDK's own error is long."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/engine.sock")
    (finding,) = doctor.docker()
    assert finding.found.startswith("no engine answers")
    assert finding.remedy
    assert "\n" not in finding.found


def test_what_a_launcher_lacks_for_all_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it lacks for some is told of each case."""

    def lacking(*devices: str) -> None:
        def missing(_: local.Launcher, job: Job) -> str | None:
            return "no engine answers" if job.device in devices else None

        monkeypatch.setattr(local.Launcher, "missing", missing)

    monkeypatch.setattr(launchers, "names_here", lambda: ("local",))
    lacking("cpu", "cuda")
    assert list(doctor.cases()) == [Finding("local cases", "no", "no engine answers")]
    lacking("cuda")
    found = {each.what: each.found for each in doctor.cases()}
    assert found["local jax-cpu"] == "runs"
    assert found["local jax-cuda"] == "no"

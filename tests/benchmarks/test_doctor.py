"""`make doctor`: every finding on a line, every lack with what to do about it."""

import pytest

from benchmarks import doctor
from benchmarks.doctor import Finding


def test_it_looks_at_all_that_a_case_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """Cores, governor, memory, disk, GPU, Docker, and each engine by each launcher."""
    doctor.main()
    lines = capsys.readouterr().out.splitlines()
    for what in ("cores", "governor", "memory", "disk", "GPU", "Docker"):
        assert any(line.startswith(what) for line in lines), what
    for what in ("local theano-cpu", "local tensorflow-cpu", "docker theano-cuda"):
        (line,) = (line for line in lines if line.startswith(what))
        assert "runs" in line or "no — " in line


def test_nothing_runs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 only where no case at all could be measured."""
    monkeypatch.setattr(
        doctor, "CHECKS", (lambda: iter([Finding("x", "no", "do it")]),)
    )
    assert doctor.main() == 1
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([Finding("x", "runs")]),))
    assert doctor.main() == 0


def test_a_missing_engine_of_docker_has_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line, even where the SDK's own error is long."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/engine.sock")
    (finding,) = doctor.docker()
    assert finding.found.startswith("no engine answers")
    assert finding.remedy
    assert "\n" not in finding.found

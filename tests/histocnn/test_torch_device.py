"""What PyTorch finds to compile with, and where it keeps what was compiled."""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

import pytest

from histocnn.engines import torch
from histocnn.job import Job
from histocnn.torch2.device import why_no_compiler


@pytest.fixture
def headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Triton, Python's headers, gcc, and no variable ``CC``."""
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "gcc" else None)
    monkeypatch.delenv("CC", raising=False)
    return tmp_path / "Python.h"


@pytest.mark.usefixtures("headers")
def test_with_a_compiler_triton_and_headers_it_compiles() -> None:
    assert why_no_compiler() is None


def test_what_is_not_there_is_named(
    headers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers.unlink()
    assert why_no_compiler() == "Python's headers are not here, which Triton needs"
    # Triton does not look for this one.
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "cc" else None)
    assert why_no_compiler() == "there is no C compiler here, which Triton needs"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert why_no_compiler() == "there is no Triton here"


@pytest.mark.usefixtures("headers")
@pytest.mark.parametrize("named", ["icx", ""])
def test_a_compiler_of_the_users_is_the_only_one(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Triton has it: gcc does not stand in for what CC names."""
    monkeypatch.setenv("CC", named)
    assert (why_no_compiler() or "").startswith(f"CC names {named!r}, which is not")
    monkeypatch.setenv("CC", "gcc")
    assert why_no_compiler() is None


def test_what_is_compiled_goes_into_the_suites_cache(tmp_path: Path) -> None:
    """In a container nothing may be loaded from the home folder."""
    job = Job("torch", "cuda", 32, 10, "0", 1)
    kept = torch.environment(job, tmp_path)
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        assert Path(kept[name]).is_relative_to(tmp_path)

"""Files for results: looked at before anything is measured, and where saving fails."""

import importlib.util
import json
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import conduct
from histocnn.errors import InputError


def check(config: pytest.Config) -> None:
    """Look now at what is written after hours of cases.

    Raises `InputError` for the first option that asks for what could not be written.
    """
    option = config.getoption
    if (target := option("benchmark_json", None)) is not None:
        _check_file("--benchmark-json", Path(target))
    if option("benchmark_histogram", None):
        _check_histogram()
    for name in ("save", "autosave"):
        if option(f"benchmark_{name}", None):
            _check_storage(f"--benchmark-{name}", config)
    if option("journal") == "":
        raise InputError(
            "--journal: '' is no folder; name one, or leave the option out"
        )


def _check_file(option: str, path: Path) -> None:
    folder = path.absolute().parent
    if path.is_dir():
        raise InputError(f"{option}: {path} is a folder; name a file in it")
    if not folder.is_dir():
        raise InputError(f"{option}: there is no folder {folder}; make it first")
    if path.exists():
        # Opening it would empty it, or wait for whoever reads a pipe.
        why = None if os.access(path, os.W_OK) else "it is not yours to write"
    else:
        why = _why_not(folder)
    if why is not None:
        raise InputError(
            f"{option}: {path} cannot be written: {why}; name a file in a folder that "
            "you may write to"
        )


def _check_histogram() -> None:
    for package in ("pygal", "pygaljs"):
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"--benchmark-histogram needs the package {package}, which is not "
                "installed here; `python -m reports figures` draws what was saved"
            )


def _check_storage(option: str, config: pytest.Config) -> None:
    """Where pytest-benchmark keeps files; it has made the folder if it could."""
    storage: Any = config._benchmarksession.storage  # type: ignore[attr-defined]
    folder = getattr(storage, "path", None)
    if folder is None:  # a server
        return
    own = folder / str(storage.default_machine_id)
    if why := _why_not(own if own.exists() else folder):
        raise InputError(
            f"{option}: nothing can be saved in {folder}: {why}; name a folder that "
            "you may write to by --benchmark-storage"
        )


def _why_not(folder: Path) -> str | None:
    """Why no file can be made in ``folder``; None where one can.

    Permissions do not tell: root has all of them, on a read-only disk too.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Where saving fails all the same (the disk is full, say), the session goes on.

    This is around pytest-benchmark, which saves by then, and within the terminal, which
    therefore shows all tables.
    """
    try:
        return (yield)
    except OSError as error:
        config = session.config
        conductor, benchmarks = conduct.conductor_of(config), config._benchmarksession  # type: ignore[attr-defined]
        if conductor is None and not conduct.is_saving(config):
            raise
        # Written in part: one that cannot be opened is as it was.
        if error.filename is None:
            for path in _targets(benchmarks):
                if drop_remains(path):
                    break  # the next was not begun
        if not benchmarks.groups:
            # Its own table is made behind the saving.
            benchmarks.json = benchmarks.save = benchmarks.autosave = None
            benchmarks.finish()
        conduct.not_saved(config, error)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return None


def _targets(benchmarks: Any) -> list[Path]:
    """The files that pytest-benchmark writes, in that order, as far as they are there.

    In its storage the newest of the name is the one.
    """
    targets = [benchmarks.json] if benchmarks.json else []
    if (save := benchmarks.save or benchmarks.autosave) and hasattr(
        benchmarks.storage, "path"
    ):
        targets += sorted(benchmarks.storage.query(f"*_{save}"))[-1:]
    return [Path(target) for target in targets]


def drop_remains(path: Path) -> bool:
    """Delete ``path`` if it is a file that ends before its JSON does; whether so."""
    if not path.is_file():
        return False
    try:
        json.loads(path.read_bytes())
    except ValueError:
        path.unlink()
        return True
    return False

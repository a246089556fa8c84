"""Keras is imported as in an environment without its optional packages."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from histocnn.job import Job
from histocnn.keras3 import OPTIONAL, import_keras
from tests.in_environment import printed_by


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from, first; what is imported meanwhile is forgotten after."""
    monkeypatch.syspath_prepend(tmp_path)
    before = sys.modules.copy()
    yield tmp_path
    sys.modules.clear()
    sys.modules.update(before)


def package(site: Path, name: str, text: str = "") -> None:
    """A module that can be imported, and is not imported yet."""
    sys.modules.pop(name, None)
    (site / f"{name}.py").write_text(text)
    importlib.invalidate_caches()


@pytest.mark.parametrize("name", OPTIONAL)
def test_what_keras_does_without_elsewhere_is_not_there(name: str, site: Path) -> None:
    """Though it is installed; whoever imports it later finds it."""
    package(site, name)
    package(
        site, "keras", f"try: import {name} as found\nexcept ImportError: found = 0"
    )
    assert import_keras().found == 0
    assert name not in sys.modules
    assert importlib.import_module(name)


def test_what_the_engine_has_imported_stays(site: Path) -> None:
    """JAX is optional to Keras over another engine alone."""
    package(site, "keras", "import jax")
    package(site, "jax")
    engine = importlib.import_module("jax")
    assert import_keras().jax is engine
    assert sys.modules["jax"] is engine


def test_a_keras_that_cannot_be_imported_leaves_nothing_hidden(site: Path) -> None:
    """What it wanted is named, and can be had after."""
    package(site, "keras", "import matplotlib")
    package(site, "matplotlib")
    with pytest.raises(ImportError, match="matplotlib"):
        import_keras()
    assert "matplotlib" not in sys.modules


#: Loads the engine of a job as its worker does, in an environment where packages of all
#: the names in OPTIONAL can be imported, and prints what came of it: which of them were
#: loaded, and which others Keras looked for in vain.
SCRIPT = """
import importlib.abc, importlib.machinery, json, sys
from histocnn import engines
from histocnn.job import Job
from histocnn.keras3 import OPTIONAL

class Installed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if "." in name:
            return None
        frame = sys._getframe(1)
        while "importlib" in frame.f_globals["__name__"]:
            frame = frame.f_back
        if not frame.f_globals["__name__"].startswith("keras"):
            return None
        asked.append(name)
        return importlib.machinery.ModuleSpec(name, self) if name in OPTIONAL else None

    def exec_module(self, module):
        pass

asked = []
sys.meta_path.append(Installed())
engines.get("ENGINE").load(Job("ENGINE", "cpu", 32, 10, None, 1, 20))
print(json.dumps(asked))
"""


@pytest.mark.parametrize("engine", ["jax", "torch"])
def test_the_real_one_finds_none_and_looks_for_no_other(engine: str) -> None:
    """A newer Keras may look for more, which then belongs into the list."""
    job = Job(engine, "cpu", 32, 10, None, 1, 20)
    assert printed_by(job, "-c", SCRIPT.replace("ENGINE", engine)) == []

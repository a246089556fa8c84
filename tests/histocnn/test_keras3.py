"""Keras is imported as in an environment without its optional packages."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from histocnn.keras3 import import_keras

KERAS = """
try:
    import sklearn
except ImportError:
    sklearn = None
"""


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


def test_what_keras_does_without_elsewhere_is_not_there(site: Path) -> None:
    """Nor is it loaded; whoever imports it later finds it."""
    package(site, "keras", KERAS)
    package(site, "sklearn", "raise AssertionError('imported')")
    assert import_keras().sklearn is None
    package(site, "sklearn")
    assert importlib.import_module("sklearn").__name__ == "sklearn"


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
    assert importlib.import_module("matplotlib").__name__ == "matplotlib"

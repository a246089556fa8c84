"""Who may import whom, read from the sources; and what must be imported late."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from histocnn import engines

ROOT = Path(__file__).parents[1]
FRAMEWORKS = {"docker", "jax", "keras", "ray", "tensorflow", "theano", "torch"}

# A package, and the modules of ours that it must not import.
FORBIDDEN = {
    "histocnn": ("benchmarks", "reports", "tools"),
    "histocnn/engines": tuple(f"histocnn.engines.{name}" for name in engines.names()),
    "benchmarks": (
        "histocnn.glands",
        "histocnn.model",
        "histocnn.training",
        "histocnn.worker",
        "reports",
    ),
    "reports": ("benchmarks", "histocnn", "tools"),
    # An image is labelled with what engines and the protocol declare.
    "tools": (
        "benchmarks",
        "histocnn.data",
        "histocnn.model",
        "histocnn.training",
        "histocnn.worker",
        "reports",
    ),
}
# What builds the environments, before there is any, here and in an image's builder.
BOOTSTRAP = ("checkout", "env", "pip_settings", "uv")


def imports(source: Path, *, top_level: bool = False) -> Iterator[str]:
    """Names imported in a file; of those, with ``top_level``, outside functions."""
    tree = ast.parse(source.read_text())
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if top_level and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def sources(package: str) -> list[Path]:
    """All files of a package."""
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_keep_to_their_side(package: str) -> None:
    """Measuring does not reach into the worker's side, reports stand alone."""
    found = [
        f"{source.relative_to(ROOT)} imports {name}"
        for source in sources(package)
        for name in imports(source)
        for forbidden in FORBIDDEN[package]
        if name == forbidden or name.startswith(forbidden + ".")
    ]
    assert sources(package)
    assert not found


@pytest.mark.parametrize("module", BOOTSTRAP)
def test_what_builds_environments_needs_the_standard_library_only(module: str) -> None:
    """It runs before anything is installed; of ours it knows itself alone."""
    own = {f"tools.{name}" for name in BOOTSTRAP}
    for name in imports(ROOT / "tools" / f"{module}.py"):
        top = name.partition(".")[0]
        known = top in sys.stdlib_module_names
        assert known or name.rpartition(".")[0] in own or name in own, name


@pytest.mark.parametrize("package", ["histocnn", "benchmarks", "reports", "tools"])
def test_frameworks_are_imported_inside_functions_only(package: str) -> None:
    """Importing any of our modules starts no framework and needs none installed."""
    found = [
        f"{source.relative_to(ROOT)} imports {name}"
        for source in sources(package)
        for name in imports(source, top_level=True)
        if name.split(".")[0] in FRAMEWORKS
    ]
    assert not found


def test_the_rules_would_notice_a_breach(tmp_path: Path) -> None:
    """The walk sees imports in functions, under conditions and of names."""
    file = tmp_path / "breach.py"
    file.write_text(
        "if True:\n    from histocnn import worker\ndef f():\n    import theano\n"
    )
    assert set(imports(file)) == {"histocnn", "histocnn.worker", "theano"}
    assert "theano" not in set(imports(file, top_level=True))


def test_no_folder_of_ours_hides_the_docker_sdk(tmp_path: Path) -> None:
    """The folder `docker/` is no package: one that is installed comes first."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "__init__.py").write_text("from_env = 'the SDK'\n")
    script = "import docker; print(docker.from_env)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "the SDK\n"

"""What holds for every view: bad files, hostile names, the same bytes again, --help."""

import argparse
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import views
from reports.__main__ import main
from tests.reports.clustered import LABELS, NODES, run

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Mutants = Callable[[str, int, int], Iterator[str]]

HOSTILE = (
    '=</script><b onload="x">|$\\x_{y}%&#~^\x1b[31m\n{{7*7}}\N{RIGHT-TO-LEFT OVERRIDE}'
)
FORMATS = ("plain", "github", "latex", "csv", "html", "json")
#: Options without which a view has nothing to do, by view.
NEEDED: dict[str, tuple[str, ...]] = {"guard": ("--against", "{file}")}


def _is_table(view: str) -> bool:
    parser = argparse.ArgumentParser()
    views.view(view).add_arguments(parser)
    return parser.get_default("format") is not None


def _command(view: str, file: str, *more: str) -> list[str]:
    needed = [each.format(file=file) for each in NEEDED.get(view, ())]
    return [view, file, *needed, *more]


def _grid(case: Make, **job: Any) -> list[dict[str, Any]]:
    """Both pools and three numbers of cores at two sizes and batch sizes."""
    times = ([1.0, 1.1], [1.05, 1.0], [0.98, 1.02])
    cases = []
    for size in (64, 200):
        for batch in (10, 50):
            where = {"size": size, "batch": batch, **job}
            cases += [case(*times, cores=cores, **where) for cores in (1, 2, 4)]
            cases += [
                case(*times, device="cuda", cores=4, cnmem=cnmem, **where)
                for cnmem in ("0", "1")
            ]
    return cases


@pytest.fixture
def cluster_grid(save: Save, case: Make, untimed: Make) -> str:
    """One of two machine types of a cluster, with a node that is slow."""
    nodes = NODES[LABELS[0]]
    outcome = untimed("out-of-memory", "no room", machine=LABELS[1], cores=2)
    effects = {nodes[1]: 0.08}
    return run(save, case, "cluster.json", effects=effects, outcomes=[outcome])


@pytest.fixture
def grid(save: Save, case: Make, untimed: Make) -> str:
    """A file that every view but frontier and nodes has something to say about."""
    other = {"name": "test_sort", "stats": {"median": 0.25, "data": [0.25] * 3}}
    outcome = untimed("out-of-memory", "no room", device="cuda", cnmem="1", batch=150)
    return save("run.json", *_grid(case), other, outcomes=[outcome])


@pytest.mark.parametrize("view", views.names())
def test_mutated_files_never_end_in_a_traceback(
    view: str, grid: str, mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    """60 files, seed 5 (10 of a view that draws); in whatever format."""
    _require_no_traceback(view, mutants(grid, 60 if _is_table(view) else 10, 5), capsys)


@pytest.mark.parametrize("view", views.names())
def test_mutated_files_of_a_cluster_never_end_in_a_traceback(
    view: str, cluster_grid: str, mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    """40 files, seed 6 (5 of a view that draws); in whatever format."""
    count = 40 if _is_table(view) else 5
    _require_no_traceback(view, mutants(cluster_grid, count, 6), capsys)


def _require_no_traceback(
    view: str, forms: Iterator[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tables = _is_table(view)
    for form in forms:
        more = ("--format", form) if tables else ("--output", "build")
        code = main(_command(view, "bad.json", *more))
        shown = capsys.readouterr()
        assert code in (0, 2) or view == "guard"
        assert code == 0 or shown.err or shown.out
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())


@pytest.mark.parametrize("view", views.names())
def test_the_same_files_give_the_same_bytes(
    view: str, grid: str, cluster_grid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every format; of views that write files, each of them."""
    grid = cluster_grid if view == "nodes" else grid
    made = []
    for number in range(2):
        if _is_table(view):
            for form in FORMATS:
                main(_command(view, grid, "--format", form))
            made.append(capsys.readouterr().out.encode())
        else:
            folder = Path(f"build{number}")
            assert main(_command(view, grid, "--output", str(folder))) == 0
            files = sorted(folder.iterdir())
            made.append(b"".join(each.read_bytes() for each in files))
    assert made[0] == made[1]
    assert made[0] or view == "frontier"


@pytest.mark.parametrize("view", views.names())
def test_hostile_names_are_nowhere_acted_upon(
    view: str, save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """No markup in HTML, no escape for a terminal, no formula for a spreadsheet."""
    file = save("run.json", *_grid(case, engine=HOSTILE, dataset=HOSTILE))
    if not _is_table(view):
        assert main(_command(view, file, "--output", "build")) in (0, 2)
        for path in Path("build").glob("*"):
            assert path.suffix == ".txt" or b"<b onload" not in path.read_bytes()
            assert path.name.isascii()
        return
    for form in FORMATS:
        main(_command(view, file, "--format", form))
        shown = capsys.readouterr()
        assert "\x1b" not in shown.out + shown.err
        assert form != "html" or "<b onload" not in shown.out
        assert form != "csv" or "\n=" not in shown.out


@pytest.mark.parametrize("view", views.names())
def test_hostile_names_of_a_cluster_are_nowhere_acted_upon(
    view: str, cluster_grid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither of nodes and machines, nor in their facts."""
    hostile = json.dumps(HOSTILE)[1:-1]
    text = Path(cluster_grid).read_text()
    for name in (*LABELS, *NODES[LABELS[0]], "6.1.0-18-amd64", "NVIDIA H100"):
        text = text.replace(name, f"{hostile}{name}")
    text = text.replace(f"{hostile}{NODES[LABELS[0]][0]}", "=1+1")
    path = Path("run.json")
    path.write_text(text)
    if not _is_table(view):
        assert main(_command(view, "run.json", "--output", "build")) == 2
        for path in Path("build").glob("*"):
            assert path.suffix == ".txt" or b"<b onload" not in path.read_bytes()
            assert path.name.isascii()
        return
    for form in FORMATS:
        main(_command(view, "run.json", "--format", form))
        shown = capsys.readouterr()
        assert shown.err
        assert "\x1b" not in shown.out + shown.err
        assert form != "html" or "<b onload" not in shown.out
        assert form != "csv" or "\n=" not in shown.out


@pytest.mark.parametrize("view", views.names())
def test_help_shows_an_example_that_is_understood(
    view: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([view, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    example = views.view(view).EXAMPLE
    assert example in shown
    assert example.startswith(f"python -m reports {view} ")
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--output")
    views.view(view).add_arguments(parser)
    parser.parse_args(shlex.split(example)[4:])

"""A GPU against CPU cores: which cases are paired, and the means over batch sizes."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports import gpu, saved, stats
from reports.__main__ import main

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]

THREE = ([1.0], [1.0], [1.0])


def _times(seconds: float) -> tuple[list[float], ...]:
    return tuple([seconds * each] for each in (0.99, 1.0, 1.01))


@pytest.fixture
def paper_grid(save: Save, case: Make) -> str:
    """200 px: the GPU at two batch sizes and pools, CPUs in two engines, a gap."""
    on_gpu = {"device": "cuda", "size": 200, "cores": 16}
    return save(
        "run.json",
        case(*_times(0.1), **on_gpu, batch=10, cnmem="1"),
        case(*_times(0.1), **on_gpu, batch=50, cnmem="1"),
        case(*_times(0.2), **on_gpu, batch=10, cnmem="0"),
        case(*_times(0.4), size=200, batch=10, cores=16),
        case(*_times(0.9), size=200, batch=50, cores=16),
        case(*_times(1.6), size=200, batch=10, cores=1),
        case(*_times(0.2), size=200, batch=10, cores=16, engine="torch", loop="fused"),
        case(*_times(1.8), size=200, batch=50, cores=16, engine="torch", loop="fused"),
    )


def _rows(*names: str) -> tuple[gpu.Row, ...]:
    return gpu.rows(saved.read([Path(name) for name in names]).cases)


def test_the_mean_over_batch_sizes_is_geometric(paper_grid: str) -> None:
    """4 and 9 times as fast are 6 times as fast."""
    row = next(r for r in _rows(paper_grid) if r.gpus[0].combination.cnmem == "1")
    assert row.against == gpu.SAME
    mean = row.mean(16)
    assert mean is not None
    assert mean.ratio == pytest.approx(6.0)
    highest = row.highest(16)
    assert highest is not None
    assert highest.speedup.ratio == pytest.approx(9.0)
    assert highest.gpu.combination.batch == 50


def test_the_best_cpu_engine_is_chosen_for_each_batch_size(paper_grid: str) -> None:
    """Torch at 10 images, Theano at 50; where the best is the same, there is no row."""
    rows = {(r.gpus[0].combination.cnmem, r.against): r for r in _rows(paper_grid)}
    best = rows["1", gpu.BEST]
    assert [pair.cpu_name for pair in best.cells[16]] == ["torch fused", "theano"]
    assert [pair.speedup.ratio for pair in best.cells[16]] == pytest.approx([2.0, 9.0])
    assert [pair.cpu_name for pair in best.cells[1]] == ["theano"]


def test_the_best_is_of_batch_sizes_that_all_were_measured_at(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fast engine at one of them would make a dent there; on one core it is lacking.

    The GPU is as fast at all three: 10 times as fast as Theano, twice as PyTorch.
    """
    batches = (10, 50, 150)
    on_gpu = {"device": "cuda", "cnmem": "1", "cores": 16}
    run = save(
        "run.json",
        *[case(*_times(0.1), **on_gpu, batch=batch) for batch in batches],
        *[case(*_times(1.0), batch=batch, cores=16) for batch in batches],
        *[case(*_times(3.0), batch=batch, cores=1) for batch in batches],
        case(*_times(0.2), batch=50, cores=16, engine="torch"),
    )
    same, best = _rows(run)
    assert [pair.batch for pair in same.cells[16]] == [10, 50, 150]
    ((pair,),) = [best.cells[16]]
    assert (pair.batch, pair.cpu_name) == (50, "torch")
    assert [pair.batch for pair in best.cells[1]] == [10, 50, 150]
    assert [best.lacks_engines(n) for n in (16, 1)] == [False, True]
    assert not any(same.lacks_engines(n) for n in (16, 1))
    assert main(["speedup", run, "--table", "gpu"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("‖") == 2  # and its line
    assert "°" in shown


def test_an_engine_that_was_tried_in_vain_is_no_gap(
    save: Save, case: Make, untimed: Make
) -> None:
    """Where it ran out of memory, the best of the others is the best."""
    batches = (10, 50)
    on_gpu = {"device": "cuda", "cnmem": "1", "cores": 16}
    run = save(
        "run.json",
        *[case(*_times(0.1), **on_gpu, batch=batch) for batch in batches],
        *[case(*_times(1.0), batch=batch, cores=16) for batch in batches],
        case(*_times(0.2), batch=10, cores=16, engine="torch"),
        outcomes=[untimed("out-of-memory", batch=50, cores=16, engine="torch")],
    )
    _, best = _rows(run)
    assert [pair.cpu_name for pair in best.cells[16]] == ["torch", "theano"]


def test_a_cell_of_fewer_batch_sizes_is_told_apart(paper_grid: str) -> None:
    row = next(r for r in _rows(paper_grid) if r.gpus[0].combination.cnmem == "1")
    assert row.batches == (10, 50)
    assert row.is_partial(1)
    assert not row.is_partial(16)
    assert not row.is_partial(8)
    assert row.mean(8) is None


def test_the_papers_row_stands_beside_its_size_and_pool_only(
    paper_grid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its figures against 16 cores and one, though none of ours is against 8."""
    assert main(["speedup", paper_grid, "--table", "gpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (paper,) = (line for line in lines if line.startswith("paper: theano, GTX-980"))
    rule = next(number for number, line in enumerate(lines) if line.startswith("---"))
    assert lines[rule + 1] == paper, "above all rows of ours"
    assert paper.split()[-2:] == ["4.49", "16.19"]
    assert main(["speedup", paper_grid, "--table", "gpu", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    beside = {row["paper_speedup"] for row in rows if row["over"] == "highest"}
    assert beside == {"4.49", "16.19"}
    assert {row["paper_speedup"] for row in rows if row["over"] == "mean"} == {""}


def test_too_few_launches_of_one_batch_size_leave_no_interval(
    save: Save, case: Make
) -> None:
    on_gpu = {"device": "cuda", "cnmem": "1"}
    run = save(
        "run.json",
        case(*THREE, **on_gpu, batch=10),
        case([1.0], [1.0], **on_gpu, batch=50),
        case(*THREE, batch=10),
        case(*THREE, batch=50),
    )
    (row,) = _rows(run)
    mean = row.mean(1)
    assert mean == stats.Speedup(1.0, None, None)


def test_other_data_or_machines_are_no_cpu_to_compare_with(
    save: Save, case: Make
) -> None:
    """Nor is a CPU case without a time."""
    here = save("here.json", case(*THREE, device="cuda", cnmem="1"))
    there = save("there.json", case(*THREE), node="attic")
    other = save("other.json", case(*THREE, dataset="glas"))
    assert _rows(here, there, other) == ()


def test_a_gpus_precision_is_compared_with_float32_where_the_cpu_has_no_other(
    save: Save, case: Make
) -> None:
    run = save(
        "run.json",
        case(*THREE, device="cuda", cnmem="1", precision="tf32"),
        case(*_times(3.0), precision="float32"),
    )
    (row,) = _rows(run)
    ((pair,),) = row.cells.values()
    assert pair.precisions_differ
    assert pair.speedup.ratio == pytest.approx(3.0)


def test_cells_of_other_batch_sizes_are_told_apart_too(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many batch sizes are not the same batch sizes."""
    on_gpu = {"device": "cuda", "cnmem": "1"}
    run = save(
        "run.json",
        *[case(*THREE, **on_gpu, batch=batch) for batch in (10, 50)],
        case(*_times(3.0), batch=10, cores=4),
        case(*_times(9.0), batch=50, cores=1),
    )
    (row,) = _rows(run)
    assert row.batches == (10, 50)
    assert row.is_partial(4)
    assert row.is_partial(1)
    assert main(["speedup", run, "--table", "gpu"]) == 0
    shown = capsys.readouterr().out
    assert "mean of 10, 50" in shown
    assert shown.count("°") == 3  # and its line


def test_a_breaking_version_of_an_engine_is_not_its_best_cpu(
    save: Save, case: Make
) -> None:
    old, new = case(*THREE, device="cuda", cnmem="1"), case(*_times(0.5))
    for made, version in ((old, "1.0.5"), (new, "2.0.0")):
        for launch in made["extra_info"]["launches"]:
            launch["versions"] = {"theano": version}
    assert _rows(save("run.json", old, new)) == ()


def test_another_commits_cpu_is_marked(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    here = save("here.json", case(*THREE, device="cuda", cnmem="1"))
    there = save("there.json", case(*_times(3.0)), commit="decade")
    assert main(["speedup", here, there, "--table", "gpu"]) == 0
    shown = capsys.readouterr().out
    assert ")§\n" in shown
    assert "§ GPU and CPU were measured with different commits" in shown
    assert main(["speedup", here, there, "--table", "gpu", "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["other_commit"] == "yes"


@pytest.mark.parametrize(
    "change", [{"loop": "fused"}, {"precision": "tf32"}, {"images": 30}, {"size": 180}]
)
def test_the_papers_row_is_beside_its_like_only(
    save: Save,
    case: Make,
    change: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = {"size": 200, "loop": "fit", "precision": "float32", **change}
    run = save(
        "run.json", case(*THREE, device="cuda", cnmem="1", **job), case(*THREE, **job)
    )
    assert main(["speedup", run, "--table", "gpu"]) == 0
    assert "paper" not in capsys.readouterr().out

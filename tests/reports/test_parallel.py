"""Large files are read in processes of their own, with nothing else coming of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports import load, parallel, stats

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]


def test_files_read_at_once_are_what_they_are_one_by_one(
    save: Save, case: Make, untimed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases, outcomes, other benchmarks, faults and bad files, in their order."""
    other = {"name": "test_sort", "stats": {"median": 0.5}}
    save("a.json", case([1.0, 2.0], [3.0]), other, outcomes=[untimed("timed-out")])
    save("b.json", case([1.0], cores=2, notes=["slow"]), case([0.0], cores=4))
    Path("c.json").write_text("{")
    paths = [Path(f"{name}.json") for name in "abcd"]
    alone = load.read(paths)
    began = []
    monkeypatch.setattr(parallel, "_LARGE_BYTES", 0)
    monkeypatch.setattr(stats, "load_quantiles", lambda: began.append(True))
    together = load.read(paths)
    if len(os.sched_getaffinity(0)) > 1:
        assert began == [True]
    assert together == alone
    assert [len(file.cases) for file in together.files] == [2, 1]
    assert [problem.partition(":")[0] for problem in together.problems] == [
        "b.json",
        "c.json",
        "d.json",
    ]


def test_small_files_start_no_process(
    save: Save, case: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which would take longer than to read them."""
    save("a.json", case())
    save("b.json", case(cores=2))

    def no_fork(_: str) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("multiprocessing.get_context", no_fork)
    assert len(load.read([Path("a.json"), Path("b.json")]).files) == 2

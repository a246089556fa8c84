"""``python -m reports frontier``: whole tables, bad input, and what is kept apart."""

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from reports import frontiers, tables
from reports.__main__ import main
from reports.errors import InputError
from reports.load import SavedFile
from reports.origins import Code, Machine
from reports.saved import Saved
from reports.views import frontier as view

Record = dict[str, Any]
Save = Callable[..., str]
Make = Callable[..., Record]
Mutants = Callable[[str, int, int], Iterator[str]]

GOLDEN = Path(__file__).parent / "golden"
MB = 2**20


def frontier(
    largest: int,
    refused: int | None,
    asked: int | None = None,
    free: int | None = None,
    **job: Any,
) -> Record:
    """A memory frontier as `benchmarks/test_frontier.py` saves it; bytes as MB."""
    seconds = largest * job.get("size", 64) ** 2 / 1e8
    axes = {
        "engine": "torch",
        "device": "cuda",
        "size": 64,
        "batch": largest,
        "cnmem": "1",
        "cores": 16,
        "images": largest,
        "dataset": "tissue",
        "seed": 0,
        "loop": "fit",
        "precision": "float32",
        "gpu_memory": 4096,
        **job,
    }
    refusal = {
        "message": "out of memory",
        "asked_bytes": asked and asked * MB,
        "free_bytes": None if free is None else free * MB,
    }
    name = f"test_largest_batch[{axes['engine']}-{axes['size']}px-{axes['cnmem']}]"
    return {
        "group": "frontier",
        "name": name,
        "fullname": f"benchmarks/test_frontier.py::{name}",
        "params": {each: axes[each] for each in ("engine", "size", "cnmem")},
        "extra_info": {
            "frontier": {
                "job": axes,
                "gpu_memory": axes["gpu_memory"],
                "device_name": "NVIDIA H100",
                "largest": largest,
                "smallest_refused": refused,
                "refused": refusal if refused else None,
                "probes": [
                    {"batch": refused, "fits": False, "seconds": None}
                    if refused
                    else {"batch": 1, "fits": True, "seconds": 1.0},
                    {"batch": largest, "fits": True, "seconds": seconds},
                ],
                "measurement": {"launches": [{"rounds": [{"seconds": seconds}]}]},
            }
        },
        "stats": {"median": seconds, "rounds": 1},
    }


def nothing(asked: int | None = None, free: int | None = None, **job: Any) -> Record:
    """The outcome that is saved where nothing trains, tried with two images and one."""
    record = frontier(0, 1, asked, free, **job | {"batch": 1, "images": 1})
    found = record.pop("extra_info")["frontier"]
    probes = [{"batch": batch, "fits": False, "seconds": None} for batch in (2, 1)]
    found |= {"device_name": "", "probes": probes, "measurement": None}
    names = {name: record[name] for name in ("name", "fullname", "params")}
    outcome = {"kind": "out-of-memory", "message": "nothing trains"}
    return {**names, "job": found["job"], "outcome": outcome, "frontier": found}


def read_untimed(record: Record) -> frontiers.Frontier | None:
    return frontiers.untimed(Raw(json.dumps(record).encode()))


@pytest.fixture
def saved(save: Save) -> str:
    """Two engines and pools, what nobody tells, and one that met no limit."""
    return save(
        "frontier.json",
        frontier(1484, 1576, 512, 300),
        frontier(152, 160, 1024, 0, size=200),
        frontier(900, 950, None, 210, cnmem="0"),
        frontier(1300, 1381, cnmem="grow", engine="jax"),
        frontier(65536, None, size=32, engine="jax", loop="fused"),
    )


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        ("plain", "txt"),
        ("github", "md"),
        ("latex", "tex"),
        ("csv", "csv"),
        ("html", "html"),
    ],
)
def test_whole_table(
    saved: str, form: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each format shows all rows, in the axes' order, with a legend (csv: numbers)."""
    assert main(["frontier", saved, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"frontier.{ending}").read_text(encoding="utf-8")
    assert not shown.err


@pytest.mark.parametrize(
    ("engine", "told", "lines"),
    [
        ("jax", {"asked": 512}, ["asked: by the"]),
        ("theano", {"free": 300}, ["asked: by the", "free of theano: the pool's"]),
        ("theano", {"free": 0}, ["asked: by the", "free of theano: the pool's"]),
        ("theano", {}, []),
    ],
)
def test_what_free_means_is_said_where_it_is_told(
    engine: str,
    told: dict[str, int],
    lines: list[str],
    save: Save,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Theano knows of its pool's largest block alone."""
    assert (
        main(["frontier", save("f.json", frontier(8, 9, **told, engine=engine))]) == 0
    )
    legend = capsys.readouterr().out.splitlines()
    shown = [line for line in legend if line.startswith(("asked:", "free of"))]
    assert len(shown) == len(lines)
    assert all(line.startswith(said) for line, said in zip(shown, lines, strict=True))


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("plain", "torch 64 1 0 — 1 20 18"),
        ("github", "| torch | 64 | 1 | 0 | — | 1 | 20 | 18 |"),
        ("latex", r"torch & 64 & 1 & 0 & --- & 1 & 20 & 18 \\"),
        ("csv", "torch,64,1,fit,float32,4096,tissue,0,1,20971520,18874368,,2,,run"),
        ("html", '<td style="text-align: right;">0</td>'),
        ("json", '"largest_batch":0'),
    ],
)
def test_where_nothing_trains_the_largest_is_0(form: str, row: str) -> None:
    """In every format, with what was asked and free; a legend says it in words."""
    found = read_untimed(nothing(20, 18))
    assert found is not None
    machine, code = Machine("lab", "Linux x86_64", "Xeon", "16"), Code("c0ffee", False)
    file = SavedFile(Path("run.json"), machine, code, (), frontiers=(found,))
    asked = argparse.Namespace(format=form, table=None)
    shown = tables.render(view.report(Saved((file,), ()), asked), asked)
    assert row.replace(" ", "") in shown.replace(" ", "").replace(": ", ":")
    legend = "0: not even one image trains"
    assert (legend in shown) == (form != "csv")
    assert "1 case from run.json" in shown or form == "csv"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smallest_refused": 2}, "smallest_refused is 2, expected 1 where largest is"),
        ({"smallest_refused": None}, "smallest_refused is None, expected 1 where larg"),
        (
            {"probes": [{"batch": 1, "fits": True}]},
            "largest is 0, and a probe says that 1 fits",
        ),
        (
            {"probes": [{"batch": 2, "fits": False}]},
            "smallest_refused is 1, which has no probe",
        ),
        ({"largest": -1}, "frontier.largest is -1; expected"),
    ],
)
def test_a_frontier_of_nothing_has_to_be_one(change: Record, message: str) -> None:
    record = nothing()
    record["frontier"] |= change
    with pytest.raises(InputError) as caught:
        read_untimed(record)
    assert message in str(caught.value)


def test_a_frontier_of_nothing_is_read_from_the_outcomes(
    save: Save, untimed: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no case of the grid, which a training case beside it is."""
    alone = save("alone.json", outcomes=[nothing(20, 18)])
    (row,) = rows(capsys, alone)
    assert (row["largest_batch"], row["refused_batch"]) == ("0", "1")
    assert (row["asked_bytes"], row["free_bytes"]) == (f"{20 * MB}", f"{18 * MB}")
    assert main(["speedup", alone]) == 2
    assert "no training case in alone.json" in capsys.readouterr().err
    case = untimed("out-of-memory", "too much")
    both = save("both.json", frontier(9, 10), outcomes=[nothing(size=200), case])
    assert [row["largest_batch"] for row in rows(capsys, both)] == ["9", "0"]
    assert main(["speedup", both]) == 0
    assert "1 case, 1 of them without a time" in capsys.readouterr().out
    wrong = nothing()
    wrong["frontier"]["smallest_refused"] = 2
    assert main(["frontier", save("bad.json", frontier(9, 10), outcomes=[wrong])]) == 2
    assert "smallest_refused is 2, expected 1" in capsys.readouterr().err


def test_another_outcome_is_no_frontier() -> None:
    record = nothing()
    del record["frontier"]
    assert read_untimed(record) is None


def rows(capsys: pytest.CaptureFixture[str], *files: str) -> list[dict[str, str]]:
    assert main(["frontier", *files, "--format", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_one_run_under_two_names_is_one(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """As --benchmark-autosave beside --benchmark-json saves it; other runs are not."""
    found = frontier(10, 11)
    names = [save("a.json", found), save("b.json", found, frontier(12, 13))]
    assert [(row["largest_batch"], row["source"]) for row in rows(capsys, *names)] == [
        ("10", "a"),
        ("12", "b"),
    ]


def test_frontiers_of_other_caps_are_told_apart(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a column; where all have one, the line above says it."""
    whole, capped = frontier(10, 11, gpu_memory=None), frontier(5, 6)
    assert main(["frontier", save("run.json", whole, capped)]) == 0
    assert "memory (MB)" in capsys.readouterr().out
    assert main(["frontier", save("run.json", capped)]) == 0
    shown = capsys.readouterr().out
    assert "GPU memory 4096 MB" in shown
    assert "memory (MB)" not in shown
    assert main(["frontier", save("run.json", whole)]) == 0
    assert "GPU memory" not in capsys.readouterr().out


def test_a_frontier_is_no_case_of_the_grid(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """The speed-up table leaves it out, and this one leaves training cases out."""
    both = save("both.json", case([1.0]), frontier(10, 11))
    assert main(["speedup", both]) == 0
    assert "1 case from both.json" in capsys.readouterr().out
    assert len(rows(capsys, both)) == 1
    alone = save("alone.json", case([1.0]))
    assert main(["frontier", alone, both]) == 0
    shown = capsys.readouterr()
    assert "1 case from both.json" in shown.out
    assert not shown.err
    assert main(["frontier", alone]) == 2
    assert "finds and saves some" in capsys.readouterr().err


JOB = frontier(10, 11)["extra_info"]["frontier"]["job"]
REFUSED = {"batch": 11, "fits": False}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"largest": 0}, "smallest_refused is 11, expected 1 where largest is 0"),
        ({"largest": -1}, "frontier.largest is -1; expected"),
        ({"largest": 12}, "smallest_refused is 11, not above largest, 12"),
        ({"probes": []}, "frontier.probes is []; expected"),
        ({"refused": {"asked_bytes": -1}}, "asked_bytes is -1; expected"),
        ({"job": {"engine": "torch"}}, "device is missing, expected a name"),
        ({"job": JOB | {"device": "cpu"}}, "device is cpu, expected cuda"),
        ({"job": JOB | {"gpu_memory": -5}}, "gpu_memory is -5, expected a whole numb"),
        ({"job": JOB | {"gpu_memory": [1]}}, "gpu_memory is [1], expected a whole num"),
        ({"probes": [REFUSED]}, "largest is 10, which has no probe"),
        (
            {"probes": [{"batch": 10, "fits": False}, REFUSED]},
            "largest is 10, whose probe says that it does not fit",
        ),
        (
            {"probes": [{"batch": 10, "fits": True}, REFUSED | {"fits": True}]},
            "smallest_refused is 11, whose probe says that it fits",
        ),
        (
            {"probes": [{"batch": 10, "fits": True}]},
            "smallest_refused is 11, which has no probe",
        ),
    ],
)
def test_a_wrong_value_costs_its_case_and_a_line(
    save: Save, capsys: pytest.CaptureFixture[str], change: Record, message: str
) -> None:
    bad, good = frontier(10, 11), frontier(20, 21, size=32)
    bad["extra_info"]["frontier"] |= change
    assert main(["frontier", save("run.json", bad, good)]) == 2
    shown = capsys.readouterr()
    assert "1 case from run.json" in shown.out
    (line,) = shown.err.splitlines()
    assert line.startswith("reports: run.json: left out benchmarks/test_frontier.py::")
    assert message in line


def test_mutated_files_never_end_in_a_traceback(
    saved: str, mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    """300 files, seed 11."""
    for form in mutants(saved, 300, 11):
        code = main(["frontier", "bad.json", "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert code == 0 or shown.err
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())


def test_cases_of_a_smaller_gpu_are_other_cases(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has the CPU as its baseline; None is what older files do not even name."""
    gpu = {"device": "cuda", "cnmem": "1", "cores": 16}
    old = case([0.11], [0.11], [0.1], **gpu)
    new = case([0.1], [0.1], [0.11], **gpu, gpu_memory=None)
    small = case([0.2], [0.2], [0.21], **gpu, gpu_memory=4096)
    cpu = case([1.0], [1.1], [1.0], gpu_memory=None)
    assert main(["speedup", save("run.json", cpu, old, new, small)]) == 0
    shown = capsys.readouterr().out
    assert "3 cases" in shown
    assert "memory (MB)" in shown
    assert shown.count("(baseline)") == 1
    assert "no row has a baseline" not in shown
    assert main(["speedup", save("run.json", cpu, small), "--format", "csv"]) == 0
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (first["gpu_memory_mb"], second["gpu_memory_mb"]) == ("", "4096")
    assert second["speedup"] == "5"


def test_the_whole_gpu_can_be_the_baseline(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a small memory costs: ``--baseline gpu_memory=none``."""
    gpu = {"device": "cuda", "cnmem": "1", "cores": 16}
    file = save("run.json", case([0.1], **gpu), case([0.4], **gpu, gpu_memory=4096))
    arguments = ["speedup", file, "--format", "csv", "--baseline", "gpu_memory=none"]
    assert main(arguments) == 0
    read = csv.DictReader(io.StringIO(capsys.readouterr().out))
    ratios = {row["gpu_memory_mb"]: row["speedup"] for row in read}
    assert ratios == {"": "1", "4096": "0.25"}


def test_gpus_and_files_of_one_name_are_told_apart(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """A column for the GPU, and whole paths where two files have the same stem."""
    for folder, gpu, largest in (("a", "NVIDIA A100", 100), ("b", "NVIDIA H100", 300)):
        record = frontier(largest, 2 * largest)
        record["extra_info"]["frontier"]["device_name"] = gpu
        save(f"{folder}/run.json", record, node=folder)
    assert main(["frontier", "a", "b"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert "NVIDIA" not in first
    (a100,) = (line for line in lines if "NVIDIA A100" in line)
    (h100,) = (line for line in lines if "NVIDIA H100" in line)
    assert " 100 " in a100
    assert a100.split()[-1] == "a/run.json"
    assert h100.split()[-1] == "b/run.json"
    assert main(["frontier", "a", "b", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["source"] for row in rows] == ["a/run.json", "b/run.json"]


def test_one_gpu_is_no_column(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor where a file tells none, as where nothing trains."""
    run = save("run.json", frontier(100, 200), outcomes=[nothing(20, 18, size=200)])
    assert main(["frontier", run]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.endswith("; NVIDIA H100")
    assert not any("NVIDIA" in line for line in lines)

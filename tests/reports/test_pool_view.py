"""``python -m reports pool``: whole tables, numbers, and what cannot be compared."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import gpu_memory, stats
from reports import saved as saving
from reports.__main__ import main

Record = dict[str, Any]
Save = Callable[..., str]
Make = Callable[..., Record]
Mutants = Callable[[str, int, int], Iterator[str]]

GOLDEN = Path(__file__).parent / "golden"
MB = 2**20
THREE = ([0.2, 0.2], [0.21], [0.19, 0.2])
FASTER = ([0.1, 0.1], [0.11], [0.1, 0.1])


def memory(
    reserved: int | None,
    peak: int | None,
    before: int | None = None,
    after: int | None = None,
    gpu: str = "NVIDIA H100",
) -> Record:
    """What a launch tells: the engine's counts, then the driver's, in MB."""
    sizes = [each and each * MB for each in (reserved, peak, before, after)]
    return {
        "gpu_memory": {
            "total": 80000 * MB,
            "before": {"allocator": "bfc", "reserved": sizes[0], "peak": 0},
            "after": {"allocator": "bfc", "reserved": sizes[0], "peak": sizes[1]},
            "process_before": sizes[2],
            "process_after": sizes[3],
        },
        "device_name": gpu,
    }


def telling(record: Record, *facts: Record) -> Record:
    """``record`` with further ``facts`` of its launches, one's each or all the same."""
    launches = record["extra_info"]["launches"]
    for launch, fact in zip(launches, facts * len(launches), strict=False):
        launch.update(fact)
    return record


@pytest.fixture
def saved(save: Save, case: Make, untimed: Make) -> str:
    """Every kind of row: interval, too few launches, no memory left, no counterpart."""

    def gpu(
        cnmem: str, *launches: Any, told: Record | None = None, **axes: Any
    ) -> Record:
        given = {"device": "cuda", "cnmem": cnmem, "cores": 16, **axes}
        record = case(*launches, **given)
        return telling(record, told or memory(None, None, 600, 640))

    untold, pool = memory(0, None, 586, 602), memory(77025, None, 77612, 77628)
    torch, grown = memory(76000, 900, 76600, 76640), memory(20, 880, 700, 1500)
    fused: Record = {"engine": "torch", "loop": "fused", "precision": "bfloat16"}
    return save(
        "run.json",
        gpu("0", *THREE, batch=10, told=untold),
        gpu("1", *FASTER, batch=10, told=pool),
        gpu("0", [0.15], [0.16], batch=50, told=untold),
        gpu("1", *FASTER, batch=50, told=pool),
        gpu("0", [0.5], [0.51], [0.5], size=200, batch=50, told=untold),
        gpu("1", [0.45], [0.44], [0.46], size=200, batch=50, told=pool),
        gpu("0", *THREE, engine="torch"),
        gpu("1", *FASTER, engine="torch", told=torch),
        gpu("grow", *FASTER, engine="torch", told=grown),
        gpu("0", [0.7], [0.7], [0.71], engine="torch", size=200, notes=["streamed"]),
        gpu("0", *THREE, **fused),
        gpu("1", *FASTER, **fused, told=torch),
        gpu("0", *FASTER, engine="torch", size=32),
        case([2.0], batch=10),
        outcomes=[
            untimed(
                "out-of-memory",
                "CUDA out of memory (cnmem=1, 28 MB free)",
                engine="torch",
                device="cuda",
                size=200,
                cnmem="1",
                cores=16,
            ),
            untimed(
                "unsupported",
                "Theano has no async pool",
                device="cuda",
                cnmem="async",
                cores=16,
            ),
        ],
    )


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Record]:
    """The objects of the json of the last table."""
    assert main(["pool", *arguments, "--format", "json"]) == 0
    document: list[Record] = json.loads(capsys.readouterr().out)
    found: list[Record] = document[-1]["rows"]
    return found


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        ("plain", "txt"),
        ("github", "md"),
        ("latex", "tex"),
        ("csv", "csv"),
        ("html", "html"),
        ("json", "json"),
    ],
)
def test_whole_table(
    saved: str, form: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Means, then cases with what came of them; csv has the cases."""
    assert main(["pool", saved, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"pool.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def test_numbers_are_those_of_the_statistics(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Speed-up is t_0 / t_1, its interval Welch's; the mean is over batch sizes."""
    first, *_ = rows(capsys, saved)
    expected = stats.speedup((0.2, 0.21, 0.195), (0.1, 0.11, 0.1))
    assert expected.low is not None
    assert (first["cnmem"], first["against_cnmem"]) == ("1", "0")
    assert first["speedup"] == pytest.approx(2.0)
    assert first["speedup_low"] == pytest.approx(expected.low, rel=1e-5)
    assert first["seconds"] == pytest.approx(0.1)
    assert first["against_seconds"] == pytest.approx(0.2)
    means = rows(capsys, saved, "--table", "means")
    assert means[0]["batches"] == "10 50"
    assert means[0]["speedup"] == pytest.approx((2.0 * 1.55) ** 0.5, rel=1e-5)
    assert means[2]["size_px"] is None
    product = 2.0 * 1.55 * 0.5 / 0.45
    assert means[2]["speedup"] == pytest.approx(product ** (1 / 3), rel=1e-5)


def test_the_other_way_round_is_the_reciprocal(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    there = rows(capsys, saved)
    back = rows(capsys, saved, "--pool", "0", "--against", "1")
    assert len(there) == len(back) == 6
    for one, other in zip(there, back, strict=True):
        if one["speedup"] is not None:
            assert one["speedup"] * other["speedup"] == pytest.approx(1.0, rel=1e-4)
        assert one["reserved_bytes"] == other["against_reserved_bytes"]


def test_memory_is_the_engines_count_else_the_drivers(
    saved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whose it is stands beside it; out of memory there is none."""
    theano, *_, torch, _, failed = rows(capsys, saved)
    assert theano["against_reserved_bytes"] == 0
    assert theano["against_reserved_by"] == "engine"
    assert theano["against_peak_bytes"] == 602 * MB
    assert theano["against_peak_by"] == "driver"
    assert torch["peak_bytes"] == 900 * MB
    assert torch["peak_by"] == "engine"
    assert torch["against_reserved_bytes"] == 600 * MB
    assert torch["against_reserved_by"] == "driver"
    assert failed["outcome"] == "out-of-memory"
    assert failed["reserved_bytes"] is None
    assert failed["reserved_by"] is None


@pytest.mark.parametrize(
    ("pool", "peak"), [("1", None), ("0.5", None), ("4096", None), ("grow", 1500 * MB)]
)
def test_a_pool_reserved_at_once_has_no_peak_by_the_driver(
    pool: str,
    peak: int | None,
    save: Save,
    case: Make,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It counts the whole pool, whatever was in use; one that grows is as it grew."""
    told = memory(None, None, 1400, 1500)
    two = [case(device="cuda", cnmem=cnmem) for cnmem in ("0", pool)]
    run = save("run.json", *[telling(each, told) for each in two])
    (row,) = rows(capsys, run, "--pool", pool)
    assert row["reserved_bytes"] == 1400 * MB
    assert row["peak_bytes"] == peak
    assert row["against_peak_bytes"] == 1500 * MB
    assert main(["pool", run, "--pool", pool, "--table", "cases"]) == 0
    legend = "peak —: of a pool that is reserved at once the driver counts all"
    assert (legend in capsys.readouterr().out) == (peak is None)


def test_memory_is_the_median_over_launches(save: Save, case: Make) -> None:
    """Also where some launch tells nothing; and files of old have none at all."""
    four = case([1.0], [1.0], [1.0], [1.0], device="cuda", cnmem="1")
    facts = [memory(*each) for each in ((70, 30), (90, None), (80, 50))]
    run = save(
        "run.json",
        telling(four, *facts, {}),
        case([1.0], device="cuda", cnmem="0"),
    )
    without, pooled = saving.read([Path(run)]).cases
    assert gpu_memory.reserved(pooled) == gpu_memory.Held(80 * MB, False)
    assert gpu_memory.peak(pooled) == gpu_memory.Held(40 * MB, False)
    assert gpu_memory.reserved(without) is None
    assert gpu_memory.peak(without) is None


def test_without_any_memory_told_the_table_says_so_by_dashes(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save(
        "run.json",
        case([2.0], device="cuda", cnmem="0"),
        case([1.0], device="cuda", cnmem="1"),
    )
    assert main(["pool", run, "--table", "cases"]) == 0
    shown = capsys.readouterr().out
    (row,) = (line for line in shown.splitlines() if line.startswith("theano"))
    assert row.split() == ["theano", "64", "20", "2.00*", "1.00*", "2.00*", *"————"]
    assert "†" not in shown
    assert "reserved:" not in shown


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--pool", "2"], "--pool 2: no GPU case has run with cnmem=2"),
        (["--against", "x\n"], "--against x\\n: no GPU case has run with cnmem=x\\n"),
        (["--pool", "grow", "--against", "grow"], "--pool and --against are both grow"),
        (
            ["--pool", "async"],
            "--pool async: no GPU case has run with cnmem=async; 1 case cannot run "
            "here: Theano has no async pool (1)",
        ),
    ],
)
def test_a_pool_that_is_not_there_is_refused(
    saved: str,
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line that lists those that are."""
    assert main(["pool", saved, *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.err == f"reports: {expected}; there are: 0, 1, grow\n"
    assert not shown.out


def test_without_gpu_cases_it_says_how_to_get_some(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pool on the CPU is none, whatever a file says."""
    assert main(["pool", save("run.json", case(), case(cores=2, cnmem="1"))]) == 2
    assert capsys.readouterr().err == (
        "reports: no GPU case has run; `pytest benchmarks --devices cuda --cnmem 0,1 "
        "--benchmark-autosave` measures some\n"
    )


def test_two_pools_that_no_case_has_both_of_are_refused(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save(
        "run.json",
        case(device="cuda", cnmem="0", batch=10),
        case(device="cuda", cnmem="1", batch=50),
    )
    assert main(["pool", run]) == 2
    assert capsys.readouterr().err == (
        "reports: no case has run with both cnmem=1 and cnmem=0; with one of them: "
        "engine=theano device=cuda size=64 batch=10 cnmem=0 cores=1 loop=fit "
        "precision=float32; engine=theano device=cuda size=64 batch=50 cnmem=1 cores=1 "
        "loop=fit precision=float32\n"
    )


def test_machines_are_never_compared_with_each_other(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pool of the lab is no counterpart of one in the attic."""
    two = [case(device="cuda", cnmem=cnmem) for cnmem in ("0", "1")]
    save("lab.json", *two)
    save("attic.json", two[1], case(device="cuda", cnmem="1", size=32), node="attic")
    assert main(["pool", "lab.json", "attic.json"]) == 0
    shown = capsys.readouterr().out
    assert "2 cases have run with one of the two only" in shown
    assert rows(capsys, "lab.json", "attic.json")[0]["source"] == "lab"
    assert len(rows(capsys, "lab.json", "attic.json")) == 1


def test_both_files_of_a_pair_are_its_source(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """And another commit of the suite is marked."""
    save("without.json", case([2.0], device="cuda", cnmem="0"))
    save("with.json", case([1.0], device="cuda", cnmem="1"), commit="beef")
    (row,) = rows(capsys, "without.json", "with.json")
    assert row["source"] == "with, without"
    (mean,) = rows(capsys, "without.json", "with.json", "--table", "means")
    assert mean["source"] == "with, without"
    assert main(["pool", "without.json", "with.json"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("2.00*§") == 2  # the mean, and the case
    assert "§ the two were measured with different commits of the suite" in shown
    assert "§ of speed-ups between different commits of the suite" in shown
    assert row["other_commit"] == mean["other_commit"] == "yes"


def test_other_versions_of_an_engine_are_not_compared(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both times are shown, and why there is no speed-up."""
    for name, cnmem, version in (("a", "0", "1.0.5"), ("b", "1", "2.0")):
        record = case(device="cuda", cnmem=cnmem)
        save(f"{name}.json", telling(record, {"versions": {"theano": version}}))
    assert main(["pool", "a.json", "b.json"]) == 0
    shown = capsys.readouterr().out
    assert "—¶" in shown
    assert "¶ measured with versions of the engine too far apart" in shown
    assert "0 of 1" in shown
    (row,) = rows(capsys, "a.json", "b.json")
    assert row["speedup"] is None
    assert row["seconds"] == row["against_seconds"] == 1.0


def test_what_is_hostile_in_a_file_is_escaped(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """In names of pools, GPUs and datasets, in every format."""
    evil = "=<b>\x1b[31m|\n&$"
    given = {"device": "cuda", "engine": evil, "dataset": evil}
    two = [case(cnmem=cnmem, **given) for cnmem in (evil, "0")]
    run = save("run.json", *[telling(each, memory(1, 1, gpu=evil)) for each in two])
    for form in ("plain", "github", "latex", "csv", "html", "json"):
        asked = ["pool", run, "--pool", evil, "--format", form]
        assert main(asked) == 0, form
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert ("<b>" in shown) == (form in ("plain", "latex", "csv", "json"))
        if form == "csv":
            cells = [cell for row in csv.reader(io.StringIO(shown)) for cell in row]
            assert not any(cell.startswith("=") for cell in cells)


def test_fuzzed_files_are_shown_or_refused_in_one_line(
    saved: str, mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in mutants(saved, 150, 7):
        code = main(["pool", "bad.json", "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert (code == 2) == bool(shown.err)
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())

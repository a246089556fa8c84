"""Cases without a time, rounds left out, energy: as read, and as shown."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import load, marks, remarks
from reports.__main__ import main
from reports.pool import pool

Record = dict[str, Any]
Make = Callable[..., Record]
Save = Callable[..., str]

GOLDEN = Path(__file__).parent / "golden"
BUSY = "other processes used {} of its cores"


@pytest.fixture
def saved(save: Save, case: Make, round_: Make, untimed: Make) -> str:
    """Every outcome, rounds left out, energy, and cases that stopped early."""
    gpu = {"device": "cuda", "cores": 16}
    cap = {"why": "time-cap", "precision": 0.05}
    there = {"why": "precision", "half_width": 0.031, "precision": 0.05}
    quiet = [round_(2.0, package=60.0), round_(2.1, package=63.0)]
    noisy = [round_(1.0, package=41.0), round_(1.6, BUSY.format("0.83"))]
    noisier = [round_(1.1, package=44.0), round_(1.4, BUSY.format("0.31"), "a pause")]
    loud = [round_(1.2, package=44.0), round_(1.3, "a pause", package=45.0)]
    lost = [round_(1.9, BUSY.format("1.5"))]
    metered = [round_(0.2, package=3.0, gpu=42.0)] * 2
    busy = f"no round was quiet: {BUSY}"
    return save(
        "outcomes.json",
        case(quiet, quiet, [round_(1.9, package=57.0)], stopped=there),
        case(noisy, noisier, loud, lost, cores=2, stopped={**cap, "half_width": 0.13}),
        case(metered, metered, cnmem="1", **gpu, stopped={**cap, "half_width": None}),
        case([0.21], [0.23], [0.2], cnmem="0", **gpu, warnings=[busy.format("0.5")]),
        case([4.1], size=200, cores=2, warnings=[busy.format("1.25")]),
        case([3.0], size=200, batch=50, cores=2),
        outcomes=[
            untimed(
                "out-of-memory", "the worker was killed at its limit of 4 GB", size=200
            ),
            untimed("timed-out", "no answer within 600 s", None, [4.0], size=180),
            untimed("crashed", "the worker ended by SIGSEGV", "SIGSEGV", size=128),
            untimed("did-not-train", "the weights moved by 0.0", size=32, **gpu),
            untimed("failed", "the container engine does not answer", size=32),
            untimed("melted", "", size=32, cores=2),
            *[untimed("unsupported", "no GPU here", **gpu, size=n) for n in (4, 8, 16)],
            untimed("unsupported", "this machine lends 1 to 2", cores=64),
        ],
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
    """Outcomes stand where times would, in the axes' order, with marks and a legend."""
    assert main(["speedup", saved, "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"outcomes.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _csv(capsys: pytest.CaptureFixture[str], *files: str) -> list[dict[str, str]]:
    assert main(["speedup", *files, "--format", "csv"]) == 0
    return _rows(capsys.readouterr().out)


def test_rounds_that_do_not_count_are_in_no_statistic(
    save: Save, case: Make, round_: Make
) -> None:
    """A launch that has none left is no launch; one disturbed that counts is one."""
    launches = (
        [round_(1.0), round_(9.0, "a pause")],
        [round_(9.0, "a pause")],
        [round_(2.0, "a pause", counts=True)],
    )
    (file,) = load.read([Path(save("run.json", case(*launches)))]).files
    (pooled,) = pool([file]).cases
    assert pooled.medians == (1.0, 2.0)
    assert pooled.left_out == (("a pause",), ("a pause",))
    assert pooled.rounds == 4


def test_case_of_which_no_round_counts_is_left_out_by_name(
    save: Save, case: Make, round_: Make
) -> None:
    bad = case([round_(1.0, "a pause")], [round_(1.1, "a pause")], engine="bad")
    (problem,) = load.read([Path(save("run.json", bad, case()))]).problems
    assert problem == (
        f"run.json: left out {bad['fullname']}: no time is left: none of its rounds "
        "counts (2)"
    )


def test_round_left_out_without_a_reason_is_still_told(
    save: Save, case: Make, round_: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    save("run.json", case([round_(1.0), round_(2.0, counts=False)]))
    (row,) = _csv(capsys, "run.json")
    assert (row["disturbed_rounds"], row["rounds_total"]) == ("1", "1")
    assert row["notes"].startswith("1 of 2 rounds was disturbed and left out: by what,")


def test_file_of_outcomes_alone_is_a_table_without_times(
    save: Save, untimed: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    save("run.json", outcomes=[untimed("timed-out", "no answer"), untimed("failed")])
    (row,) = _csv(capsys, "run.json")  # of one case two outcomes: the later one
    assert (row["outcome"], row["seconds"], row["notes"]) == ("failed", "", "no answer")


def test_where_nothing_could_run_one_line_says_why(
    save: Save, untimed: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four reasons, of which three are named, the commonest first."""
    reasons = ["no GPU", "no Docker", "no GPU", "few cores", "no engine"]
    cases = [
        untimed("unsupported", reason, size=size)
        for size, reason in enumerate(reasons, start=8)
    ]
    save("run.json", outcomes=cases)
    assert main(["speedup", "run.json"]) == 2
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: nothing to show: 5 cases cannot run here: no GPU (2), no Docker (1), "
        "few cores (1) and 1 more reason\n"
    )
    assert not shown.out


@pytest.mark.parametrize("time_first", [True, False])
def test_time_wins_over_an_outcome_of_the_same_machine_and_commit(
    save: Save,
    case: Make,
    untimed: Make,
    time_first: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save("a.json", case([2.0]))
    save("b.json", outcomes=[untimed("crashed", "gone", "SIGBUS")])
    (row,) = _csv(capsys, *sorted(["a.json", "b.json"], reverse=not time_first))
    assert (row["seconds"], row["outcome"], row["source"]) == ("2", "", "a")
    assert row["notes"] == "b: crashed (SIGBUS); the time is from another try"


def test_outcome_of_another_machine_stays_beside_the_time(
    save: Save, case: Make, untimed: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is a container's taken for the machine's own."""
    save("a.json", case([2.0]), hard={"memory_bytes": 2**34})
    contained = untimed("failed", "no container")
    contained["launched"] = {"launcher": "docker"}
    failed = untimed("failed", "no worker")
    save("b.json", outcomes=[failed], hard={"memory_bytes": 2**33})
    save("c.json", outcomes=[contained], hard={"memory_bytes": 2**34})
    rows = _csv(capsys, "a.json", "b.json", "c.json")
    told = {row["source"]: (row["outcome"], row["launcher"]) for row in rows}
    assert told == {"a": ("", ""), "b": ("failed", ""), "c": ("failed", "docker")}


@pytest.mark.parametrize("hard", [None, {}])
def test_machines_that_differ_in_hard_facts_are_not_pooled(
    save: Save, case: Make, hard: Record | None
) -> None:
    """Neither with each other nor with a file that does not tell; order is nothing."""
    save("a.json", case([1.0]), hard={"gpus": [], "memory_bytes": 1})
    save("b.json", case([2.0]), hard={"memory_bytes": 1, "gpus": []})
    save("c.json", case([3.0]), hard={"memory_bytes": 2, "gpus": []})
    save("d.json", case([4.0]), hard=hard)
    files = load.read([Path(f"{name}.json") for name in "abcd"]).files
    assert [each.source for each in pool(files).cases] == ["a, b", "c", "d"]
    assert [bool(file.machine.hard) for file in files] == [True, True, True, False]


@pytest.mark.parametrize(
    ("meters", "joules"),
    [
        ([{"gpu": 4.0, "package-0": 2.0}] * 3, "6"),
        ([{"gpu": 5.0}, {"gpu": 3.0}, {"gpu": 4.0}], "4"),
        ([{"gpu": 4.0}, {"gpu": 4.0}, {}], ""),
        ([{"gpu": 4.0}, {"gpu": 4.0}, {"package-0": 4.0}], ""),
        ([{"gpu": 0}] * 3, "0"),
    ],
)
def test_energy_is_told_where_every_launch_was_metered_alike(
    save: Save,
    case: Make,
    round_: Make,
    meters: list[dict[str, float]],
    joules: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The median epoch, all meters together; a round that is left out has no say."""
    launches = [[round_(1.0, **each)] for each in meters]
    save("run.json", case(*launches, [round_(1.0, "a pause")]))
    (row,) = _csv(capsys, "run.json")
    assert row["joules"] == joules
    assert main(["speedup", "run.json"]) == 0
    assert ("J/epoch" in capsys.readouterr().out) == bool(joules)


@pytest.mark.parametrize(
    ("first", "second", "joules"),
    [
        ([{}, {"gpu": 4.0}, {"gpu": 6.0}], [{"gpu": 8.0}, {}], "6.5"),
        ([{}, {"gpu": 4.0}, {"dram": 6.0}], [{"gpu": 8.0}], ""),
        ([{}, {}], [{"gpu": 8.0}], ""),
    ],
)
def test_a_round_too_short_for_the_meters_has_no_say_in_its_launchs_energy(
    save: Save,
    case: Make,
    round_: Make,
    first: list[dict[str, float]],
    second: list[dict[str, float]],
    joules: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Median over launches' medians: 5 and 8."""
    launches = [[round_(1.0, **each) for each in of] for of in (first, second)]
    save("run.json", case(*launches))
    (row,) = _csv(capsys, "run.json")
    assert row.get("joules", "") == joules


def test_baseline_without_a_time_is_told_from_one_never_tried(
    save: Save, case: Make, untimed: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """A baseline that cannot run here is no row, yet the reason is known."""
    save(
        "run.json",
        case([1.0], cores=2),
        case([1.0], cores=2, size=32),
        case([1.0], cores=2, size=16),
        outcomes=[untimed("timed-out"), untimed("unsupported", size=32)],
    )
    assert main(["speedup", "run.json", "--baseline", "cores=1"]) == 0
    lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("— ")]
    assert [line.partition(": engine")[0] for line in lines] == [
        "— 1 row lacks its baseline; not measured",
        "— 1 row lacks its baseline; baseline cannot run here",
        "— 1 row lacks its baseline; baseline timed out",
    ]


@pytest.mark.parametrize(
    ("stopped", "marked"),
    [
        ({"why": "time-cap", "half_width": 0.08, "precision": 0.05}, "± 8 %, not the"),
        ({"why": "time-cap", "half_width": 1.2, "precision": 0.05}, "± 120 %, not the"),
        ({"why": "time-cap", "half_width": None, "precision": 0.05}, "of unknown prec"),
        ({"why": "budget", "half_width": 0.08, "precision": 0.05}, "of the budget: ±"),
        ({"why": "interrupted", "half_width": 0.1, "precision": 0.05}, "interrupted"),
        ({"why": "time-cap", "half_width": 0.04, "precision": 0.05}, ""),
        ({"why": "precision", "half_width": 0.04, "precision": 0.05}, ""),
        ({"why": "fixed", "half_width": 0.4, "precision": None}, ""),
    ],
)
def test_time_less_precise_than_asked_for_is_marked(
    save: Save,
    case: Make,
    stopped: Record,
    marked: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save("run.json", case([1.0], [1.0], [1.1], stopped=stopped))
    assert main(["speedup", "run.json"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("‡") == (2 if marked else 0)
    assert marked in shown


def test_pooled_launches_are_as_precise_as_they_are_together(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """What each run told of its own launches is not true of all of them."""
    cap = {"why": "time-cap", "half_width": 0.3, "precision": 0.05}
    save("a.json", case([1.0], [1.001], [1.002], stopped=cap))
    save("b.json", case([1.0005], [1.0025], [1.0015], stopped=cap))
    (row,) = _csv(capsys, "a.json", "b.json")
    assert 0 < float(row["half_width"]) < 0.01
    assert main(["speedup", "a.json", "b.json"]) == 0
    assert "‡" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        (["used 0.83 of 4"], "used 0.83 of 4"),
        (["used 0.83 of 4", "used 0.4 of 4", "used 1 of 4"], "used 0.4–1 of 4"),
        (["0.50 cores", "0.5 cores"], "0.50 cores"),
        ([f"{'9' * 400} cores", "1 cores"], f"1–{'9' * 400} cores"),
    ],
)
def test_sentences_that_differ_in_figures_become_one(
    sentences: list[str], expected: str
) -> None:
    assert len({remarks.family(each) for each in sentences}) == 1
    assert remarks.ranged(sentences) == expected


def test_a_sentence_that_looks_like_a_placeholder_is_its_own_family() -> None:
    assert remarks.family("used # of 4") != remarks.family("used 3 of 4")


def test_hundreds_of_disturbed_cases_share_a_mark(
    save: Save, case: Make, round_: Make
) -> None:
    """Each has figures of its own, all have the same story."""
    cases = [
        case([round_(1.0), round_(2.0, BUSY.format(f"0.{size}"))], size=size)
        for size in range(100, 400)
    ]
    (file,) = load.read([Path(save("run.json", *cases))]).files
    marked = marks.of(remarks.of(pool([file]).cases))
    assert set(marked.rows) == {"[a]"}
    assert marked.lines == (
        "[a] 300 of 600 rounds were disturbed and left out: "
        f"{BUSY.format('0.100–0.399')}",
    )


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("counts", 1, "rounds[0].counts is 1; expected bool"),
        ("counts", None, "rounds[0].counts is null; expected bool"),
        ("disturbed", "a pause", 'rounds[0].disturbed is "a pause"; expected array'),
        ("disturbed", [3], "rounds[0].disturbed[0] is 3; expected str"),
        ("conditions", 3, "rounds[0].conditions is 3; expected"),
        ("joules", [], "rounds[0].conditions.joules is []; expected object"),
        ("joules", {"gpu": -1}, 'joules[...] is {"gpu": -1}; expected numbers of j'),
        ("joules", {"gpu": float("nan")}, 'joules[...] is {"gpu": "NaN"}; expected n'),
        ("joules", {"gpu": 1e300}, 'joules[...] is {"gpu": 1e+300}; expected numbe'),
        ("joules", {"gpu": None}, 'joules[...] is {"gpu": null}; expected numbers'),
        ("stopped", "fixed", 'stopped is "fixed"; expected object'),
        ("stopped", {"half_width": 0.1}, 'stopped is {"half_width": 0.1}; object mis'),
        ("stopped", {"why": 3}, "stopped.why is 3; expected str"),
        ("stopped", {"why": "fixed", "precision": -1}, "stopped.precision is -1; exp"),
        ("warnings", "loud", 'warnings is "loud"; expected array'),
    ],
)
def test_bad_conditions_cost_their_case_only(
    save: Save, case: Make, round_: Make, field: str, value: object, expected: str
) -> None:
    bad = case([round_(1.0)], engine="bad")
    round_record = bad["extra_info"]["launches"][0]["rounds"][0]
    places = {"stopped": bad["extra_info"], "warnings": bad["extra_info"]}
    places["joules"] = round_record["conditions"]
    places.get(field, round_record)[field] = value
    saved = load.read([Path(save("run.json", case(), bad))])
    assert [each.combination.engine for each in saved.files[0].cases] == ["theano"]
    (problem,) = saved.problems
    assert f"left out {bad['fullname']}: " in problem
    assert expected in problem


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (3, "outcomes[0]: Expected object, got int"),
        ({}, "outcomes[0]: Object missing required field outcome"),
        ({"name": "x", "outcome": {}}, "x: outcome is {}; object missing required"),
        ({"name": "x", "outcome": {"kind": 3}}, "x: outcome.kind is 3; expected str"),
        ({"name": "x", "outcome": {"kind": ""}}, 'x: outcome.kind is ""; expected str'),
        ({"name": "\n", "outcome": {"kind": "failed"}}, r"\n: engine is missing"),
        ({"name": 3, "outcome": {"kind": "failed"}}, "outcomes[0]: engine is missing"),
    ],
)
def test_bad_outcome_is_left_out_by_name_and_the_rest_kept(
    save: Save, case: Make, untimed: Make, record: Any, expected: str
) -> None:
    save("run.json", case(), outcomes=[record, untimed("failed", size=32)])
    saved = load.read([Path("run.json")])
    assert len(saved.files[0].cases) == 2
    (problem,) = saved.problems
    assert problem.startswith(f"run.json: left out {expected}")
    assert problem.isprintable()


@pytest.mark.parametrize("form", ["plain", "github", "latex", "csv", "html"])
def test_hostile_outcome_is_escaped_in_every_format(
    save: Save, untimed: Make, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kind, signal and message are anyone's; the worker's last words are not shown."""
    bad = "=<script>|\x1b[31m\n\\input{x}%"
    save("run.json", outcomes=[untimed(bad, bad * 99, bad)])
    assert main(["speedup", "run.json", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "last words" not in shown
    if form == "html":
        assert "<script" not in shown
    if form == "github":
        assert "<script" not in shown
        assert r"\|" in shown
    if form == "latex":
        assert r"\input" not in shown
    if form == "csv":
        (row,) = _rows(shown)
        assert row["outcome"].startswith("'=")
        assert row["notes"].startswith("'=")
        assert len(row["outcome"]) <= 41
        assert len(row["notes"]) <= 301


def test_mutated_files_never_end_in_a_traceback(
    saved: str,
    mutants: Callable[[str, int, int], Iterator[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """300 files, seed 12."""
    for form in mutants(saved, 300, 12):
        code = main(["speedup", "bad.json", "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert code == 0 or shown.err
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())


def test_blank_kind_is_still_an_outcome(
    save: Save, untimed: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    save("run.json", outcomes=[untimed(" ")])
    (row,) = _csv(capsys, "run.json")
    assert row["outcome"] == "?"

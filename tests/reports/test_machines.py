"""``python -m reports machines``: whole tables, what forbids, and anybody's facts."""

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import fingerprints, load, side_by_side
from reports.__main__ import main
from reports.flat import flatten
from reports.load import SavedFile

Record = dict[str, Any]
Save = Callable[..., str]
Make = Callable[..., Record]
Mutants = Callable[[str, int, int], Iterator[str]]

GOLDEN = Path(__file__).parent / "golden"
GIB = 2**30

HARD: Record = {
    "architecture": "x86_64",
    "cpu_model": "Xeon",
    "usable_cpus": 16,
    "smt": False,
    "cpu_quota": None,
    "memory_bytes": 128 * GIB,
    "gpus": [{"model": "NVIDIA H100", "memory_bytes": 80 * GIB}],
    "container": None,
}
SOFT: Record = {
    "kernel": "6.1.0-18-amd64",
    "governor": "performance",
    "gpu_driver": "580.159.04",
    "gpus": [{"power_limit_watts": 700.0, "mig": False}],
    "packages": {"python": "3.11.7", "histocnn": "0.1.0", "numpy": "2.4.6"},
    "locks": {"bench": "78d82906cf98070709b826905ddbe2800ea72390ccd7c912875e4d84fc00"},
    "git": None,
}


def machine(soft: Record | None = None, **hard: Any) -> Record:
    """A file's ``machine_info`` with a fingerprint, but for its plain facts."""
    return {"fingerprint": {"hard": HARD | hard, "soft": SOFT | (soft or {})}}


def version(record: Record, **versions: str) -> Record:
    """``record`` with the versions of its engine's packages."""
    for launch in record["extra_info"]["launches"]:
        launch["versions"] = versions
    return record


@pytest.fixture
def several(save: Save, case: Make) -> tuple[str, ...]:
    """Two that tell the same, one of another driver, of another machine, and of old."""
    usual = version(case(), theano="1.0.5", keras="2.3.1")
    other = version(case(cores=2), theano="1.0.5", keras="2.3.1")
    two = [
        {"model": "NVIDIA A100-SXM4", "memory_bytes": 40 * GIB},
        {"model": "NVIDIA A100-SXM4", "memory_bytes": 40 * GIB},
    ]
    newer = {"gpu_driver": "590.1"}
    return (
        save("monday.json", usual, info=machine()),
        save("night.json", usual, info=machine(), when="2026-11-22T01:07:00+01:00"),
        save("driver.json", other, info=machine(newer), commit="beef", dirty=True),
        save(
            "attic.json",
            version(case(dataset="glas"), theano="1.0.5", keras="2.3.1"),
            version(case(engine="torch", precision="bfloat16"), torch="2.11.0"),
            info=machine(gpus=two, memory_bytes=64 * GIB),
        ),
        save("old.json", case(), info={"python_version": "3.9.2"}),
    )


def read(*names: str) -> list[SavedFile]:
    return [load.read_file(Path(name)).files[0] for name in names]


def differing(first: str, second: str) -> list[tuple[str, str, str]]:
    found = fingerprints.forbidding(*read(first, second))
    return [(each.name, each.first, each.second) for each in found]


def test_digests_are_short_for_people_and_whole_for_programs(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their 40 or 64 digits made a table of a dozen files 560 columns wide."""
    commits = ("830062452b3013ad0f849e40aa57e74ae24ad397", "506d51148649" + 28 * "0")
    files = [
        save(f"{number}.json", case(), info=machine(), commit=commit)
        for number, commit in enumerate(commits)
    ]
    for form in ("plain", "github", "latex", "html"):
        assert main(["machines", *files, "--all", "--format", form]) == 0
        shown = capsys.readouterr().out
        words = re.findall(r"\b[0-9a-f]{12,}\b", shown)
        assert {"830062452b30", "506d51148649", "78d82906cf98"} <= set(words)
        assert max(map(len, words)) == 16  # the fingerprint, as it is saved
    for form in ("csv", "json"):
        assert main(["machines", *files, "--all", "--format", form]) == 0
        shown = capsys.readouterr().out
        assert all(digest in shown for digest in (*commits, SOFT["locks"]["bench"]))


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
    several: tuple[str, ...],
    form: str,
    ending: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Facts that differ with their verdicts, then who may not be compared with whom."""
    assert main(["machines", *several[1:], "--format", form]) == 0
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"machines.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def test_whole_table_of_all_facts(
    several: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """--all shows those, too, that do not differ."""
    assert main(["machines", *several[1:], "--all"]) == 0
    golden = (GOLDEN / "machines_all.txt").read_text(encoding="utf-8")
    assert capsys.readouterr().out == golden


def test_files_that_tell_the_same_share_a_column(
    several: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whenever they were saved; nothing is said to differ then."""
    assert main(["machines", *several[:2]]) == 0
    shown = capsys.readouterr().out
    assert "2 files; all tell the same facts\nA: monday, night\n" in shown
    assert "2026-11-21 20:42 to 2026-11-22 00:07 UTC" in shown
    assert shown.endswith("nothing forbids a comparison of these files\n")


def test_of_one_file_the_telling_facts_are_shown_and_the_rest_counted(
    several: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """All hard ones; of the soft ones those that times depend on most."""
    assert main(["machines", several[0]]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("cpu_model", "container", "gpus.model"))
    assert "packages.python" in shown
    assert "packages.numpy" not in shown
    assert "10 more facts; --all shows them" in shown
    assert "comparison of these files" not in shown
    assert main(["machines", several[0], "--all"]) == 0
    shown = capsys.readouterr().out
    assert "packages.numpy" in shown
    assert "more facts" not in shown


def test_a_file_without_a_fingerprint_has_its_plain_facts(
    several: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """And is said to tell no more."""
    assert main(["machines", several[-1]]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[1]: line.split()[2] for line in lines if "hard" in line[:4]}
    assert told == {"node": "lab", "system": "Linux", "processor": "Xeon", "CPUs": "16"}
    assert any("python" in line and "3.9.2" in line for line in lines)
    assert any(line.startswith("no fingerprint in old: ") for line in lines)


def test_a_file_of_another_project_is_shown(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no engine, no dataset, and perhaps no commit."""
    run = save(
        "other.json",
        {"name": "test_sort", "stats": {"median": 0.5}, "extra_info": {}},
        commit="",
    )
    assert main(["machines", run]) == 0
    shown = capsys.readouterr().out
    assert "Xeon" in shown
    assert "dataset" not in shown
    assert "commit" not in shown


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"smt": True}, [("smt", "no", "yes")]),
        ({"container": "docker"}, [("container", "—", "docker")]),
        (
            {"memory_bytes": 1 + 128 * GIB},
            [("memory_bytes", "128 GiB", "137438953473")],
        ),
        ({"gpus": []}, None),
        ({"novel": 1}, [("novel", "not saved", "1")]),
        ({"node": "x", "fingerprint": "x"}, None),
    ],
)
def test_hard_facts_forbid_a_comparison(
    save: Save,
    case: Make,
    changed: Record,
    expected: list[tuple[str, str, str]] | None,
) -> None:
    """Each that differs is named with what either file says; a digest is not."""
    save("a.json", case(), info=machine())
    save("b.json", case(), info=machine(**changed))
    found = differing("a.json", "b.json")
    if expected is None:
        assert found
    else:
        assert found == expected


def test_soft_facts_forbid_nothing(save: Save, case: Make) -> None:
    save("a.json", case(), info=machine())
    save("b.json", case(), info=machine({"kernel": "6.9", "novel": [1, {}]}))
    assert differing("a.json", "b.json") == []


def test_a_missing_fingerprint_is_the_one_difference(save: Save, case: Make) -> None:
    save("a.json", case(), info=machine())
    save("b.json", case(), node="attic")
    (node, fingerprint) = differing("a.json", "b.json")
    assert node == ("node", "lab", "attic")
    assert fingerprint[0] == "fingerprint"
    assert fingerprint[2] == "not saved"


@pytest.mark.parametrize(
    ("versions", "forbidden"),
    [
        (("1.0.5", "1.9.0"), False),
        (("1.0.5", "2.0.0"), True),
        (("0.9.0", "0.10.2"), True),
        (("0.10.1", "0.10.2"), False),
        (("1.0.5", ""), False),
    ],
)
def test_an_engines_version_forbids_where_it_may_break(
    save: Save, case: Make, versions: tuple[str, str], forbidden: bool
) -> None:
    """That of a package beside it does not; nor one that a file does not tell."""
    for name, theano, keras in zip("ab", versions, ("2.3.1", "3.0"), strict=True):
        save(f"{name}.json", version(case(), theano=theano, keras=keras))
    expected = [("theano", *versions)] if forbidden else []
    assert differing("a.json", "b.json") == expected


def test_engines_of_their_own_forbid_nothing(save: Save, case: Make) -> None:
    save("a.json", version(case(), theano="1.0.5"))
    save("b.json", version(case(engine="torch"), torch="2.11.0"))
    assert differing("a.json", "b.json") == []


def test_data_forbids_where_nothing_is_common(save: Save, case: Make) -> None:
    """Two files that share a dataset and a precision have cases to compare."""
    both = (case(), case(dataset="glas", precision="tf32"))
    save("both.json", *both)
    save("tissue.json", case())
    save("glas.json", case(dataset="glas", precision="bfloat16"))
    assert differing("both.json", "tissue.json") == []
    assert differing("tissue.json", "glas.json") == [
        ("dataset", "tissue", "glas"),
        ("precision", "float32", "bfloat16"),
    ]
    assert differing("both.json", "glas.json") == [
        ("precision", "float32, tf32", "bfloat16")
    ]


def test_sides_that_forbid_the_same_are_taken_together(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that differ in what is only noted are of one machine."""
    for number in range(3):
        save(f"lab{number}.json", case(), info=machine({"kernel": f"6.{number}"}))
    save("attic.json", case(), info=machine(cpu_model="EPYC"))
    names = [*(f"lab{number}.json" for number in range(3)), "attic.json"]
    assert main(["machines", *names]) == 0
    lines = capsys.readouterr().out.splitlines()
    (told,) = (line for line in lines if line.startswith("no comparison"))
    assert told == "no comparison of A, B, C with D: cpu_model (Xeon / EPYC)"


def test_many_machines_are_listed_in_a_few_lines(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 30 there are 435 pairs, of which 8 have a line; columns are A to AD."""
    names = [save(f"{n}.json", case(), info=machine(usable_cpus=n)) for n in range(30)]
    assert main(["machines", *names]) == 0
    shown = capsys.readouterr().out
    assert shown.count("no comparison of ") == 8
    assert "\nand 427 more such pairs\n" in shown
    assert " AC AD verdict 0 1 2 " in " ".join(shown.split())


def test_of_more_machines_than_are_looked_at_no_count_is_claimed(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 70 there are 2415 pairs."""
    names = [save(f"{n}.json", case(), info=machine(usable_cpus=n)) for n in range(70)]
    assert main(["machines", *names]) == 0
    assert "\nand at least 1992 more such pairs\n" in capsys.readouterr().out


def test_one_file_forbids_no_comparison_but_says_what_would(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """For programs, too."""
    run = save("run.json", case(), info=machine())
    for form in ("plain", "csv"):
        assert main(["machines", run, "--all", "--format", form]) == 0
        shown = capsys.readouterr().out
        assert "would forbid a comparison" in shown
        assert "would be noted" in shown
        assert not re.search("(?<!would )forbids? a comparison", shown)


def test_same_names_in_two_folders_are_told_apart(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    save("a/run.json", case())
    save("b/run.json", case(), node="attic")
    assert main(["machines", "a", "b"]) == 0
    shown = capsys.readouterr().out
    assert "A B verdict a/run.json b/run.json" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": {"b": 1}, "c": None}, {"a.b": "1", "c": "—"}),
        ({"gpus": [{"m": "A"}, {"m": "A"}, {"m": "B"}]}, {"gpus.m": "2 × A, B"}),
        ({"gpus": [{"m": "A"}, {"n": 1}]}, {"gpus.m": "A, —", "gpus.n": "—, 1"}),
        ({"gpus": []}, {"gpus": "—"}),
        ({"memory_bytes": 80 * GIB + GIB // 2}, {"memory_bytes": "80.5 GiB"}),
        ({"memory_bytes": True, "n": 7.0}, {"memory_bytes": "yes", "n": "7"}),
        ({"a": [1, [2]], "b": [1, 1, 2]}, {"a": "[1, [2]]", "b": "2 × 1, 2"}),
        ("text\n", {"": r"text\n"}),
        ([], {"": "—"}),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a.b.c.d": '{"e": 1}'}),
    ],
)
def test_any_json_is_flattened(value: object, expected: dict[str, str]) -> None:
    assert flatten(value) == expected


def test_long_values_are_cut(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """In names and values, and less so for programs."""
    long: Record = {"n" * 5000: "v" * 5000, "many": list(range(5000))}
    run = save("run.json", case(), info=machine(**long))
    assert main(["machines", run]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) < 200
    assert main(["machines", run, "--format", "csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert max(len(cell) for row in rows for cell in row) == 300


def _anything(chance: random.Random, depth: int = 0) -> Any:
    """JSON that nobody would write."""
    names = ("gpus", "model", "=1+1", "<b>", "\x1b[0m", "a.b", "", "x_bytes", "é")
    kind = chance.randrange(9 if depth < 6 else 7)
    if kind == 7:
        return [_anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 8:
        keys = chance.sample(names, chance.randrange(5))
        return {key: _anything(chance, depth + 1) for key in keys}
    return chance.choice(
        (None, True, -1, 10**40, 1e300, "=cmd|' /C", "|\n<script>", "$\\x", "é")
    )


def test_anybodys_facts_are_shown(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of any type and depth, in any format; and two machines differ in some fact."""
    chance = random.Random(11)
    forms = ("plain", "github", "latex", "csv", "html", "json")
    for number in range(150):
        for name in "ab":
            fingerprint = (
                _anything(chance)
                if number % 3
                else {
                    "hard": _anything(chance),
                    "soft": _anything(chance),
                }
            )
            told = {"fingerprint": fingerprint, "cpu": _anything(chance)}
            save(f"{name}.json", case(), info={**told, "python_version": [1]})
        files = read("a.json", "b.json")
        differ = files[0].machine != files[1].machine
        assert differ == bool(fingerprints.forbidding(*files))
        rows = side_by_side.rows(side_by_side.sides(files))
        assert differ == any(row.forbids for row in rows)
        asked = ["--all"] * chance.randrange(2)
        form = chance.choice(forms)
        assert main(["machines", "a.json", "b.json", "--format", form, *asked]) == 0
        shown = capsys.readouterr()
        assert "\x1b" not in shown.out
        assert form not in ("html", "github") or "<script>" not in shown.out


def test_deep_facts_are_shown(
    save: Save, case: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    deep: Any = "end"
    for _ in range(300):
        deep = {"a": [deep]}
    run = save("run.json", case(), info=machine(deep=deep))
    assert main(["machines", run]) == 0
    assert "deep.a" in capsys.readouterr().out


def test_fuzzed_files_are_shown_or_refused_in_one_line(
    several: tuple[str, ...], mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in mutants(several[0], 150, 5):
        code = main(["machines", "bad.json", several[1], "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert (code == 2) == bool(shown.err)
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())
        assert shown.out


def test_json_holds_a_row_for_each_fact_and_file(
    several: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """With None where the file does not tell it."""
    names = (several[0], several[3], several[4])
    assert main(["machines", *names, "--format", "json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    told = {(row["fact"], row["source"]): row for row in table["rows"]}
    assert told["gpus.model", "attic"]["value"] == "2 × NVIDIA A100-SXM4"
    assert told["gpus.model", "old"]["value"] is None
    assert told["gpus.model", "monday"]["verdict"] == "forbids a comparison"
    assert told["dataset", "attic"]["verdict"] == "noted"

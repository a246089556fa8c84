"""Reading saved files: what is pooled, what is kept apart, and every bad one."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports import load, sources
from reports.errors import InputError
from reports.others import Other
from reports.pool import pool

Case = Callable[..., dict[str, Any]]
Save = Callable[..., str]


def _read(*names: str) -> load.Read:
    return load.read([Path(name) for name in names])


def test_a_case_is_read_with_all_its_launches(save: Save, case: Case) -> None:
    """Numbers come from the rounds, whatever the file's own statistics say."""
    save("run.json", case([1.0, 2.0], [3.0], device="cuda", cnmem="0.5"))
    (file,) = _read("run.json").files
    (read,) = file.cases
    assert [launch.rounds for launch in read.launches] == [2, 1]
    assert [launch.median for launch in read.launches] == [1.5, 3.0]
    assert (read.combination.cnmem, read.combination.images) == ("0.5", 300)
    assert str(file.machine) == "Xeon, 16 CPUs"


def test_parameters_outside_the_job_tell_cases_apart(save: Save, case: Case) -> None:
    """A launcher that only the test knows must not be pooled with another."""
    local, docker = case(), case()
    local["params"]["launcher"] = "local"
    docker["params"]["launcher"] = "docker"
    docker["params"]["thing"] = "UNSERIALIZABLE[<object at 0x7f>]"
    save("run.json", local, docker)
    cases = pool(_read("run.json").files).cases
    assert [each.combination.value("launcher") for each in cases] == ["docker", "local"]
    assert cases[0].combination.value("thing") is None


def test_a_container_is_not_pooled_with_the_machine(save: Save, case: Case) -> None:
    """The launcher of the workers is told apart like any other part of the case."""
    contained = case((1.0,))
    contained["extra_info"]["launches"][0]["launched"] = {"launcher": "docker"}
    (file,) = _read(save("a.json", contained, case((1.0,)))).files
    assert [one.combination.value("launcher") for one in file.cases] == ["docker", None]


def test_a_sites_own_python_is_not_pooled_with_the_pins(save: Save, case: Case) -> None:
    """An interpreter that is not the locked one is told apart too."""
    own = case((1.0,))
    own["extra_info"]["launches"][0]["launched"] = {"interpreter": "own"}
    (file,) = _read(save("a.json", own, case((1.0,)))).files
    assert [one.combination.value("interpreter") for one in file.cases] == ["own", None]


def test_benchmarks_of_others_are_kept_by_name(save: Save, case: Case) -> None:
    """With the median of the rounds; with the file's own where they were not kept."""
    kept = {"name": "test_kept", "params": None, "stats": {"data": [3.0, 1.0, 1.5]}}
    dropped = {"name": "test_dropped", "stats": {"median": 2.0, "rounds": 7}}
    save("run.json", case(), kept, dropped)
    (file,) = _read("run.json").files
    assert file.others == (
        Other("test_kept", 1.5, 3, has_data=True),
        Other("test_dropped", 2.0, 7, has_data=False),
    )
    assert len(file.cases) == 1


@pytest.mark.parametrize(
    ("stats", "fault"),
    [
        ({}, "has neither rounds (stats.data) nor stats.median"),
        ({"data": [1.0, 0.0]}, "is 0.0; expected a number of seconds above 0"),
        ({"data": [], "median": -1.0}, "median is -1.0; expected"),
        ({"median": float("nan")}, "median is NaN; expected a number of seconds"),
        ({"median": "1"}, 'median is "1"; expected a number of seconds above 0'),
    ],
)
def test_benchmark_of_others_without_a_time_is_left_out_by_name(
    save: Save, case: Case, stats: dict[str, Any], fault: str
) -> None:
    """And costs no other case."""
    save("run.json", case(), {"name": "test_bad", "stats": stats})
    read = _read("run.json")
    assert len(read.files[0].cases) == 1
    (problem,) = read.problems
    assert problem.startswith("run.json: left out test_bad: ")
    assert fault in problem


def test_runs_of_one_machine_and_commit_are_pooled(save: Save, case: Case) -> None:
    """The clock rate, which the fixture changes with every file, does not matter."""
    save("a.json", case([1.0]))
    save("b.json", case([2.0]))
    (pooled,) = pool(_read("a.json", "b.json").files).cases
    assert pooled.medians == (1.0, 2.0)
    assert pooled.source == "a, b"


def test_other_machine_is_kept_apart(save: Save, case: Case) -> None:
    save("a.json", case([1.0]))
    save("b.json", case([2.0]), node="attic")
    cases = pool(_read("a.json", "b.json").files).cases
    assert [each.source for each in cases] == ["a", "b"]


def test_a_case_of_two_commits_is_refused_with_both_names(
    save: Save, case: Case
) -> None:
    """Its launches are no sample of one time; what is in one file only stays."""
    save("a.json", case([1.0]), case([1.0], cores=2), case([1.0], cores=4))
    save("b.json", case([2.0]), case([1.0], cores=2), commit="decade", dirty=True)
    pools = pool(_read("a.json", "b.json").files)
    assert [each.combination.cores for each in pools.cases] == [4]
    assert pools.problems == (
        "left out engine=theano device=cpu size=64 batch=20 cores=1 loop=fit "
        "precision=float32 and 1 more: measured with different code in a (commit "
        "c0ffee) and b (commit decade, changed); name the files of one of them",
    )


def test_an_outcome_does_not_stand_in_the_way_of_another_commits_time(
    save: Save, case: Case, untimed: Case
) -> None:
    save("a.json", outcomes=[untimed("timed-out")])
    save("b.json", case([2.0]), commit="decade")
    pools = pool(_read("a.json", "b.json").files)
    assert [each.source for each in pools.cases] == ["b"]
    assert not pools.problems


@pytest.mark.parametrize(
    ("versions", "count"),
    [(("2.20.1", "2.21.0"), 1), (("0.10.2", "0.11.2"), 0), (("1.0.5", "2.0.0"), 0)],
)
def test_a_breaking_change_of_the_engine_is_other_code(
    save: Save, case: Case, versions: tuple[str, str], count: int
) -> None:
    """As semantic versioning has it: with the major part, or with that behind 0."""
    for name, version in zip("ab", versions, strict=True):
        made = case([1.0 if name == "a" else 2.0])
        made["extra_info"]["launches"][0]["versions"] = {"theano": version}
        save(f"{name}.json", made)
    pools = pool(_read("a.json", "b.json").files)
    assert len(pools.cases) == count
    assert ("version 0.10) and b (commit c0ffee, version 0.11)" in str(pools)) == (
        versions[0] == "0.10.2"
    )


def test_equal_stems_are_told_apart_by_their_folders(save: Save, case: Case) -> None:
    save("x/run.json", case())
    save("y/run.json", case(), node="attic")
    cases = pool(_read("x/run.json", "y/run.json").files).cases
    assert [each.source for each in cases] == ["x/run.json", "y/run.json"]


def test_runs_from_before_and_after_loops_and_precisions_are_pooled(
    save: Save, case: Case
) -> None:
    """What an old file does not say is what there was: fit in float32."""
    save("old.json", case([1.0]))
    save("new.json", case([2.0], loop="fit", precision="float32"))
    save("tf32.json", case([3.0], precision="tf32"))
    cases = pool(_read("old.json", "new.json", "tf32.json").files).cases
    assert [each.source for each in cases] == ["old, new", "tf32"]


def test_notes_of_the_launches_are_kept_each_once(save: Save, case: Case) -> None:
    """In the order in which they come; a blank one is none."""
    save("a.json", case([1.0], [1.1], notes=["streamed: 3 of 30 steps", " ", "slow"]))
    save("b.json", case([1.2], notes=["slow", "not compiled"]))
    (pooled,) = pool(_read("a.json", "b.json").files).cases
    assert pooled.notes == ("streamed: 3 of 30 steps", "slow", "not compiled")


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("a\x1b[31m\nb\t", r"a\x1b[31m\nb"),
        ("x" * 300, "x" * 300),
        ("x" * 10**6, "x" * 299 + "…"),
        ("\n" * 10**4 + "x", "x"),
        ("a" + "\x00" * 10**4, "a" + r"\x00" * 74 + r"\x…"),
    ],
)
def test_a_note_is_one_line_of_bounded_length(
    save: Save, case: Case, note: str, expected: str
) -> None:
    """Whatever a file holds."""
    (file,) = _read(save("run.json", case([1.0], notes=[note]))).files
    assert file.cases[0].launches[0].notes == (expected,)


def test_one_run_saved_twice_counts_once(save: Save, case: Case) -> None:
    """As --benchmark-autosave with --benchmark-json does, at two times of day."""
    save("a.json", case([1.0, 1.1]))
    save("b.json", case([1.0, 1.1]))
    save("c.json", case([1.2]))
    (pooled,) = pool(_read("a.json", "b.json", "c.json").files).cases
    assert len(pooled.launches) == 2
    assert (pooled.source, pooled.repeats) == ("a, c", 1)


GOOD = b'{"benchmarks": [{"name": "x"}]}'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty; did the run that made it measure anything?"),
        (b"hello", "is not JSON (line 1, column 1: Expecting value)"),
        (b"\xff\xfe\xfa", "is not JSON ("),
        (GOOD[:-3], "is cut off (line 1, column 29:"),
        (GOOD[:-4], "is cut off (line 1, column 26: Unterminated string"),
        (b'{"a": ' * 99_999, "is not JSON (maximum recursion"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is JSON, but no file saved by pytest-bench"),
        (b"[1, 2]", "is JSON, but no file saved by pytest-benchmark (Expected object"),
        (b"{}", "is JSON, but no file saved by pytest-benchmark (Object missing req"),
        (b'{"benchmarks": {}}', "is JSON, but no file saved by pytest-benchmark"),
        (b'{"benchmarks": [{}]}', "is JSON, but no file saved by pytest-benchmark"),
        (b'{"benchmarks": []}', "holds no benchmarks; was every case skipped?"),
    ],
)
def test_bad_file_is_named_with_its_fault(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    saved = load.read([path])
    assert not saved.files
    (problem,) = saved.problems
    assert problem.startswith(f"{path}: {expected}")
    assert problem.isprintable()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("seconds", 0, "launches[0].rounds[1].seconds is 0; expected a number of"),
        ("seconds", -1.5, "launches[0].rounds[1].seconds is -1.5; expected a number"),
        ("seconds", float("nan"), "launches[0].rounds[1].seconds is NaN; expected a"),
        ("seconds", float("inf"), "launches[0].rounds[1].seconds is Infinity; expect"),
        ("seconds", 1e300, "launches[0].rounds[1].seconds is 1e+300; expected a"),
        ("seconds", "fast", 'launches[0].rounds[1].seconds is "fast"; expected a'),
        ("seconds", None, "launches[0].rounds[1].seconds is null; expected a"),
        ("rounds", [], "launches[0].rounds is []; expected array of length >= 1"),
        ("rounds", 3, "launches[0].rounds is 3; expected array"),
        ("notes", "slow", 'launches[0].notes is "slow"; expected array'),
        ("notes", None, "launches[0].notes is null; expected array"),
        ("notes", ["a", 3], "launches[0].notes[1] is 3; expected str"),
        ("launches", [], "launches is []; expected array of length >= 1"),
        ("job", [1], "job is [1]; expected object"),
    ],
)
def test_bad_case_is_left_out_by_name_and_the_rest_kept(
    save: Save, case: Case, field: str, value: object, expected: str
) -> None:
    bad = case([1.0, 1.0], engine="bad")
    places: dict[str, dict[str, Any]] = {
        "seconds": bad["extra_info"]["launches"][0]["rounds"][1],
        "rounds": bad["extra_info"]["launches"][0],
        "notes": bad["extra_info"]["launches"][0],
        "extra_info": bad,
    }
    place = places.get(field) or bad["extra_info"]
    place[field] = value
    save("run.json", case(), bad)
    saved = _read("run.json")
    assert [each.combination.engine for each in saved.files[0].cases] == ["theano"]
    assert saved.problems[0].startswith(f"run.json: left out {bad['fullname']}: ")
    assert f": {expected}" in saved.problems[0]


@pytest.mark.parametrize(
    "extra",
    [
        {"launches": 5},
        {"launches": ["a"]},
        {"launches": [{"rocket": "Ariane"}], "job": "nightly"},
        {"stopped": True, "warnings": 3},
        {"frontier": 3.5},
        "text",
    ],
)
def test_extra_info_of_others_may_hold_anything(save: Save, extra: object) -> None:
    """Names that only happen to be ours cost no case."""
    stats = {"median": 2.0, "rounds": 7}
    save("run.json", {"name": "test_sort", "extra_info": extra, "stats": stats})
    read = _read("run.json")
    assert not read.problems
    assert [each.name for each in read.files[0].others] == ["test_sort"]


@pytest.mark.parametrize("facts", [None, [], "Linux", {"cpu": 10**400}])
def test_facts_of_any_kind_cost_no_case(save: Save, case: Case, facts: object) -> None:
    save("run.json", case())
    document = json.loads(Path("run.json").read_text())
    text = json.dumps({**document, "machine_info": facts, "commit_info": facts})
    Path("run.json").write_text(text)
    read = _read("run.json")
    assert not read.problems
    assert len(read.files[0].cases) == 1


def test_a_compressed_file_and_a_pipe_are_named_as_such(tmp_path: Path) -> None:
    packed, pipe = tmp_path / "a.json", tmp_path / "b.json"
    packed.write_bytes(gzip.compress(b"{}"))
    os.mkfifo(pipe)
    (first, second) = load.read([packed, pipe]).problems
    assert "is compressed" in first
    assert "is a pipe" in second


@pytest.mark.parametrize("commit", ["", "unversioned", "unknown"])
def test_unknown_commits_and_machines_are_pooled_with_no_other(
    save: Save, case: Case, commit: str
) -> None:
    """Two files that do not tell are not known to be of one."""
    save("a.json", case([1.0]), commit=commit)
    save("b.json", case([2.0]), commit=commit)
    pools = pool(_read("a.json", "b.json").files)
    assert pools.cases == ()
    assert "a (unknown commit) and b (unknown commit)" in pools.problems[0]
    for name in "ab":
        document = json.loads(Path(f"{name}.json").read_text())
        document["machine_info"] = {}
        Path(f"{name}.json").write_text(json.dumps(document))
    pools = pool(_read("a.json", "b.json").files)
    assert [each.source for each in pools.cases] == ["a", "b"]
    assert not pools.problems


def test_launches_of_overlapping_files_count_once(save: Save, case: Case) -> None:
    """Whichever file has more of them."""
    save("a.json", case([1.0], [2.0], [3.0]))
    save("b.json", case([2.0], [3.0], [4.0]))
    (pooled,) = pool(_read("a.json", "b.json").files).cases
    assert pooled.medians == (1.0, 2.0, 3.0, 4.0)


def test_many_bad_cases_cost_one_line(save: Save, case: Case) -> None:
    save("run.json", *(case(images=None, seed=each) for each in range(3)))
    (problem,) = _read("run.json").problems
    assert problem.endswith(
        "images is null, expected a whole number above 0 (and 2 more cases)"
    )


def test_loop_that_is_no_name_costs_its_case_only(save: Save, case: Case) -> None:
    save("run.json", case(loop=["fit"]), case(loop="fused"))
    saved = _read("run.json")
    assert [each.combination.loop for each in saved.files[0].cases] == ["fused"]
    assert saved.problems[0].endswith(': loop is ["fit"], expected a name')


def test_nan_where_nothing_is_read_does_no_harm(save: Save, case: Case) -> None:
    """Python writes NaN, which is no JSON: as a statistic of one round, say."""
    record = case([1.0])
    record["stats"]["stddev"] = float("nan")
    save("run.json", record)
    saved = _read("run.json")
    assert not saved.problems
    assert len(saved.files[0].cases) == 1


def test_missing_file_is_named_and_the_others_read(save: Save, case: Case) -> None:
    save("run.json", case())
    saved = _read("gone.json", "run.json")
    assert saved.problems == ("gone.json: cannot be read: No such file or directory",)
    assert len(saved.files) == 1


def test_folder_stands_for_all_files_below_each_once(save: Save, case: Case) -> None:
    save("runs/b/2.json", case())
    save("runs/a/1.json", case())
    Path("runs/notes.txt").write_text("not read")
    found = sources.find(["runs/b/2.json", "runs"])
    assert found.paths == (Path("runs/b/2.json"), Path("runs/a/1.json"))


def test_folder_without_files_is_a_problem(tmp_path: Path) -> None:
    found = sources.find([str(tmp_path)])
    assert found.problems == (f"{tmp_path}: no .json file below this folder",)


def test_nothing_named_means_the_newest_saved(save: Save, case: Case) -> None:
    for age, name in enumerate(("0002_b", "0001_a")):
        save(f".benchmarks/box/{name}.json", case())
        os.utime(f".benchmarks/box/{name}.json", (1000 - age, 1000 - age))
    assert sources.find([]).paths == (Path(".benchmarks/box/0002_b.json"),)


def test_nothing_saved_says_how_to_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="pytest benchmarks --benchmark-autosave"):
        sources.find([])


def test_old_file_without_machine_or_commit_is_read(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "old.json"
    machine = {"cpu": "unknown"}
    path.write_text(json.dumps({"benchmarks": [case()], "machine_info": machine}))
    assert str(load.read([path]).files[0].machine) == "CPU not recorded"

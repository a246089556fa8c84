"""Reading what a cluster measured: whose machine a case is of, and damaged files."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import load
from reports.__main__ import main
from reports.pool import pool
from tests.reports.clustered import (
    EPYC,
    LABELS,
    NODES,
    XEON,
    apart,
    cluster,
    digest,
    entry,
    on,
    run,
)

Record = dict[str, Any]
Case = Callable[..., Record]
Save = Callable[..., str]
Untimed = Callable[..., Record]
Edit = Callable[[Record], object]

XEON_LABEL, EPYC_LABEL = LABELS
A, B = NODES[XEON_LABEL][:2]
OTHER = NODES[EPYC_LABEL][0]


def read(*names: str) -> load.Read:
    return load.read([Path(name) for name in names])


def edited(name: str, edit: Edit) -> str:
    """The file with its document changed by ``edit``."""
    path = Path(name)
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    return name


def test_machines_of_one_file_are_those_of_several(save: Save, case: Case) -> None:
    """So that nodes of one type are pooled with a desk that has the same facts."""
    one, two = run(save, case), apart(save, case)
    machines = {file.label: file.machine for file in read(one).files}
    assert set(machines) == set(LABELS)
    assert set(machines.values()) == {file.machine for file in read(*two).files}
    pooled = pool(read(one, *two).files)
    assert len(pooled.cases) == 20
    assert not pooled.problems
    # half of them as in the other file: those are counted once
    assert {each.repeats for each in pooled.cases} == {1}


def test_launches_on_nodes_of_different_facts_are_never_averaged(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """The case is left out in one line that names both; the rest is shown."""
    good = on(case([1.0], cores=2), [A])
    one = save("run.json", on(case([1.0], [2.0]), [A, OTHER]), good, cluster=cluster())
    assert main(["speedup", one, "--baseline", "cores=2"]) == 2
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line == (
        "reports: run.json: left out "
        "benchmarks/test_train.py::test_train[theano-cpu-64px-b20-cores1]: its "
        "launches are of machines whose hard facts differ: "
        f"{A} ({XEON_LABEL}), {OTHER} ({EPYC_LABEL}); measure it on one type of them"
    )
    assert "1 case from" in shown.out


def test_a_launch_on_the_machine_that_saved_the_file_is_no_nodes(
    save: Save, case: Case
) -> None:
    """Unless that is of the same type."""
    record = on(case([1.0], [2.0]), [A])
    del record["extra_info"]["launches"][1]["launched"]["node"]
    del record["extra_info"]["launches"][1]["launched"]["machine"]
    found = read(save("a.json", record, cluster=cluster(), hard=EPYC))
    assert "hard facts differ" in found.problems[0]
    found = read(save("b.json", record, cluster=cluster(), hard=XEON))
    assert not found.problems
    assert [len(file.cases) for file in found.files] == [1]


def test_what_is_no_training_stays_with_the_machine_that_saved_the_file(
    save: Save, case: Case
) -> None:
    other = {"name": "test_sort", "stats": {"median": 0.25, "data": [0.25] * 3}}
    found = read(save("run.json", on(case([1.0]), [A]), other, cluster=cluster()))
    own, site = found.files
    assert [len(own.others), len(own.cases), own.label] == [1, 0, ""]
    assert [len(site.others), len(site.cases), site.label] == [0, 1, XEON_LABEL]
    assert own.info["cpu"]["brand_raw"] == "Xeon"


def _without_cluster(document: Record) -> None:
    del document["cluster"]


def _without_node(document: Record) -> None:
    del document["cluster"]["nodes"][A]


def _without_facts(document: Record) -> None:
    document["cluster"]["nodes"][A]["fingerprint"] = {"hard": {}}


def _of_other_facts(document: Record) -> None:
    document["cluster"]["nodes"][A]["machine"] = "0" * 16


def _another_since(document: Record) -> None:
    document["cluster"]["nodes"][A] = entry(EPYC_LABEL)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (_without_cluster, "cluster is missing"),
        (lambda document: document.update(cluster=[1]), "cluster.nodes is no object"),
        (
            lambda document: document.update(cluster={"nodes": 1}),
            "cluster.nodes is no object",
        ),
        (_without_node, f"{A} is not in cluster.nodes"),
        (_without_facts, f"{A} tells no hard facts"),
        (_of_other_facts, f"{A} tells hard facts that are not its machine's"),
        (_another_since, f"{A} is of another machine in its launches"),
        (
            lambda document: document["cluster"]["nodes"].update({A: 7}),
            f"{A} tells no hard facts",
        ),
    ],
)
def test_damaged_entries_cost_a_line_and_no_case(
    damage: Edit, fault: str, save: Save, case: Case
) -> None:
    """Launches tell their machine themselves."""
    cases = [on(case([1.0], [1.1]), [A, B]), on(case([1.0], cores=2), [OTHER])]
    one = edited(save("run.json", *cases, cluster=cluster()), damage)
    found = read(one)
    (line,) = found.problems
    assert line.startswith("run.json: ")
    assert line.endswith(f"{fault}; its cases keep to what else is known")
    by_hard = {file.machine.hard: len(file.cases) for file in found.files}
    assert by_hard == {digest(XEON): 1, digest(EPYC): 1}
    assert len({file.label for file in found.files}) == 2


def test_a_machine_of_which_only_the_digest_is_known_is_compared_with_no_other(
    save: Save, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """And still has its times and a column of its own."""
    cases = [
        on(case([1.0]), [A], XEON_LABEL),
        on(case([0.1], cores=2), [OTHER], EPYC_LABEL),
    ]
    one = edited(save("run.json", *cases, cluster=cluster()), _without_cluster)
    assert main(["speedup", one]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert "baseline; not measured" in shown.out
    assert main(["machines", one]) == 2
    assert digest(EPYC) in capsys.readouterr().out


def test_without_any_word_on_machines_a_node_is_one(save: Save, case: Case) -> None:
    """A case on several is left out: nobody tells whether they are of one type."""
    cases = [
        on(case([1.0]), [A]),
        on(case([1.0], cores=2), [B]),
        on(case([1.0], [1.1], cores=4), [A, B]),
    ]
    for record in cases:
        for launch in record["extra_info"]["launches"]:
            del launch["launched"]["machine"]
    found = read(save("run.json", *cases))
    left_out, missing = found.problems
    assert left_out.endswith(
        f"the file does not tell whether its launches are of one machine: {A}, {B}"
    )
    assert missing.startswith("run.json: cluster is missing; ")
    assert [(file.label, len(file.cases)) for file in found.files] == [(A, 1), (B, 1)]
    assert len({file.machine for file in found.files}) == 2


def test_two_types_of_one_label_are_called_apart(save: Save, case: Case) -> None:
    told = cluster()
    for node in told["nodes"].values():
        node["label"] = "same"
    cases = [on(case([1.0]), [A]), on(case([1.0]), [OTHER])]
    found = read(save("run.json", *cases, cluster=told))
    assert sorted(file.label for file in found.files) == sorted(
        ["same", f"same ({max(digest(XEON), digest(EPYC))})"]
    )


def test_a_case_without_a_time_is_of_the_machine_that_it_was_for(
    save: Save, case: Case, untimed: Untimed
) -> None:
    """By its node, by its label, or as the only type there is."""
    on_node = untimed("out-of-memory", device="cuda", cnmem="1")
    machine = {"launcher": "local", "node": OTHER, "machine": digest(EPYC)}
    on_node["launched"] = machine
    by_label = untimed("crashed", machine=EPYC_LABEL, cores=8)
    unknown = untimed("crashed", machine="abacus", cores=2)
    nowhere = untimed("unsupported", machine="abacus", cores=16)
    one = save(
        "run.json",
        on(case([1.0]), [A], XEON_LABEL),
        outcomes=[on_node, by_label, unknown, nowhere],
        cluster=cluster(),
    )
    found = read(one)
    assert not found.problems
    kinds = {
        file.label: [each.outcome.kind if each.outcome else "" for each in file.cases]
        for file in found.files
    }
    assert kinds == {
        "abacus": ["crashed", "unsupported"],
        EPYC_LABEL: ["out-of-memory", "crashed"],
        XEON_LABEL: [""],
    }
    told = cluster()
    told["nodes"] = {A: told["nodes"][A]}
    only = untimed("crashed", cores=2)
    (file,) = read(
        save("one.json", on(case([1.0]), [A]), outcomes=[only], cluster=told)
    ).files
    assert [len(file.cases), file.label] == [2, XEON_LABEL]


def test_cases_that_cannot_run_are_of_no_other_machine(
    save: Save, case: Case, untimed: Untimed, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are counted, and the machine that saved the file is not shown."""
    skips = [untimed("unsupported", "no GPU", machine="abacus", device="cuda")]
    one = save(
        "run.json",
        on(case([1.0]), [A], XEON_LABEL),
        outcomes=skips,
        cluster=cluster(),
        info={"cpu": {"brand_raw": "Laptop"}},
    )
    assert main(["speedup", one]) == 0
    shown = capsys.readouterr().out
    assert "1 case cannot run here: no GPU (1)" in shown
    assert "Laptop" not in shown


def test_large_files_of_a_cluster_are_read_at_once_as_one_by_one(
    save: Save, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes of their own, with all parts."""
    names = [run(save, case, f"{seed}.json", seed=seed) for seed in (1, 2)]
    one_by_one = read(*names)
    monkeypatch.setattr("reports.parallel._LARGE_BYTES", 0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert read(*names) == one_by_one
    assert [len(file.nodes) for file in read(*names).files] == [3, 4, 3, 4]


def test_fuzzed_files_of_a_cluster_are_shown_or_refused_in_one_line(
    save: Save,
    case: Case,
    mutants: Callable[[str, int, int], Iterator[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """150, most of them damaged in what they tell of nodes."""
    cases = [on(case([1.0], [1.1]), [A, B], XEON_LABEL), on(case([2.0]), [OTHER])]
    one = save("run.json", *cases, cluster=cluster())
    other = save("good.json", case([1.0]))
    for form in mutants(one, 150, 5):
        code = main(["speedup", "bad.json", other, "--format", form])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert (code == 2) == bool(shown.err)
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())
        assert shown.out

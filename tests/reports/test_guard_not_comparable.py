"""Exit code 3 says why in every format, and so do cases that have nothing in common."""

import json

import pytest

from reports.__main__ import main
from tests.reports.guarded import Make, Save, head_file, launches, one_case

Shown = pytest.CaptureFixture[str]

FACTS = [
    {"fact": "node", "base": "lab", "head": "attic"},
    {"fact": "gpus.model", "base": "H100", "head": "A100"},
]
WHY = "not comparable: base and head are of machines or engines that differ"


@pytest.fixture
def apart(save: Save, case: Make) -> list[str]:
    """One GPU before, another after."""
    hard = [{"gpus": [{"model": model}]} for model in ("H100", "A100")]
    base = save("base.json", case(*launches(1.0, seed=1)), hard=hard[0])
    head = head_file(save, case(*launches(1.0, seed=2)), hard=hard[1], node="attic")
    return ["guard", base, "--against", head]


def test_json_says_why_nothing_could_be_compared(
    apart: list[str], capsys: Shown
) -> None:
    assert main([*apart, "--format", "json"]) == 3
    (table,) = json.loads(capsys.readouterr().out)
    assert table["about"] == [WHY]
    assert table["rows"] == FACTS


def test_a_comment_says_why_nothing_could_be_compared(
    apart: list[str], capsys: Shown
) -> None:
    assert main([*apart, "--format", "github"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("### Nothing compared: machines or engines differ\n\n" + WHY)
    assert "| gpus.model          | H100      | A100      |" in out


@pytest.mark.parametrize("form", ["plain", "latex", "csv", "html"])
def test_every_format_names_the_facts(
    apart: list[str], form: str, capsys: Shown
) -> None:
    assert main([*apart, "--format", form]) == 3
    out = capsys.readouterr().out
    assert all(each in out for fact in FACTS for each in fact.values())


def test_where_some_can_be_compared_the_facts_stand_before_them(
    save: Save, case: Make, capsys: Shown
) -> None:
    """And the comment does not say that all is well."""
    sides = []
    for seed, version in ((1, "0.9.2"), (3, "0.10.1")):
        other = case(*launches(1.0, seed=seed), engine="jax")
        for launch in other["extra_info"]["launches"]:
            launch["versions"] = {"jax": version}
        sides.append([case(*launches(1.0, seed=seed + 1)), other])
    base, head = save("base.json", *sides[0]), head_file(save, *sides[1])
    args = ["guard", base, "--against", head]
    assert main([*args, "--format", "json"]) == 3
    facts, guard = json.loads(capsys.readouterr().out)
    assert facts["rows"] == [{"fact": "jax", "base": "0.9.2", "head": "0.10.1"}]
    assert (guard["table"], len(guard["rows"])) == ("guard", 1)
    assert main([*args, "--format", "github"]) == 3
    out = capsys.readouterr().out
    heading = "### Not all could be compared. No regression found: 1 case\n"
    assert out.startswith(heading)
    assert "| jax " in out.partition("<details>")[0]
    assert main([*args, "--format", "csv"]) == 3
    assert capsys.readouterr().out.startswith("engine,device,")


def test_cases_that_differ_in_no_axis_are_told_apart(
    save: Save, case: Make, capsys: Shown
) -> None:
    """The dataset is no axis, and the first cases of the files are not the nearest."""
    base = save(
        "base.json", case(size=32, batch=50), case(dataset="synthetic", size=64)
    )
    head = head_file(save, case(dataset="tissue", size=64), case(size=128, batch=10))
    assert main(["guard", base, "--against", head]) == 2
    assert capsys.readouterr().err == (
        "reports: no case to compare: 2 cases new: in head alone; 2 cases gone: in "
        "base alone; engine=theano device=cpu size=64 batch=20 cores=1 loop=fit "
        "precision=float32 of head differs in dataset (synthetic in base, tissue in "
        "head)\n"
    )


def test_cases_without_a_time_differ_in_nothing(
    save: Save, untimed: Make, capsys: Shown
) -> None:
    base = save("base.json", outcomes=[untimed("crashed")])
    head = head_file(save, outcomes=[untimed("crashed")])
    assert main(["guard", base, "--against", head]) == 2
    assert capsys.readouterr().err == (
        "reports: no case to compare: 1 case without a time on either side\n"
    )


def test_a_fact_that_is_none_cannot_be_allowed(apart: list[str], capsys: Shown) -> None:
    """The line names those that differ."""
    assert main([*apart, "--allow", "node", "--allow", "gpu\x1b"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        r"reports: --allow 'gpu\x1b' is no fact of base or head: what differs is "
        "gpus.model, node"
    )


def test_where_nothing_differs_the_facts_there_are_are_named(
    save: Save, case: Make, capsys: Shown
) -> None:
    """One of them may be allowed all the same: a job always passes its options."""
    base, head = one_case(save, case, 1.0)
    args = ["guard", base, "--against", head, "--allow"]
    assert main([*args, "nonsense"]) == 2
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: --allow 'nonsense' is no fact of base or head: nothing differs; "
        "there are node, system, processor, CPUs, theano\n"
    )
    assert not shown.out
    for fact in ("node", "CPUs", "theano"):
        assert main([*args, fact]) == 0

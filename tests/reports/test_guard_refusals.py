"""What the guard refuses: other machines and engines, bad options, sides and files."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from tests.reports.guarded import (
    Make,
    Save,
    Sides,
    fresh_options,
    head_file,
    launches,
    one_case,
)

Shown = pytest.CaptureFixture[str]

HARD = {"cpu": {"model": "Xeon"}, "gpus": [{"model": "H100"}]}
OTHER = {"cpu": {"model": "Xeon"}, "gpus": [{"model": "A100"}]}


@pytest.fixture
def two_machines(save: Save, case: Make) -> Sides:
    """One GPU before, another after."""
    base = save("base.json", case(*launches(1.0, seed=1)), hard=HARD)
    return base, head_file(save, case(*launches(1.0, seed=2)), hard=OTHER, node="attic")


def test_other_machines_are_refused_fact_by_fact(
    two_machines: Sides, capsys: Shown
) -> None:
    args = ["guard", two_machines[0], "--against", two_machines[1], "--junit", "g.xml"]
    assert main(args) == 3
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "reports: not comparable: node is lab in base and attic in head; "
        "--allow node compares all the same",
        "reports: not comparable: gpus.model is H100 in base and A100 in head; "
        "--allow gpus.model compares all the same",
    ]
    assert shown.out.splitlines()[-4:-2] == [
        "node          lab   attic",
        "gpus.model    H100  A100",
    ]
    (error,) = ET.parse("g.xml").iter("error")
    assert "gpus.model is H100" in str(error.text)


def test_what_differs_may_be_allowed_by_its_name(
    two_machines: Sides, capsys: Shown
) -> None:
    """All of it, one by one; and the table says what was compared."""
    args = ["guard", two_machines[0], "--against", two_machines[1], "--allow", "node"]
    assert main(args) == 3
    err = capsys.readouterr().err
    assert "gpus.model" in err
    assert "node" not in err
    assert main([*args, "--allow", "gpus.model"]) == 0
    shown = capsys.readouterr()
    assert not shown.err
    told = "compared all the same: gpus.model is H100 in base and A100 in head\n"
    assert told in shown.out


def test_another_breaking_version_of_the_engine_is_refused(
    save: Save, case: Make, capsys: Shown
) -> None:
    """For the engine's own cases, which --allow compares all the same."""

    def versioned(version: str, seed: int) -> dict[str, Any]:
        made = case(*launches(1.0, seed=seed), engine="jax")
        for launch in made["extra_info"]["launches"]:
            launch["versions"] = {"jax": version}
        return made

    theano = [case(*launches(1.0, seed=seed)) for seed in (3, 4)]
    base = save("base.json", versioned("0.9.2", 1), theano[0])
    head = head_file(save, versioned("0.10.1", 2), theano[1])
    args = ["guard", base, "--against", head]
    assert main(args) == 3
    shown = capsys.readouterr()
    assert shown.err == (
        "reports: not comparable: jax is 0.9.2 in base and 0.10.1 in head; --allow jax "
        "compares all the same\n"
    )
    assert "no regression: 1 case\n" in shown.out
    assert main([*args, "--allow", "jax"]) == 0
    assert "no regression: 2 cases\n" in capsys.readouterr().out


def test_each_machine_of_several_is_held_against_itself(
    save: Save, case: Make, capsys: Shown
) -> None:
    """What base has of others is counted."""
    names = []
    for seed, node in enumerate(("lab", "attic", "cellar")):
        times = launches(1.0 + seed, seed=seed)
        names.append(save(f"base-{node}.json", case(*times), node=node))
    head = head_file(save, case(*launches(2.0, seed=7)), node="attic")
    assert main(["guard", *names, "--against", head]) == 0
    out = capsys.readouterr().out
    assert "no regression: 1 case\n" in out
    told = "2 cases of base measured on machines that head has no file of"
    assert told in out.splitlines()


def _problems(args: list[str], shown: Shown) -> list[str]:
    assert main(args) == 2
    err = shown.readouterr().err.splitlines()
    assert all(line.startswith("reports: ") for line in err)
    return [line.removeprefix("reports: ") for line in err]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--slowdown=-5%"], "--slowdown '-5%' is no slow-down above 0 %"),
        (["--slowdown", "5"], "--slowdown '5' is no slow-down above 0 %"),
        (["--slowdown", "0%"], "--slowdown '0%' is no slow-down above 0 %"),
        (["--slowdown", "nan%"], "--slowdown 'nan%' is no slow-down above 0 %"),
        (["--slowdown", "9999%"], "--slowdown '9999%' is no slow-down above 0 %"),
        (["--today", "soon\x1b"], r"--today 'soon\x1b' is no date; write 2027-01-31"),
        (["--confirm-base", "x.json"], "--confirm-base needs --confirm-head beside"),
        (["--confirm-head", "x.json"], "--confirm-head needs --confirm-base beside"),
        (
            ["--split-base", "--confirm-base", "x.json"],
            "--confirm-base and --split-base: either base was measured again",
        ),
        (["--thresholds", "none.toml"], "none.toml: cannot be read: No such file"),
        (["--junit", "base.json/g.xml"], "cannot write base.json/g.xml: "),
    ],
)
def test_bad_options_cost_one_line(
    save: Save, case: Make, more: list[str], expected: str, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.0)
    save("x.json", case(*launches(1.0, seed=4)), when="2026-01-01")
    (line,) = _problems(["guard", base, "--against", head, *more], capsys)
    assert line.startswith(expected)


@pytest.mark.parametrize("missing", ["base", "--against", "--confirm-head"])
def test_a_side_without_a_case_is_named(
    save: Save, case: Make, missing: str, capsys: Shown
) -> None:
    other = {"name": "test_sort", "stats": {"median": 0.25, "data": [0.25] * 3}}
    base, head = one_case(save, case, 1.2)
    fresh = fresh_options(save, case, 1.2)
    empty = {"base": base, "--against": head, "--confirm-head": "fresh-head.json"}
    save(empty[missing], other, when="2026-01-01")
    (line,) = _problems(["guard", base, "--against", head, *fresh], capsys)
    assert line.startswith("no training case to compare in the files of ")
    assert line.endswith(missing)


def test_no_case_in_common(save: Save, case: Make, capsys: Shown) -> None:
    base, head = save("base.json", case()), head_file(save, case(size=200))
    (line,) = _problems(["guard", base, "--against", head], capsys)
    assert line.startswith(
        "no case to compare: 1 case new: in head alone; 1 case gone: in base alone; "
        "engine=theano device=cpu size=200 batch=20 cores=1 loop=fit precision=float32 "
        "of head differs in size (64 in base, 200 in head)"
    )


def test_several_commits_within_a_side_are_refused(
    save: Save, case: Make, capsys: Shown
) -> None:
    """Of the case that both measured; the others are judged, and the code is 2."""
    base, head = one_case(save, case, 1.0)
    rest = [case(*launches(1.0, seed=seed), size=200) for seed in (3, 4)]
    save("base.json", case(*launches(1.0, seed=1)), rest[0])
    head_file(save, case(*launches(1.0, seed=2)), rest[1])
    other = save("other.json", case(*launches(1.0, seed=6)), commit="f00d")
    args = ["guard", base, other, "--against", head]
    (line,) = _problems(args, capsys)
    assert line.startswith("left out engine=theano device=cpu size=64")
    assert line.endswith("name the files of one of them")


def test_a_bad_file_of_either_side_is_named_and_the_rest_judged(
    save: Save, case: Make, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.2)
    Path("bad.json").write_text("{")
    for place in (1, 4):
        args = ["guard", base, "--against", head]
        args.insert(place, "bad.json")
        assert main(args) == 2
        shown = capsys.readouterr()
        assert shown.err.startswith("reports: bad.json: is cut off")
        assert "1 suspect of 1 case" in shown.out


def test_a_file_on_both_sides_is_told(save: Save, case: Make, capsys: Shown) -> None:
    """It would never fail; so is a copy of it."""
    base, head = one_case(save, case, 1.0)
    Path("copy.json").write_bytes(Path(base).read_bytes())
    for other in (base, "copy.json"):
        (line,) = _problems(["guard", base, "--against", other], capsys)
        expected = f"{other} is among the files of the base and of --against; its "
        assert line.startswith(expected)
    fresh = ["--confirm-base", base, "--confirm-head", head]
    (line,) = _problems(["guard", base, "--against", head, *fresh], capsys)
    assert "among the files of " in line


def test_fresh_launches_of_other_code_are_refused(
    save: Save, case: Make, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.2)
    fresh = fresh_options(save, case, 1.2, commit="f00d")
    assert _problems(["guard", base, "--against", head, *fresh], capsys) == [
        "--confirm-head was measured with commit f00d, what it is to confirm with beef"
    ]

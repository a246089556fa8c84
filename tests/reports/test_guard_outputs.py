"""What the guard writes besides its table: JUnit's XML, annotations, a comment."""

import json
import statistics
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.guard import annotations
from tests.reports.guarded import launches

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Shown = pytest.CaptureFixture[str]

HOSTILE = "a\x00\x1b[31m]]><b>&\"'%0A,:\n::error::x\ufffe{{7}}|`"


@pytest.fixture
def hostile(save: Save, case: Make, untimed: Make) -> list[str]:
    """A broken case and a suspect whose every name is somebody's joke."""

    def named(record: dict[str, Any]) -> dict[str, Any]:
        record["fullname"] = f"b/{HOSTILE}.py::test[{HOSTILE}]"
        return record

    job = {"engine": HOSTILE, "dataset": HOSTILE}
    base = save(
        "base.json",
        named(case(*launches(1.0, seed=1), **job)),
        named(case(*launches(1.0, seed=2), size=200, **job)),
        commit=HOSTILE,
    )
    head = save(
        "head.json",
        named(case(*launches(1.2, seed=3), **job)),
        outcomes=[named(untimed(HOSTILE, HOSTILE, HOSTILE, size=200, **job))],
        when="2026-11-22",
    )
    return ["guard", base, "--against", head]


def test_junit_is_well_formed_whatever_names_hold(hostile: list[str]) -> None:
    """And tells the two cases of one name apart."""
    assert main([*hostile, "--junit", "build/deep/guard.xml"]) == 1
    suites = ET.fromstring(Path("build/deep/guard.xml").read_bytes())
    assert suites.tag == "testsuites"
    (suite,) = suites
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "2",
        "failures": "1",
        "skipped": "1",
    }
    names = [test.get("name") for test in suite]
    assert len(set(names)) == 2
    assert all("]]><b>" in str(name) for name in names)
    (failure,) = suite.iter("failure")
    assert failure.get("type") == "broken"
    assert "broken: 0.998 s an epoch in base, " in str(failure.get("message"))


def test_annotations_stay_on_one_line_each(hostile: list[str], capsys: Shown) -> None:
    """On standard error, so that standard output may be a comment or JSON."""
    assert main([*hostile, "--annotations", "--format", "json"]) == 1
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning"]
    for line in lines:
        title, _, message = line.partition(" title=")[2].partition("::")
        assert "," not in title
        assert ":" not in title
        assert message
        assert "%0A" not in line.replace("%250A", "")  # its own per cent was escaped
    assert "::error title" not in shown.out


@pytest.mark.parametrize(
    ("title", "message", "expected"),
    [
        ("a: b, c", "d: e, f", "::error title=a%3A b%2C c::d: e, f"),
        ("5 %\n", "%0A\r\n", "::error title=5 %25%0A::%250A%0D%0A"),
    ],
)
def test_annotations_are_escaped_as_github_reads_them(
    title: str, message: str, expected: str
) -> None:
    assert annotations.command("error", title, message) == expected


def test_refused_facts_are_annotated(save: Save, case: Make, capsys: Shown) -> None:
    base = save("base.json", case(*launches(1.0, seed=1)))
    head = save("head.json", case(*launches(1.0, seed=2)), node="attic")
    assert main(["guard", base, "--against", head, "--annotations"]) == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("::error title=guard::not comparable: node is lab in base")


def test_junit_has_a_test_for_every_case(save: Save, case: Make) -> None:
    """A failure only for what got slower; its numbers are in the message."""
    ratios = (1.0, 1.2, 0.8)
    sizes = (64, 128, 200)
    before, after, again, fresh = (
        [
            case(*launches(r if number % 2 else 1.0, seed=10 * number + s), size=s)
            for r, s in zip(ratios, sizes, strict=True)
        ]
        for number in range(4)
    )
    files = [
        save(f"{number}.json", *cases, when=f"2026-01-0{number + 1}")
        for number, cases in enumerate((before, after, again, fresh))
    ]
    confirm = ["--confirm-base", files[2], "--confirm-head", files[3]]
    args = ["guard", files[0], "--against", files[1], *confirm, "--junit", "g.xml"]
    assert main(args) == 1
    tests = {test.get("name"): test for test in ET.parse("g.xml").iter("testcase")}
    assert set(tests) == {f"theano-cpu-{s}px-b20-cores1" for s in sizes}
    assert all(t.get("classname") == "benchmarks.test_train" for t in tests.values())
    inside = {str(name): [each.tag for each in test] for name, test in tests.items()}
    assert sorted(inside.values()) == [[], [], ["failure"]]
    (message,) = (f.get("message") for f in ET.parse("g.xml").iter("failure"))
    assert str(message).startswith("slower: 1.2")
    assert "allowed is 2 % more; 0.990 s an epoch in base" in str(message)
    assert str(message).endswith("10 and 10 launches")


def test_a_comment_opens_with_its_verdict(
    save: Save, case: Make, capsys: Shown
) -> None:
    """What is the same is folded away, with the legend."""
    base = save("base.json", case(*launches(1.0, seed=1)))
    for ratio, verdict in (
        (1.0, "### Guard passed: 1 case\n"),
        (1.2, "### Guard undecided: 1 suspect of 1 case\n"),
    ):
        times = launches(ratio, seed=2)
        head = save("head.json", case(*times), when="2026-11-22")
        assert main(["guard", base, "--against", head, "--format", "github"]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(verdict)
        in_sight, fold, _ = shown.partition("<details><summary>")
        assert fold
        assert ("| theano" in in_sight) == (ratio > 1)
        assert shown.endswith("</details>\n")


@pytest.mark.parametrize(
    ("counts", "heading", "outcome"),
    [
        (
            (10, 10, 2),
            "### No regression found; 1 of 3 cases inconclusive\n",
            "no regression seen: 1 inconclusive of 3 cases\n",
        ),
        (
            (1, 2),
            "### No regression found; no case could be tested\n",
            "no regression seen: 2 inconclusive of 2 cases; no case could be tested\n",
        ),
    ],
)
def test_what_is_inconclusive_has_not_passed(
    save: Save,
    case: Make,
    counts: tuple[int, ...],
    heading: str,
    outcome: str,
    capsys: Shown,
) -> None:
    """Too few launches are a reason as good as noise."""
    base, head = (
        [
            case(*launches(1.0, seed=seed + n, count=count, scatter=0.001), size=32 + n)
            for n, count in enumerate(counts)
        ]
        for seed in (10, 20)
    )
    files = [save("base.json", *base), save("head.json", *head, when="2026-11-22")]
    args = ["guard", files[0], "--against", files[1]]
    assert main([*args, "--format", "github"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(heading)
    assert "inconclusive: too few launches, or too noisy: " in out
    assert main(args) == 0
    assert capsys.readouterr().out.startswith(outcome)


def test_times_of_a_table_divide_to_its_ratio(
    save: Save, case: Make, capsys: Shown
) -> None:
    """Of launches of two kinds, too; in JSON, JUnit and an annotation alike."""
    before = [[1.0 + 0.001 * n] for n in range(20)]
    after = [[1.0 + 0.001 * n] for n in range(11)] + [
        [1.3 + 0.001 * n] for n in range(9)
    ]
    base = save("base.json", case(*before))
    head = save("head.json", case(*after), when="2026-11-22")
    args = ["guard", base, "--against", head, "--junit", "g.xml", "--annotations"]
    assert main([*args, "--format", "json"]) == 0
    shown = capsys.readouterr()
    (table,) = json.loads(shown.out)
    (row,) = table["rows"]
    middles = [
        statistics.geometric_mean([seconds for (seconds,) in each])
        for each in (before, after)
    ]
    times = [row["seconds_base"], row["seconds_head"]]
    assert times == pytest.approx(middles, rel=1e-5)
    assert row["ratio"] == pytest.approx(middles[1] / middles[0], rel=1e-5)
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    (test,) = ET.parse("g.xml").iter("testcase")
    assert float(str(test.get("time"))) == pytest.approx(middles[1], rel=1e-5)
    assert f"{middles[0]:.2f} s an epoch in base, {middles[1]:.2f} s in" in shown.err

"""Launches that failed beside others that trained are told in every format."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from reports.__main__ import main
from tests.reports.guarded import Make, Save, fresh_options, launches, one_case

Shown = pytest.CaptureFixture[str]

HEAD = "6 of 10 launches of head failed: crashed (SIGSEGV)"


@pytest.fixture
def flaky(save: Save, case: Make, untimed: Make) -> list[str]:
    """One launch a file, 10 a side, of which 6 crashed in head."""
    base, head = launches(1.0, seed=1), launches(1.0, seed=2)
    crashed = untimed("crashed", "it fell", "SIGSEGV")
    for number in range(10):
        day = f"2026-11-{number + 10}"
        save(f"base/{number}.json", case(base[number]), when=f"{day}T01:00:00Z")
        after = {"commit": "beef", "when": f"{day}T02:00:00Z"}
        if number % 5 < 3:
            save(f"head/{number}.json", outcomes=[crashed], **after)
        else:
            save(f"head/{number}.json", case(head[number]), **after)
    return ["guard", "base", "--against", "head"]


def _row(shown: Shown) -> dict[str, Any]:
    (table,) = json.loads(shown.readouterr().out)
    (row,) = table["rows"]
    found: dict[str, Any] = row
    return found


def test_crashed_launches_are_a_footnote_and_no_verdict(
    flaky: list[str], capsys: Shown
) -> None:
    """How many of how many, on which side, and of what."""
    assert main(flaky) == 0
    out = capsys.readouterr().out
    assert "no regression: 1 case; launches failed in 1 case\n" in out
    assert " same [a] " in out
    assert f"\n[a] {HEAD}\n" in out
    assert main([*flaky, "--format", "json"]) == 0
    row = _row(capsys)
    assert (row["verdict"], row["launches_head"]) == ("same", 4)
    assert (row["failed_base"], row["failed_head"]) == (0, 6)
    assert row["notes"] == HEAD


def test_crashed_launches_are_in_sight_in_a_comment(
    flaky: list[str], capsys: Shown
) -> None:
    """Though their case is the same, and would be folded away."""
    assert main([*flaky, "--format", "github"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("### Guard passed: 1 case; launches failed in 1 case\n")
    in_sight, _, folded = out.partition("<details>")
    assert "| theano" in in_sight
    assert HEAD in in_sight
    assert "| theano" not in folded


def test_crashed_launches_are_told_to_continuous_integration(
    flaky: list[str], capsys: Shown
) -> None:
    """As a warning, and as the output of a test that passed."""
    assert main([*flaky, "--annotations", "--junit", "g.xml"]) == 0
    assert capsys.readouterr().err == (
        "::warning title=launches failed%3A theano-cpu-64px-b20-cores1::" + HEAD + "\n"
    )
    (test,) = ET.parse("g.xml").iter("testcase")
    assert [each.tag for each in test] == ["system-out"]
    assert test.findtext("system-out") == HEAD


def test_a_verdict_in_words_ends_with_the_launches_that_failed(
    save: Save, case: Make, untimed: Make, capsys: Shown
) -> None:
    """Those of either look and of several kinds."""
    base, head = one_case(save, case, 1.2)
    kinds = [untimed("crashed"), untimed("out-of-memory"), untimed("unsupported")]
    for number, kind in enumerate(kinds):
        save(f"base/{number}.json", outcomes=[kind], when=f"2026-01-0{number + 1}")
    fresh = fresh_options(save, case, 1.2)
    late = save(
        "late.json", outcomes=[kinds[0]], commit="beef", when="2026-11-24T00:00:00Z"
    )
    args = ["guard", base, "base", "--against", head, *fresh, late]
    assert main([*args, "--junit", "g.xml"]) == 1
    (failure,) = ET.parse("g.xml").iter("failure")
    assert str(failure.get("message")).endswith(
        "10 and 10 launches; 2 of 12 launches of base failed: 1 crashed, 1 out of "
        "memory; 1 of 11 fresh launches of head failed: crashed"
    )


def test_half_of_a_base_has_the_failures_of_the_whole_once(
    save: Save, case: Make, untimed: Make, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.2, count=10)
    save("base/crash.json", outcomes=[untimed("crashed")], when="2026-01-01")
    fresh = save(
        "fresh.json", case(*launches(1.2, seed=4)), commit="beef", when="2026-11-23"
    )
    args = ["guard", base, "base", "--against", head, "--split-base"]
    for more in ([], ["--confirm-head", fresh]):
        main([*args, *more, "--format", "json"])
        notes = _row(capsys)["notes"].split(" | ")
        assert notes[-1] == "1 of 11 launches of base failed: crashed"
        assert len(notes) == (2 if more else 1)


def test_rows_with_failed_launches_are_never_hidden(
    save: Save, case: Make, untimed: Make, capsys: Shown
) -> None:
    """However many cases that are the same stand above them."""
    cases = [
        case(*launches(1.0, seed=batch, count=3, scatter=0.001), batch=batch)
        for batch in range(1, 71)
    ]
    base = save("base.json", *cases)
    save("head/0.json", *cases, commit="beef", when="2026-11-22")
    crashed = untimed("crashed", batch=70)
    save("head/1.json", outcomes=[crashed], commit="beef", when="2026-11-23")
    main(["guard", base, "--against", "head"])
    out = capsys.readouterr().out
    assert "more same: --all shows them" in out
    assert "\n[a] 1 of 4 launches of head failed: crashed\n" in out

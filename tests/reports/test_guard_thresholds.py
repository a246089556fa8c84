"""Thresholds and expected changes: what they change of a case, and every bad one."""

import json
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.errors import InputError
from reports.guard import percent, thresholds_file
from tests.reports.guarded import launches

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Shown = pytest.CaptureFixture[str]

TODAY = "2026-11-22"
REASON = 'reason = "a neighbour"\nexpires = 2026-11-22\n'


@pytest.fixture
def judge(save: Save, case: Make, capsys: Shown) -> Callable[..., dict[str, Any]]:
    """The row of one case, in head ``ratio`` times as long, under a file's ``text``."""

    def row(text: str, ratio: float = 1.2, commit: str = "c0ffee") -> dict[str, Any]:
        base = save("base.json", case(*launches(1.0, seed=1)), commit=commit)
        times = launches(ratio, seed=2)
        head = save("head.json", case(*times), commit="beef", when="2026-11-22")
        Path("guard.toml").write_text(text, encoding="utf-8")
        args = ["guard", base, "--against", head, "--format", "json"]
        assert main([*args, "--thresholds", "guard.toml", "--today", TODAY]) == 0
        shown = capsys.readouterr()
        assert not shown.err
        (table,) = json.loads(shown.out)
        (found,) = table["rows"]
        return {**found, "lines": table["notes"]}

    return row


@pytest.mark.parametrize(
    ("match", "word"),
    [
        ("theano-cpu-*", "same"),
        ("theano-cpu-64px-b20-cores1", "same"),
        ("engine=theano * cores=1 *", "same"),
        ("theano-cpu", "suspect"),
        ("THEANO-CPU-*", "suspect"),
        ("*cores=16*", "suspect"),
    ],
)
def test_a_case_has_its_own_threshold(
    judge: Callable[..., dict[str, Any]], match: str, word: str
) -> None:
    """Matched by id or by axes, on the last of its days too."""
    row = judge(f'[[case]]\nmatch = "{match}"\nslowdown = "30%"\n{REASON}')
    assert row["verdict"] == word
    assert row["slowdown"] == (0.3 if word == "same" else 0.02)
    fits_none = f"[[case]] match = '{match}' fits no case of these"
    assert (fits_none in row["lines"]) == (word == "suspect")
    told = "allowed is 30 % more until 2026-11-22: a neighbour"
    assert row["notes"] == (told if word == "same" else "")


def test_the_last_threshold_that_matches_counts(
    judge: Callable[..., dict[str, Any]],
) -> None:
    entries = [
        f'[[case]]\nmatch = "{match}"\nslowdown = "{slowdown}"\n{REASON}'
        for match, slowdown in (("*", "50%"), ("theano-*", "1%"), ("jax-*", "70%"))
    ]
    assert judge("\n".join(entries))["slowdown"] == 0.01


@pytest.mark.parametrize(
    ("change", "ratio", "word"),
    [
        ("+20%", 1.2, "same"),
        ("+20%", 1.4, "suspect"),
        ("+20%", 1.0, "faster"),
        ("-20%", 0.8, "same"),
        ("-20%", 1.0, "suspect"),
    ],
)
def test_an_expected_change_shifts_what_is_tested(
    judge: Callable[..., dict[str, Any]], change: str, ratio: float, word: str
) -> None:
    """The ratio is shown as it was measured."""
    row = judge(f'[[expected]]\nmatch = "*"\nchange = "{change}"\n{REASON}', ratio)
    assert row["verdict"] == word
    assert row["ratio"] == pytest.approx(ratio, rel=0.02)
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert row["expected_ratio"] == pytest.approx(1 + float(change[:-1]) / 100)


@pytest.mark.parametrize(
    ("base", "word"),
    [
        ("c0ffee", "same"),
        ("f00d1e5", "suspect"),
        ("f00d1e5a", "suspect"),
        ("f00d1e", "same"),
    ],
)
def test_a_change_that_base_has_is_not_expected_of_head(
    judge: Callable[..., dict[str, Any]], base: str, word: str
) -> None:
    entry = f'[[expected]]\nmatch = "*"\nchange = "+20%"\ncommit = "F00D1e5 "\n{REASON}'
    assert judge(entry, commit=base)["verdict"] == word


CASE = '[[case]]\nmatch = "a*"\nslowdown = "5%"\n'
EXPECTED = '[[expected]]\nmatch = "a*"\nchange = "+8%"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CASE, "[[case]] 'a*': reason is missing"),
        (CASE + 'reason = "x"', "[[case]] 'a*': expires is missing"),
        (EXPECTED, "[[expected]] 'a*': reason is missing"),
        ("[[case]]\n" + REASON, "[[case]] number 1: match is missing"),
        ('[[case]]\nmatch = "b"\n' + REASON, "[[case]] 'b': slowdown is missing"),
        ('[[expected]]\nmatch = "b"\n' + REASON, "[[expected]] 'b': change is missing"),
        (
            CASE + 'reason = "x"\nexpires = 2026-11-21',
            "[[case]] 'a*': expired on 2026-11-21: renew it or remove it",
        ),
        (
            EXPECTED + 'reason = "x"\nexpires = 2025-01-01',
            "[[expected]] 'a*': expired on 2025-01-01: renew it or remove it",
        ),
        (
            CASE + 'reason = "x"\nexpires = "2027-01-31"',
            "[[case]] 'a*': expires is 2027-01-31, expected a date such as 2027-01-31 "
            "without quotes",
        ),
        (
            CASE + 'reason = "x"\nexpires = 2027-01-31T00:00:00',
            "[[case]] 'a*': expires is 2027-01-31 00:00:00, expected a date",
        ),
        (
            CASE + 'reason = " "',
            "[[case]] 'a*': reason is empty, expected a text in quotes",
        ),
        (
            CASE + 'reason = ""',
            "[[case]] 'a*': reason is empty, expected a text in quotes",
        ),
        (
            EXPECTED + 'commit = "be"\n' + REASON,
            "[[expected]] 'a*': commit is be, expected 7 or more of the hexadecimal",
        ),
        (
            EXPECTED + 'commit = "v1.0.0-rc1"\n' + REASON,
            "[[expected]] 'a*': commit is v1.0.0-rc1, expected 7 or more of the hexa",
        ),
        (CASE + "reason = 5", "[[case]] 'a*': reason is 5, expected a text in quotes"),
        (CASE + "reason = [1]", "[[case]] 'a*': reason is [1], expected a text"),
        (
            '[[case]]\nmatch = "b"\nslowdown = 0.1\n' + REASON,
            "[[case]] 'b': slowdown is 0.1, expected a text in quotes",
        ),
        (
            '[[case]]\nmatch = "b"\nslowdown = "much"\n' + REASON,
            "[[case]] 'b': 'much' is no slow-down above 0 % up to 1000 %; write 5%",
        ),
        (
            '[[expected]]\nmatch = "b"\nchange = "8%"\n' + REASON,
            "[[expected]] 'b': '8%' is no change of a time; write +8% for slower",
        ),
        (CASE + "max = 5\n" + REASON, "[[case]] 'a*': unknown 'max'; there are match"),
        (
            '[case]\nmatch = "a"',
            "case is no list of entries; write [[case]] above each",
        ),
        ("case = [5]", "case is no list of entries; write [[case]] above each"),
        ('"b\\u001b" = 5', r"unknown 'b\x1b'; there are [[case]] and [[expected]]"),
        ("[[case]", "is not TOML ("),
        ("a = " + "[" * 5000, "is not TOML ("),
    ],
)
def test_a_bad_entry_costs_one_line_and_the_run(
    save: Save, case: Make, text: str, expected: str, capsys: Shown
) -> None:
    """A threshold that nobody can rely on must not let anything pass."""
    base = save("base.json", case(*launches(1.0, seed=1)))
    head = save("head.json", case(*launches(1.0, seed=2)), when="2026-11-22")
    Path("guard.toml").write_text(text, encoding="utf-8")
    more = ["--thresholds", "guard.toml", "--today", TODAY]
    assert main(["guard", base, "--against", head, *more]) == 2
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith(f"reports: guard.toml: {expected}")
    assert not shown.out


def test_every_bad_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "guard.toml"
    path.write_text(f"{CASE}\n{EXPECTED}\n{CASE}{REASON}")
    known, faults = thresholds_file.read(path, date(2026, 11, 22))
    assert [fault.partition(": ")[2] for fault in faults] == [
        "[[case]] 'a*': reason is missing",
        "[[expected]] 'a*': reason is missing",
    ]
    assert [entry.slowdown for entry in known.cases] == [0.05]


def test_bytes_that_are_no_text_are_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "guard.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not TOML"):
        thresholds_file.read(path, date(2026, 11, 22))


def test_fuzzed_files_are_read_or_refused(tmp_path: Path) -> None:
    """What is kept of one fits or fits not, without a traceback."""
    good = f"{CASE}{REASON}\n{EXPECTED}{REASON}".encode()
    chance = random.Random(3)
    path = tmp_path / "guard.toml"
    refused = 0
    for _ in range(400):
        content = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            known, faults = thresholds_file.read(path, date(2026, 11, 22))
        except InputError as error:
            refused += 1
            faults = (str(error),)
        else:
            assert len(known.cases) + len(known.expected) + len(faults) >= 1
        assert all(fault.isprintable() for fault in faults)
    assert 0 < refused < 400


def test_no_file_is_read_that_was_not_named(
    save: Save, case: Make, capsys: Shown
) -> None:
    base = save("base.json", case(*launches(1.0, seed=1)))
    head = save("head.json", case(*launches(1.0, seed=2)), when="2026-11-22")
    Path("guard.toml").write_text("[[case]")
    assert main(["guard", base, "--against", head]) == 0
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "share"),
    [("5%", 0.05), (" 2.5 % ", 0.025), ("+10%", 0.1), (".5%", 0.005), ("1000%", 10)],
)
def test_slowdowns_are_per_cent(text: str, share: float) -> None:
    assert percent.slowdown(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "5", "1e1%", "inf%", "-1%", "٥%", "1001%"])
def test_what_is_no_slowdown(text: str) -> None:
    with pytest.raises(InputError, match="is no slow-down"):
        percent.slowdown(text)


@pytest.mark.parametrize("text", ["8%", "-100%", "+0%", "+", "+1001%", "nan%"])
def test_what_is_no_change(text: str) -> None:
    with pytest.raises(InputError, match="is no change of a time"):
        percent.change(text)

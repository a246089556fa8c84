"""``python -m reports guard``: tables, verdicts, exit codes, both stages, bad input."""

import json
from collections.abc import Callable, Iterator
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

Mutants = Callable[[str, int, int], Iterator[str]]
Shown = pytest.CaptureFixture[str]

GOLDEN = Path(__file__).parent / "golden"
GPU = {"device": "cuda", "cnmem": "1", "cores": 16}
WORDS = ("broken", "slower", "suspect", "inconclusive", "faster", "mended", "same")
LATER = "2026-11-22T08:00:00+00:00"


@pytest.fixture
def every(save: Save, case: Make, untimed: Make) -> Sides:
    """A case of each verdict that a first look can give, one new, one gone, one out."""

    def made(ratio: float, seed: int, **job: Any) -> tuple[dict[str, Any], ...]:
        scatter = job.pop("scatter", 0.003)
        return tuple(
            case(*launches(seconds, seed=seed + side, scatter=scatter), **job)
            for side, seconds in enumerate((0.8, 0.8 * ratio))
        )

    pairs = [
        made(1.0, 10),
        made(1.2, 20, cores=2),
        made(0.9, 30, cores=4),
        made(1.01, 40, cores=8, scatter=0.2),
        made(1.0, 50, batch=50),
    ]
    broken, few = made(1.0, 60, size=200), made(1.1, 70, size=128)
    for side in few:
        side["extra_info"]["launches"] = side["extra_info"]["launches"][:2]
    no_room = untimed("out-of-memory", "no room", size=200)
    crashed = untimed("crashed", "it fell", "SIGSEGV", size=180)
    absent = untimed("unsupported", "no GPU", **GPU)
    base = save(
        "base.json",
        *(before for before, _ in pairs),
        broken[0],
        few[0],
        case([1.0], size=32),
        outcomes=[crashed, absent],
    )
    head = head_file(
        save,
        *(after for _, after in pairs),
        few[1],
        case(*launches(1.0, seed=80), size=180),
        case([1.0], size=512),
        outcomes=[no_room, absent],
    )
    return base, head


def _rows(shown: Shown) -> list[dict[str, Any]]:
    (table,) = json.loads(shown.readouterr().out)
    rows: list[dict[str, Any]] = table["rows"]
    return rows


def _verdicts(sides: Sides, shown: Shown, *more: str) -> list[str]:
    main(["guard", sides[0], "--against", sides[1], "--format", "json", *more])
    return [row["verdict"] for row in _rows(shown)]


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
def test_whole_table(every: Sides, form: str, ending: str, capsys: Shown) -> None:
    """Each verdict of a first look, what matters first; a broken case fails the run."""
    assert main(["guard", every[0], "--against", every[1], "--format", form]) == 1
    shown = capsys.readouterr()
    assert shown.out == (GOLDEN / f"guard.{ending}").read_text(encoding="utf-8")
    assert not shown.err


def test_whole_table_of_a_second_look(save: Save, case: Make, capsys: Shown) -> None:
    """Slower by fresh launches, not confirmed, not looked at again; thresholds beside.

    Every case but the last is a suspect at first.
    """
    sizes = (64, 128, 180, 200)

    def side(seed: int, *seconds: float) -> list[dict[str, Any]]:
        return [
            case(*launches(each, seed=seed + size), size=size)
            for each, size in zip(seconds, sizes, strict=False)
        ]

    files = [
        save("base.json", *side(1, 1.0, 1.0, 1.0, 1.0)),
        head_file(save, *side(2, 1.2, 1.2, 1.2, 1.2)),
        save("fresh-base.json", *side(3, 1.0, 1.0), when="2026-11-23"),
        save("fresh-head.json", *side(4, 1.2, 1.0), commit="beef", when="2026-11-24"),
    ]
    Path("guard.toml").write_text(
        '[[case]]\nmatch = "*64px*"\nslowdown = "5%"\nreason = "shares its core"\n'
        'expires = 2027-01-31\n[[expected]]\nmatch = "*200px*"\nchange = "+20%"\n'
        'commit = "beefbee"\nreason = "float32 sums"\nexpires = 2027-01-31\n'
    )
    fresh = ["--confirm-base", files[2], "--confirm-head", files[3]]
    more = ["--thresholds", "guard.toml", "--today", "2026-11-22", "--slowdown", "3%"]
    assert main(["guard", files[0], "--against", files[1], *fresh, *more]) == 1
    golden = (GOLDEN / "guard-second.txt").read_text(encoding="utf-8")
    assert capsys.readouterr().out == golden


def test_same_files_give_the_same_bytes_in_any_order(
    save: Save, case: Make, capsys: Shown
) -> None:
    """Also where a side is a folder, or its files are named in another order."""
    for number in range(2):
        save(f"base/{number}.json", case(*launches(1.0, seed=number, count=5)))
        after = {"commit": "beef", "when": LATER}
        times = launches(1.2, seed=9 + number, count=5)
        save(f"head/{number}.json", case(*times), **after)
    found = []
    for base in (["base"], ["base/0.json", "base/1.json"]):
        assert main(["guard", *base, "--against", "head", "--format", "csv"]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
    assert ",10,10," in found[0]


@pytest.mark.parametrize(
    ("ratio", "more", "word", "code"),
    [
        (1.0, (), "same", 0),
        (1.2, (), "suspect", 0),
        (1.2, ("--strict",), "suspect", 4),
        (1.2, ("--slowdown", "30%"), "same", 0),
        (0.8, (), "faster", 0),
        (0.8, ("--strict",), "faster", 0),
    ],
)
def test_files_alone_never_confirm(
    save: Save,
    case: Make,
    ratio: float,
    more: tuple[str, ...],
    word: str,
    code: int,
    capsys: Shown,
) -> None:
    """A first look suspects; what it suspects fails a run only where that is asked."""
    base, head = one_case(save, case, ratio)
    args = ["guard", base, "--against", head, "--format", "json", *more]
    assert main(args) == code
    assert [row["verdict"] for row in _rows(capsys)] == [word]


def test_noise_is_inconclusive_and_fails_only_a_strict_run(
    save: Save, case: Make, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.02, scatter=0.1)
    assert _verdicts((base, head), capsys) == ["inconclusive"]
    assert main(["guard", base, "--against", head]) == 0
    assert main(["guard", base, "--against", head, "--strict"]) == 4
    assert "no regression seen: 1 inconclusive of 1 case\n" in capsys.readouterr().out


def test_suspects_come_with_the_command_for_the_second_look(
    save: Save, case: Make, capsys: Shown
) -> None:
    """It selects these cases, by their axes and by pytest's own names."""
    base, head = one_case(save, case, 1.2)
    assert main(["guard", base, "--against", head]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "to decide about the suspects: make guard BASE=c0ffee "
        'ARGS="-- --engines theano --devices cpu --sizes 64 --batches 20 --cores 1 '
        "--loops fit --precision-mode float32 --images 300 --dataset tissue "
        "'benchmarks/test_train.py::test_train[theano-cpu-64px-b20-cores1]'\""
    )


@pytest.mark.parametrize(
    "name", ["test.py::test[$(rm -r x)]", "test.py::test['; true '", "a.py::b[`x`]", ""]
)
def test_a_name_that_a_shell_would_obey_is_no_part_of_a_command(
    save: Save, case: Make, name: str, capsys: Shown
) -> None:
    before, after = (case(*launches(x, seed=1)) for x in (1.0, 1.2))
    before["fullname"] = after["fullname"] = name
    base, head = save("base.json", before), head_file(save, after)
    assert main(["guard", base, "--against", head]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    if name:
        assert last == "to decide about the suspects: make guard BASE=c0ffee"
    assert name not in last or not name


@pytest.mark.parametrize(
    ("ratio", "count", "word", "code"),
    [
        (1.2, 10, "slower", 1),
        (1.0, 10, "same", 0),
        (0.8, 10, "faster", 0),
        (1.2, 2, "suspect", 0),  # too few for a second look
    ],
)
def test_fresh_launches_alone_decide_about_a_suspect(
    save: Save,
    case: Make,
    ratio: float,
    count: int,
    word: str,
    code: int,
    capsys: Shown,
) -> None:
    """What the first look saw is kept apart: it was picked for being slow."""
    base, head = one_case(save, case, 1.2)
    fresh = fresh_options(save, case, ratio, count=count)
    args = ["guard", base, "--against", head, *fresh]
    assert main([*args, "--format", "json"]) == code
    (row,) = _rows(capsys)
    assert row["verdict"] == word
    assert row["stage1_ratio"] == pytest.approx(1.2, rel=0.02)
    looked_again = word != "suspect"
    assert row["stage"] == (2 if looked_again else 1)
    assert row["ratio"] == pytest.approx(ratio if looked_again else 1.2, rel=0.02)
    main(args)
    assert ("[a] by fresh launches alone" in capsys.readouterr().out) == looked_again


def test_cases_that_are_no_suspects_get_no_second_look(
    save: Save, case: Make, capsys: Shown
) -> None:
    """Whatever their fresh launches would say: nobody asked them."""
    base, head = one_case(save, case, 1.0)
    fresh = fresh_options(save, case, 1.5)
    assert _verdicts((base, head), capsys, *fresh) == ["same"]


def test_a_suspect_that_then_crashes_is_broken(
    save: Save, case: Make, untimed: Make, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.2)
    fresh = fresh_options(save, case, 1.2)
    save("fresh-head.json", commit="beef", outcomes=[untimed("crashed")])
    assert main(["guard", base, "--against", head, *fresh]) == 1
    assert "regression: 1 broken of 1 case\n" in capsys.readouterr().out


def test_a_split_base_confirms_with_its_other_half(
    save: Save, case: Make, capsys: Shown
) -> None:
    """Odd launches first, even ones then: each is in one stage alone."""
    fast, slow = launches(1.0, seed=1), launches(1.25, seed=2)
    mixed = [each for pair in zip(fast, slow, strict=True) for each in pair]
    base = save("base.json", case(*mixed))
    head = head_file(save, case(*launches(1.25, seed=3)))
    args = ["guard", base, "--against", head, "--split-base", "--format", "json"]
    assert main(args) == 0
    (row,) = _rows(capsys)
    assert (row["verdict"], row["launches_base"]) == ("suspect", 10)
    assert row["ratio"] == pytest.approx(1.25, rel=0.02)
    times = launches(1.25, seed=4)
    fresh = save("fresh.json", case(*times), commit="beef", when="2026-11-23")
    assert main([*args, "--confirm-head", fresh]) == 0
    (row,) = _rows(capsys)
    assert (row["verdict"], row["launches_base"]) == ("same", 10)
    assert row["ratio"] == pytest.approx(1.0, rel=0.02)


def test_a_split_base_is_not_measured_again(
    save: Save, case: Make, capsys: Shown
) -> None:
    base, head = one_case(save, case, 1.2, count=20)
    assert main(["guard", base, "--against", head, "--split-base"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "make guard" not in last
    assert last.endswith("then this command again with --confirm-head fresh.json")


def test_broken_and_mended(every: Sides, capsys: Shown) -> None:
    """A case that trained and does not any more needs no second look."""
    main(["guard", every[0], "--against", every[1], "--format", "json"])
    rows = {row["verdict"]: row for row in _rows(capsys)}
    assert rows["broken"]["regression"] == "yes"
    assert rows["broken"]["outcome_head"] == "out-of-memory"
    assert rows["broken"]["ratio"] is None
    assert rows["mended"]["outcome_base"] == "crashed"
    assert [word for word, row in rows.items() if row["regression"] == "yes"] == [
        "broken"
    ]


def test_cases_without_a_time_on_either_side_are_counted(
    save: Save, case: Make, untimed: Make, capsys: Shown
) -> None:
    """And one that can run on one side alone is no regression there."""
    crashed = untimed("crashed", size=200)
    one, two = case(*launches(1.0, seed=1)), case(*launches(1.0, seed=2))
    base = save("base.json", one, case(**GPU), outcomes=[crashed])
    gone = untimed("unsupported", "no GPU", **GPU)
    head = head_file(save, two, outcomes=[crashed, gone])
    assert main(["guard", base, "--against", head]) == 0
    lines = capsys.readouterr().out.splitlines()
    counted = "1 case gone: in base alone; 1 case without a time on either side"
    assert counted in lines


def test_many_cases_that_are_the_same_are_counted(
    save: Save, case: Make, capsys: Shown
) -> None:
    """All of them are in csv, and with --all in every table."""
    sides = [
        [case(*launches(1.0, seed=n + 1000 * side), batch=n) for n in range(1, 71)]
        for side in (0, 1)
    ]
    base, head = save("base.json", *sides[0]), head_file(save, *sides[1])
    args = ["guard", base, "--against", head]
    main(args)
    out = capsys.readouterr().out
    rows = [line for line in out.splitlines() if line.startswith("theano")]
    words = {word: sum(f" {word} " in row for row in rows) for word in WORDS}
    assert max(words.values()) == words["same"] == 50
    hidden = 70 - len(rows)
    assert f"\n{hidden} more same: --all shows them\n" in out
    main([*args, "--format", "github"])
    folded = capsys.readouterr().out.partition("<details>")[2]
    assert folded.count("| same ") == 30
    for more in (["--all"], ["--format", "csv"]):
        main([*args, *more])
        out = capsys.readouterr().out
        assert sum("theano" in line for line in out.splitlines()) == 70
        assert "--all shows them" not in out


def test_what_matters_comes_first(every: Sides, capsys: Shown) -> None:
    assert _verdicts(every, capsys) == [
        "broken",
        "suspect",
        "inconclusive",
        "inconclusive",
        "faster",
        "mended",
        "same",
        "same",
    ]


def test_fuzzed_files_are_judged_or_refused(
    every: Sides, mutants: Mutants, capsys: Shown
) -> None:
    """On either side; what is said is said in lines."""
    for number, form in enumerate(mutants(every[0], 120, 17)):
        sides = ["bad.json", "--against", every[1]]
        if number % 2:
            sides = [every[1], "--against", "bad.json"]
        code = main(["guard", *sides, "--format", form, "--junit", "g.xml"])
        shown = capsys.readouterr()
        assert code in (0, 1, 2, 3)
        assert all(line.startswith("reports: ") for line in shown.err.splitlines())
        assert shown.out or shown.err

"""What is said of suspects: the command for a second look, or why none decided."""

from typing import Any

import pytest

from reports.__main__ import main
from tests.reports.guarded import Make, Save, fresh_options, head_file, launches

Shown = pytest.CaptureFixture[str]

CASE = "theano-cpu-64px-b20-cores1"


def _suspects(shown: Shown) -> list[str]:
    """The lines on suspects of what was shown."""
    starts = ("to decide about", "not decided by")
    return [x for x in shown.readouterr().out.splitlines() if x.startswith(starts)]


def _side(
    case: Make, ratio: float, seed: int, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    return [case(*launches(ratio, seed=seed + s), size=s) for s in sizes]


def test_too_few_fresh_launches_are_told_in_place_of_the_old_advice(
    save: Save, case: Make, capsys: Shown
) -> None:
    """By the case's name; one that nobody looked at keeps the command."""
    base = save("base.json", *_side(case, 1.0, 1, (64, 128)))
    head = head_file(save, *_side(case, 1.2, 2, (64, 128)))
    fresh = fresh_options(save, case, 1.2, count=2)
    assert main(["guard", base, "--against", head, *fresh]) == 0
    few, command = _suspects(capsys)
    assert few == (
        f"not decided by the second look: {CASE}: launches that count there are 2 of "
        "base and 2 of head, and it takes 3 of each; measure them again, with more"
    )
    assert "theano-cpu-128px-b20-cores1" in command
    assert CASE not in command


def test_a_base_too_small_to_be_split_is_told(
    save: Save, case: Make, capsys: Shown
) -> None:
    """No command on head would help."""
    base = save("base.json", case(*launches(1.0, seed=1, count=5)))
    head = head_file(save, case(*launches(1.2, seed=2)))
    times = case(*launches(1.2, seed=3))
    fresh = save("fresh.json", times, commit="beef", when="2026-11-23")
    args = ["guard", base, "--against", head, "--split-base", "--confirm-head", fresh]
    assert main(args) == 0
    assert _suspects(capsys) == [
        f"not decided by the second look: {CASE}: launches that count there are 2 of "
        "base and 10 of head, and it takes 3 of each; the second look has half of "
        "base's: save a base of 6 launches or more"
    ]


def test_many_cases_with_too_few_launches_share_a_line(
    save: Save, case: Make, capsys: Shown
) -> None:
    sizes = tuple(range(20, 32))
    files = [
        save(
            f"{number}.json", *_side(case, ratio, number, sizes), when=f"2026-01-{day}"
        )
        for number, (ratio, day) in enumerate([(1.0, 10), (1.3, 11)])
    ]
    few = [
        save(
            f"few-{number}.json",
            *[case([seconds], [seconds + 0.1], size=size) for size in sizes],
            when=f"2026-02-{10 + number}",
        )
        for number, seconds in enumerate((1.0, 1.3))
    ]
    fresh = ["--confirm-base", few[0], "--confirm-head", few[1]]
    assert main(["guard", files[0], "--against", files[1], *fresh]) == 0
    (line,) = _suspects(capsys)
    assert line.count("theano-cpu-") == 10
    assert "theano-cpu-29px-b20-cores1 and 2 more: launches that count" in line


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("synthetic", "--dataset synthetic 'benchmarks/"),
        ("synthetic?seed=3&n=2", "--dataset 'synthetic?seed=3&n=2' 'benchmarks/"),
    ],
)
def test_the_second_look_is_at_the_dataset_of_the_first(
    save: Save, case: Make, dataset: str, expected: str, capsys: Shown
) -> None:
    """Also where its name has what a shell would act upon."""
    before, after = (case(*launches(x, seed=1), dataset=dataset) for x in (1.0, 1.2))
    base, head = save("base.json", before), head_file(save, after)
    main(["guard", base, "--against", head])
    (line,) = _suspects(capsys)
    assert expected in line


@pytest.mark.parametrize("dataset", ["$(rm -r x)", "a'b", "a b", "`x`"])
def test_a_dataset_that_a_shell_would_obey_is_no_part_of_a_command(
    save: Save, case: Make, dataset: str, capsys: Shown
) -> None:
    before, after = (case(*launches(x, seed=1), dataset=dataset) for x in (1.0, 1.2))
    base, head = save("base.json", before), head_file(save, after)
    main(["guard", base, "--against", head])
    assert _suspects(capsys) == ["to decide about the suspects: make guard BASE=c0ffee"]


def test_suspects_of_several_datasets_have_a_command_each(
    save: Save, case: Make, capsys: Shown
) -> None:
    """Each is measured by itself: pytest takes one dataset at a time."""
    names = ("tissue", "synthetic")
    base, head = (
        [case(*launches(ratio, seed=seed), dataset=name) for name in names]
        for seed, ratio in ((1, 1.0), (2, 1.2))
    )
    args = ["guard", save("base.json", *base), "--against", head_file(save, *head)]
    main(args)
    lines = _suspects(capsys)
    assert len(lines) == 2
    assert all(line.count("--dataset") == 1 for line in lines)
    main([*args, "--split-base"])
    (line,) = _suspects(capsys)
    assert "--benchmark-json=fresh.json; python -m pytest " in line
    assert line.endswith("again with --confirm-head fresh.json fresh-2.json")

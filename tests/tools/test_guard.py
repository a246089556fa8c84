"""`python -m tools.guard`: what it measures, in which order, and what it tells."""

import json
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.tools.guarded import CASES, Repository
from tools.guard.schedule import turns
from tools.guard.selection import Selection, environments

SLOW_CASE = f"benchmarks/test_train.py::test_train[{CASES[1]}]"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """With one commit, whose environment is built."""
    return Repository(tmp_path)


@pytest.mark.parametrize("blocks", [1, 2, 7, 10])
@pytest.mark.parametrize("seed", [0, 1])
def test_both_sides_are_in_each_block_and_come_first_as_often(
    blocks: int, seed: int
) -> None:
    order = turns(blocks, seed)
    assert [turn.block for turn in order] == [
        n for n in range(1, blocks + 1) for _ in "bh"
    ]
    pairs = list(zip(order[::2], order[1::2], strict=True))
    assert all({first.side, second.side} == {"base", "head"} for first, second in pairs)
    firsts = Counter(first.side for first, _ in pairs)
    assert 0 <= firsts["base"] - firsts["head"] <= 1


def test_the_order_is_random_and_the_seed_settles_it() -> None:
    assert turns(10, 3) == turns(10, 3)
    assert len({tuple(turns(10, seed)) for seed in range(10)}) > 5


def test_an_equal_head_is_measured_once_and_passes(repository: Repository) -> None:
    """All files are where they should be, and there is no second stage."""
    code, table, said = repository.guard("HEAD", "--launches", "4", "--seed", "2")
    assert code == 0, said
    head = repository.git("rev-parse", "HEAD")
    runs = repository.runs(head, head)
    names = sorted(
        f"{side}-0{n}.json" for side in ("base", "head") for n in range(1, 5)
    )
    assert sorted(file.name for file in runs.glob("*-0*.json")) == names
    assert repository.sides() == [turn.side for turn in turns(4, 2)]
    assert not (runs / "confirm").exists()
    assert table.startswith("TABLE ")
    assert "no case looks slower" in said
    assert len([line for line in said.splitlines() if "left, about" in line]) == 7


def test_what_sessions_are_told(repository: Repository) -> None:
    """One launch; both sides in one order, with journals and caches of their own."""
    repository.guard("HEAD", "--launches", "3", "--rounds", "5", "--", "--sizes", "32")
    for each in repository.sessions():
        words = each["words"]
        assert words[words.index("--launches") + 1] == "1"
        assert words[words.index("--rounds") + 1] == "5"
        assert "benchmarks/test_train.py" in words
        assert words.index("quick") < words.index("32")
        (journal,) = (word for word in words if word.startswith("--journal="))
        for place in (journal.partition("=")[2], each["variables"]["HISTOCNN_CACHE"]):
            assert place.startswith(str(repository.root / "build" / "guard"))
    orders = Counter(
        each["words"][each["words"].index("--order-seed") + 1]
        for each in repository.sessions()
    )
    assert orders == {"1": 2, "2": 2, "3": 2}
    caches = {each["variables"]["HISTOCNN_CACHE"] for each in repository.sessions()}
    assert len(caches) == 2


def test_a_slower_head_is_confirmed_by_fresh_launches_of_its_suspects(
    repository: Repository,
) -> None:
    """Stage two is of the slow case alone, on both sides, in files of its own."""
    base = repository.git("rev-parse", "HEAD")
    repository.speed(1.2)
    head = repository.commit()
    code, table, said = repository.guard(
        *("HEAD~1", "--launches", "3", "--confirm-launches", "4"),
        *("--slowdown", "5%", "--strict"),
    )
    assert code == 1, said
    second = repository.sessions()[6:]
    assert Counter(repository.sides()[6:]) == {"base": 4, "head": 4}
    for each in second:
        assert [word for word in each["words"] if "::" in word] == [SLOW_CASE]
        assert "benchmarks/test_train.py" not in each["words"]
    files = json.loads(table.removeprefix("TABLE "))
    runs = repository.runs(base, head)
    assert files["base"] == [str(runs / f"base-0{n}.json") for n in (1, 2, 3)]
    assert files["--confirm-head"][1:] == [
        str(runs / "confirm" / f"head-0{n}.json") for n in (1, 2, 3, 4)
    ]
    assert files["option"] == ["--slowdown", "5%", "--strict"]
    assert SLOW_CASE in said


@pytest.mark.parametrize("verdict", [1, 3, 4])
def test_exit_codes_are_passed_on(repository: Repository, verdict: int) -> None:
    code, table, _ = repository.guard("HEAD", "--launches", "3", VERDICT=str(verdict))
    assert code == verdict
    assert table.startswith("TABLE")


def test_a_table_that_cannot_be_made_ends_it_with_the_first_block(
    repository: Repository,
) -> None:
    code, _, said = repository.guard(
        "HEAD", "--launches", "5", UNREADABLE="these thresholds are no thresholds"
    )
    assert code == 2
    assert said.rstrip().endswith("guard: these thresholds are no thresholds")
    assert len(repository.sessions()) == 2


def test_a_session_with_a_failing_case_counts(repository: Repository) -> None:
    code, _, said = repository.guard("HEAD", "--launches", "3", FAILING="1")
    assert code == 0
    assert said.count("with failures") == 6


def test_a_session_that_measures_nothing_ends_the_guard(repository: Repository) -> None:
    """With its words, and where all of them are."""
    code, table, said = repository.guard("HEAD", "--launches", "3", BROKEN="clone")
    assert code == 2
    assert table == ""
    assert "head measured nothing (pytest ended with 1)" in said
    assert "the disk is on fire" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "'nowhere' is no commit of this clone"),
        ([], "BASE is missing, as in: make guard BASE=origin/main"),
        ([""], "BASE is missing, as in: make guard BASE=origin/main"),
        (["--launches", "3", "HEAD"], "BASE comes first"),
        (["--launches", "3"], "the following arguments are required: BASE"),
        (["HEAD", "--no-such"], "--no-such is an option neither of the guard nor"),
        (["HEAD", "--", "--no-such-option"], "unrecognized arguments"),
        (["HEAD", "--", "--launches=3"], "--launches among pytest's options"),
        (["HEAD", "--", "--benchmark-disable"], "the guard has to measure"),
        (["HEAD", "--continue"], "nothing to continue"),
        (["HEAD", "--summary", "speed/summary.md"], "speed is no folder"),
        (["HEAD", "--summary", "."], "is a folder; name a file"),
        (["HEAD", "--junit", "speed/x.xml"], "speed is no folder"),
        (["HEAD", "--junit=tools"], "is a folder; name a file"),
    ],
)
def test_bad_input_costs_a_line_and_no_measurement(
    repository: Repository, arguments: list[str], words: str
) -> None:
    """Nor is the base built for it."""
    if "speed/summary.md" in arguments:
        arguments[-1] = str(repository.root / arguments[-1])
    refused(repository, arguments, words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--slowdown=much"], "--slowdown 'much' is no slow-down"),
        (["--today", "tomorrow"], "'tomorrow' is no date"),
        (["--format", "word"], "invalid choice: 'word'"),
        (["--junit"], "--junit: expected one argument"),
        (["--thresholds", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--thresholds", "speed"], "speed: is not TOML"),
        (["--thresholds", "old.toml"], "expired on 2020-01-31"),
        (["other.json", "--launches", "3"], "'other.json' is no option of the guard's"),
        (["--strict", "-k", "theano"], "'-k theano' is no option of the guard's"),
        (["--engines", "theano"], "comes behind two dashes"),
    ],
)
def test_what_is_for_the_table_is_looked_at_before_anything_is_built(
    repository: Repository, arguments: list[str], words: str
) -> None:
    """By the real one, content and dates of a file of thresholds included."""
    (repository.root / "old.toml").write_text(
        '[[case]]\nmatch = "*"\nslowdown = "10%"\nreason = "x"\nexpires = 2020-01-31\n'
    )
    refused(repository, ["HEAD", *arguments], words, REAL="yes")


def test_good_options_for_the_table_pass(repository: Repository) -> None:
    """Those of another form, those that write, and what may differ, too."""
    (repository.root / "new.toml").write_text(
        '[[case]]\nmatch = "*"\nslowdown = "10%"\nreason = "x"\nexpires = 2999-01-31\n'
    )
    junit = repository.root / "build" / "new" / "junit.xml"
    code, _, said = repository.guard(
        *("HEAD", "--launches", "3", "--slowdown", "5%", "--thresholds", "new.toml"),
        *("--strict", "--allow", "tensorflow", "--format=github", "--annotations"),
        *("--junit", str(junit)),
        REAL="yes",
    )
    assert code == 0, said
    assert not junit.parent.exists()  # by the trial; the table here is a made-up one


def refused(
    repository: Repository, arguments: list[str], words: str, **variables: str
) -> None:
    """Hold that the guard says ``words`` in a line, builds and measures nothing."""
    code, _, said = repository.guard(*arguments, **variables)
    assert code == 2
    (line,) = said.splitlines()
    assert words in line
    assert not list(repository.root.glob("build/guard/*/.envs"))
    assert not repository.sessions()


@pytest.mark.parametrize("option", ["--launches", "--confirm-launches"])
@pytest.mark.parametrize("value", ["0", "-1", "2", "many", "1000"])
def test_a_number_of_launches_has_to_be_one(
    repository: Repository, option: str, value: str
) -> None:
    """Of fewer than three there is no test, so that such a guard would never fail."""
    refused(
        repository, ["HEAD", f"{option}={value}"], "is not a whole number from 3 to"
    )


def test_the_head_is_the_working_tree_as_it_is(repository: Repository) -> None:
    """What is not committed is measured, and said; the base has none of it."""
    repository.speed(1.2)
    (repository.root / "new").touch()
    code, _, said = repository.guard("HEAD", "--launches", "3")
    assert code == 1
    assert "with 2 changed files" in said


def test_a_variable_for_the_head_alone(repository: Repository) -> None:
    repository.guard("HEAD", "--launches", "3", "--head-env", "EXTRA=10%")
    seen = {
        side: each["variables"]["EXTRA"]
        for side, each in zip(repository.sides(), repository.sessions(), strict=True)
    }
    assert seen == {"base": None, "head": "10%"}


def test_branches_and_index_of_the_user_stay(repository: Repository) -> None:
    """A change that is staged, a branch, a stash: all as before, byte by byte."""
    repository.speed(3.0)
    repository.git("add", "speed")
    repository.speed(1.0)
    before = {
        name: (repository.root / ".git" / name).read_bytes()
        for name in ("index", "HEAD")
    }
    branches = repository.git("for-each-ref")
    assert repository.guard("HEAD", "--launches", "3")[0] == 0
    for name, content in before.items():
        assert (repository.root / ".git" / name).read_bytes() == content
    assert repository.git("for-each-ref") == branches
    assert repository.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_git_variables_of_a_hook_do_not_reach_it(
    repository: Repository, tmp_path: Path
) -> None:
    """As before a push: git then names its own index and folder."""
    foreign = str(tmp_path / "index")
    code, _, said = repository.guard(
        "HEAD", "--launches", "3", GIT_INDEX_FILE=foreign, GIT_DIR=str(tmp_path)
    )
    assert code == 0, said
    assert not Path(foreign).exists()


def test_the_base_is_built_by_its_own_tools_and_used_again(
    repository: Repository,
) -> None:
    """In a worktree that a second run finds ready."""
    (repository.root / ".envs" / "tensorflow").mkdir()
    head = repository.git("rev-parse", "HEAD")
    repository.guard("HEAD", "--launches", "3")
    worktree = repository.worktree(head)
    asked = (worktree / ".envs" / "asked").read_text()
    assert asked == "bench tensorflow"
    (worktree / ".envs" / "mark").touch()
    _, _, said = repository.guard("HEAD", "--launches", "3")
    assert (worktree / ".envs" / "mark").exists()
    assert "checked out" not in said


def test_a_base_that_cannot_be_built_ends_it(repository: Repository) -> None:
    (repository.root / "tools" / "env.py").write_text("raise SystemExit('no network')")
    repository.commit()
    code, _, said = repository.guard("HEAD", "--launches", "3")
    assert code == 2
    assert "no network" in said
    assert "environments could not be built" in said.splitlines()[-1]


def test_a_base_without_a_builder_ends_it(repository: Repository) -> None:
    (repository.root / "tools" / "env.py").unlink()
    repository.commit()
    code, _, said = repository.guard("HEAD", "--launches", "3")
    assert code == 2
    assert "has no tools/env.py" in said


def test_a_worktree_with_work_in_it_is_left_alone(repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.guard("HEAD", "--launches", "3")
    (repository.worktree(head) / "speed").write_text("0.5")
    code, _, said = repository.guard("HEAD", "--launches", "3")
    assert code == 2
    assert f"then: rm -r {repository.worktree(head)}" in said
    assert (repository.worktree(head) / "speed").read_text() == "0.5"


def test_a_worktree_that_was_removed_is_made_again(repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.guard("HEAD", "--launches", "3")
    subprocess.run(["rm", "-r", str(repository.worktree(head))], check=True)
    code, _, said = repository.guard("HEAD", "--launches", "3")
    assert code == 0, said
    assert len(repository.git("worktree", "list").splitlines()) == 2


def test_worktrees_of_other_bases_go_unless_kept(repository: Repository) -> None:
    """So that environments do not pile up; the user's own worktrees stay."""
    first = repository.git("rev-parse", "HEAD")
    own = repository.root.parent / "own"
    repository.git("worktree", "add", "--quiet", "--detach", str(own))
    repository.guard(first, "--launches", "3")
    (repository.root / "another").touch()
    second = repository.commit()
    repository.guard(second, "--launches", "3", "--keep")
    assert repository.worktree(first).exists()
    repository.guard(second, "--launches", "3")
    assert not repository.worktree(first).exists()
    assert repository.worktree(second).exists()
    assert own.exists()


def test_a_shallow_clone_is_told_to_fetch(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    (repository.root / "another").touch()
    repository.commit()
    (repository.root / ".git" / "shallow").write_text(
        repository.git("rev-parse", "HEAD") + "\n"
    )
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")
    code, _, said = repository.guard(first)
    assert code == 2
    assert "which is shallow; run: git fetch --unshallow" in said


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_broken_off_it_ends_at_once_and_can_be_continued(
    repository: Repository, number: signal.Signals, expected: int
) -> None:
    """Sessions that had ended are not measured again; the one under way is."""
    arguments = ("HEAD", "--launches", "3")
    process = repository.start(*arguments, DELAY="0.3")
    deadline = time.monotonic() + 30
    while len(repository.sessions()) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    struck = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert process.returncode == expected, said
    assert time.monotonic() - struck < 5
    assert "--continue goes on" in said.splitlines()[-1]
    assert "Traceback" not in said
    code, _, said = repository.guard(*arguments, "--continue")
    assert code == 0, said
    assert "3 of 6 sessions are measured already" in said
    assert len(repository.sessions()) == 4 + 3


def test_other_code_is_not_continued(repository: Repository) -> None:
    arguments = ("HEAD", "--launches", "3")
    repository.guard(*arguments)
    repository.speed(1.1)
    code, _, said = repository.guard(*arguments, "--continue")
    assert code == 2
    assert "is not of this command and code" in said


def test_a_second_run_measures_anew(repository: Repository) -> None:
    """Files of a longer run before are not left among its own."""
    head = repository.git("rev-parse", "HEAD")
    repository.guard("HEAD", "--launches", "4")
    repository.guard("HEAD", "--launches", "3")
    assert len(repository.sessions()) == 8 + 6
    files = repository.runs(head, head).glob("*-0*.json")
    assert len(list(files)) == 6


def test_one_guard_at_a_time(repository: Repository) -> None:
    first = repository.start("HEAD", "--launches", "3", DELAY="0.5")
    deadline = time.monotonic() + 30
    while not repository.sessions() and time.monotonic() < deadline:
        time.sleep(0.02)
    code, _, said = repository.guard("HEAD", "--launches", "3")
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert code == 2
    assert "another guard runs in this checkout" in said


def test_a_tree_that_is_edited_meanwhile_is_noticed(repository: Repository) -> None:
    process = repository.start("HEAD", "--launches", "3", DELAY="0.5")
    deadline = time.monotonic() + 30
    while not repository.sessions() and time.monotonic() < deadline:
        time.sleep(0.02)
    (repository.root / "edited").touch()
    _, said = process.communicate(timeout=60)
    assert "the working tree was changed meanwhile" in said


def test_the_table_is_added_to_a_summary(
    repository: Repository, tmp_path: Path
) -> None:
    """As Markdown, behind what is there."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    repository.guard(
        *("HEAD", "--launches", "3", "--summary", str(summary)),
        *("--junit", "x.xml", "--annotations", "--strict"),
    )
    before, table = summary.read_text().splitlines()
    options = json.loads(table.removeprefix("TABLE "))["option"]
    assert before == "before"
    assert options == ["--strict", "--format", "github"]


def test_a_summary_gets_its_folder(repository: Repository, tmp_path: Path) -> None:
    summary = tmp_path / "new" / "summary.md"
    repository.guard("HEAD", "--launches", "3", "--summary", str(summary))
    assert summary.read_text().startswith("TABLE")


def test_a_summary_that_fails_at_last_leaves_the_verdict(
    repository: Repository,
) -> None:
    """A regression is one, whether or not the disk is full."""
    full = ("HEAD", "--launches", "3", "--summary", "/dev/full")
    code, table, said = repository.guard(*full, VERDICT="1")
    assert code == 1
    assert table.startswith("TABLE")
    assert "cannot write /dev/full: No space left on device" in said
    assert repository.guard(*full)[0] == 2


def test_what_was_measured_outlives_a_mistyped_option(repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.guard("HEAD", "--launches", "3")
    repository.guard("HEAD", "--launches", "3", "--", "--no-such-option")
    assert len(list(repository.runs(head, head).glob("*-0*.json"))) == 6


def test_the_environments_are_those_of_the_cases() -> None:
    """But not one that the user's own Python stands in for."""
    cases = [
        f"benchmarks/test_train.py::test_train[{job}]"
        for job in ("theano-cpu-32px-b10-cores1", "jax-cuda-32px-b10-cnmem0", *CASES)
    ]
    assert environments(cases, Selection.of([])) == ["jax-cuda", "tensorflow", "theano"]
    own = Selection.of(["--interpreter", "tensorflow=/x", "--interpreter=theano=/y"])
    assert environments(cases, own) == ["jax-cuda"]


def test_named_files_replace_the_usual_one() -> None:
    """A file that is an option's value is none of them."""
    selection = Selection.of(
        ["--ignore", "benchmarks/test_load.py", "-x", "benchmarks", "-k", "32px"]
    )
    assert selection.places == ("benchmarks",)
    assert selection.options[-5:] == (
        *("--ignore", "benchmarks/test_load.py", "-x", "-k", "32px"),
    )

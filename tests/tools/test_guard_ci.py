"""The ready files for GitHub Actions and GitLab CI under docs/ci/."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docs" / "ci").glob("*.yml"))


@pytest.fixture(scope="module")
def options() -> set[str]:
    """All options of the guard and of its table, by their --help."""
    shown = [
        subprocess.run(
            [sys.executable, "-m", *module, "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for module in (["tools.guard"], ["reports", "guard"])
    ]
    return set(re.findall(r"--[a-z][a-z-]*", " ".join(shown)))


def command(file: Path) -> str:
    """The line that calls make, as the shell gets it."""
    text = " ".join(file.read_text().replace("\\\n", " ").split())
    found = re.search(r'make guard BASE="\$BASE" ARGS="([^"]*)"', text)
    assert found, f"{file} does not call make guard"
    return found[1]


def test_there_is_a_file_for_each() -> None:
    assert [file.stem for file in FILES] == ["github", "gitlab"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_option_exists(file: Path, options: set[str]) -> None:
    named = re.findall(r"--[a-z][a-z-]*", command(file))
    assert len(named) >= 4
    assert set(named) <= options


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_make_knows_what_they_call(file: Path) -> None:
    """The words reach the guard as one would type them."""
    assert "make guard" in file.read_text()
    # These tests may have been started by make, which names its folder to a make below.
    make = ("make", "--no-print-directory", "--dry-run")
    done = subprocess.run(
        [*make, "guard", "BASE=x", f"ARGS={command(file)}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    called = done.stdout.splitlines()[-1]
    assert called.startswith('.envs/bench/bin/python -m tools.guard "$GUARD_BASE"')
    assert "--junit build/guard/junit.xml" in called


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_they_are_yaml(file: Path) -> None:
    """Read by the PyYAML of one of the environments that have it for other ends."""
    text = file.read_text()
    assert "\t" not in text
    assert all(len(line) <= 88 for line in text.splitlines())
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        assert indent % 2 == 0, line
    pythons = [ROOT / ".envs" / name / "bin" / "python" for name in ("lint", "theano")]
    python = next((each for each in pythons if each.exists()), None)
    if python is None:
        pytest.skip("no PyYAML here; make env ENGINE=theano, or make lint, brings one")
    read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"
    done = subprocess.run(
        [python, "-c", read], input=text, capture_output=True, text=True, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    jobs = document.get("jobs", document)
    assert "guard" in jobs


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_branch_name_is_never_part_of_a_command(file: Path) -> None:
    """What whoever opens a request may choose goes through a variable."""
    assert "${{" not in command(file)
    assert not re.findall(r"(?:head_ref|head\.ref|SOURCE_BRANCH)", file.read_text())


@pytest.fixture(scope="module")
def shows() -> dict[int, float]:
    """What slow-downs show by the files' own command, in %, by noise in %."""
    given = {" ".join(command(file).split()[:4]) for file in FILES}
    assert given == {"--launches 10 --slowdown 10%"}
    simulate = (sys.executable, "-m", "reports.guard.simulate", "--table", "launches")
    done = subprocess.run(
        [*simulate, "--slowdown", "10%", "--cases", "8"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = re.findall(r"^ *(\d+) % +10 +([\d.]+)", done.stdout, re.MULTILINE)
    return {int(noise): float(percent) for noise, percent in rows}


@pytest.mark.parametrize(
    "file", [*FILES, ROOT / "docs" / "guard.md"], ids=lambda file: file.stem
)
def test_what_is_said_to_show_is_what_shows(
    file: Path, shows: dict[int, float]
) -> None:
    """To a percent, at three noises."""
    text = " ".join(file.read_text().replace("\n#", " ").split())
    said = re.search(
        r"(\d+) % (?:on )?where launches scatter by 3 %,(?: from)? (\d+) % (?:at|on "
        r"where by) 5 %,?(?: and| from) (\d+) % (?:at|on where by) 10 %",
        text,
    )
    assert said, f"{file} does not say what shows"
    assert [float(each) for each in said.groups()] == pytest.approx(
        [shows[3], shows[5], shows[10]], abs=1
    )


def test_make_says_at_once_that_the_base_is_missing() -> None:
    """Before it builds anything."""
    done = subprocess.run(
        ["make", "--no-print-directory", "guard", "PYTHON=false", "BASE="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    first, *_ = done.stderr.splitlines()
    assert first == "guard: BASE is missing, as in: make guard BASE=origin/main"


def test_makes_help_names_it() -> None:
    done = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "make guard" in done.stdout

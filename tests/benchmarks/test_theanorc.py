"""The user's own Theano settings: understood, translated, and never obeyed unasked."""

import re
from pathlib import Path

import pytest

from benchmarks import axes, theanorc
from histocnn import engines
from histocnn.errors import InputError
from histocnn.job import Job
from tests.conftest import Pytest

OLD = "[global]\ndevice = gpu0\nfloatX = float32\n[lib]\ncnmem = 0.8\n"
NOTHING_ASKED: dict[str, str | None] = dict.fromkeys(axes.OPTIONS)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the user's, without any Theano settings in sight."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for variable in ("THEANORC", "THEANO_FLAGS"):
        monkeypatch.delenv(variable, raising=False)
    return folder


def write(home: Path, text: str, name: str = ".theanorc") -> None:
    (home / name).write_text(text)


@pytest.mark.parametrize(
    ("text", "pool", "said"),
    [
        (OLD, "0.8", "[lib] cnmem = 0.8 is gpuarray.preallocate=0.8 in Theano 1.0"),
        ("[lib]\ncnmem=1", "1", "[lib] cnmem = 1 is gpuarray.preallocate=0.95 in"),
        ("[lib]\ncnmem: 0", "0", "[lib] cnmem = 0 is gpuarray.preallocate=-1 in"),
        (
            "[lib]\nCNMeM = 1024 ; MB",
            "1024",
            "cnmem = 1024 is gpuarray.preallocate=1024",
        ),
        ("[global]\nlib.cnmem = 1e-1", "0.1", "[global] lib.cnmem = 1e-1 is gpuarray."),
        ("[gpuarray]\npreallocate = 0", "grow", "preallocate = 0 is cnmem=grow here"),
        ("[gpuarray]\npreallocate = -1", "0", "preallocate = -1 is cnmem=0 here"),
        ("[gpuarray]\npreallocate = .5", "0.5", "preallocate = .5 is cnmem=0.5 here"),
        (f"{OLD}[gpuarray]\npreallocate = 64", "64", "preallocate = 64 is cnmem=64"),
    ],
)
def test_a_setting_is_translated(home: Path, text: str, pool: str, said: str) -> None:
    """The old one to what Theano 1.0 calls it, which counts where both stand."""
    write(home, text)
    found = theanorc.required()
    assert str(found.pool) == pool
    assert str(found).startswith("~/.theanorc: [")
    assert said in str(found)


@pytest.mark.parametrize("cnmem", ["0", "0.3", "1", "512"])
def test_the_translation_is_what_the_engine_gives_to_theano(
    home: Path, cnmem: str
) -> None:
    """The note does not say other than what is measured."""
    write(home, f"[lib]\ncnmem = {cnmem}\n")
    said = re.search(r"gpuarray\.preallocate=\S+", str(theanorc.required()))
    job = Job("theano", "cuda", 32, 10, cnmem, 1)
    flags = engines.get("theano").environment(job, home)["THEANO_FLAGS"].split(",")
    given = [flag for flag in flags if flag.startswith("gpuarray.preallocate=")]
    assert said
    assert given == [said[0]]


def test_flags_come_first_and_later_files_over_earlier(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Theano; a file that is not there counts for nothing."""
    write(home, OLD)
    write(home, "[lib]\ncnmem = 0.2\n", "other")
    monkeypatch.setenv("THEANORC", f"~/.theanorc:{home}/other:{home}/none")
    assert str(theanorc.required()).startswith("~/other: [lib] cnmem = 0.2 is")
    monkeypatch.setenv("THEANO_FLAGS", "device=cuda,lib.cnmem=1,lib.cnmem='0.3'")
    assert str(theanorc.required()).startswith("THEANO_FLAGS: lib.cnmem=0.3 is gpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[lib]\ncnmem = lots", "~/.theanorc: [lib] cnmem = lots is no memory pool"),
        ("[lib]\ncnmem = nan", "[lib] cnmem = nan is no memory pool"),
        ("[lib]\ncnmem = -1", "[lib] cnmem = -1 is no memory pool; Theano knows 0, a"),
        ("[lib]\ncnmem =", "[lib] cnmem =  is no memory pool"),
        ("[gpuarray]\npreallocate = 4GB", "preallocate = 4GB is no memory pool"),
        ("cnmem = 1", "~/.theanorc is no Theano settings: File contains no section"),
        ("[lib]\n[global]", "there is no [lib] cnmem in ~/.theanorc, nor lib.cnmem in"),
        ("", "--cnmem theanorc: there is no [lib] cnmem in ~/.theanorc"),
        ("", "in THEANO_FLAGS, nor gpuarray.preallocate in either; name a pool"),
    ],
)
def test_what_cannot_be_used_is_one_line(home: Path, text: str, message: str) -> None:
    write(home, text)
    with pytest.raises(InputError) as error:
        axes.select("paper", NOTHING_ASKED | {"cnmem": "theanorc"})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_or_unreadable(home: Path) -> None:
    with pytest.raises(InputError, match=r"no \[lib\] cnmem in ~/\.theanorc"):
        theanorc.required()
    (home / ".theanorc").mkdir()
    with pytest.raises(InputError, match=r"theanorc cannot be read: Is a dir"):
        theanorc.required()
    (home / ".theanorc").rmdir()
    (home / ".theanorc").write_bytes(b"[lib]\ncnmem = \xff")
    with pytest.raises(InputError, match=r"~/\.theanorc is no Theano set"):
        theanorc.required()


def test_it_is_a_value_of_the_axis_beside_others(home: Path) -> None:
    write(home, OLD)
    grid = axes.select("paper", NOTHING_ASKED | {"cnmem": "0, TheanoRC ,grow"})
    assert grid.cnmem == ("0", "0.8", "grow")
    with pytest.raises(InputError, match="--cnmem names a value twice"):
        axes.select("paper", NOTHING_ASKED | {"cnmem": "0.8,theanorc"})


GPU_CASES = ("--engines", "theano", "--devices", "cuda", "--sizes", "32")


@pytest.mark.parametrize(
    ("text", "options", "note"),
    [
        (
            OLD,
            (),
            "~/.theanorc: [lib] cnmem = 0.8 is gpuarray.preallocate=0.8 in Theano 1.0; "
            "the grid's own pools (0, 1) are measured, --cnmem theanorc measures that "
            "one",
        ),
        (
            OLD,
            ("--cnmem", "0,theanorc"),
            "~/.theanorc: [lib] cnmem = 0.8 is gpuarray.preallocate=0.8 in Theano 1.0; "
            "--cnmem theanorc measures it as cnmem=0.8",
        ),
        (OLD, ("--cnmem", "0"), None),
        (OLD, ("--devices", "cpu"), None),
        (OLD, ("--engines", "jax"), None),
        ("[lib]\n", (), None),
        (
            "[lib]\ncnmem = lots",
            (),
            "~/.theanorc: [lib] cnmem = lots is no memory pool; Theano knows 0, a "
            "fraction up to 1 or MB above; it is left out",
        ),
    ],
)
def test_the_header_says_what_was_found(
    home: Path,
    run_pytest: Pytest,
    text: str,
    options: tuple[str, ...],
    note: str | None,
) -> None:
    """A line where Theano's GPU cases are measured and the user named no pools."""
    write(home, text)
    done = run_pytest("benchmarks/test_train.py", "--co", *GPU_CASES, *options)
    lines = [line for line in done.stdout.splitlines() if "theanorc" in line]
    assert lines == ([note] if note else []), done.stdout + done.stderr


def test_the_command_line_names_what_is_wrong(home: Path, run_pytest: Pytest) -> None:
    """A wrong command line's exit code, one line, no traceback."""
    done = run_pytest("benchmarks/test_train.py", "--co", "--cnmem", "theanorc")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith("ERROR: --cnmem theanorc: there is no [lib] cnmem in ~/.t")

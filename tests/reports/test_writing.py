"""Where reports go: whole or not at all, and nothing of anybody else's."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import reports
from reports import writing
from reports.errors import InputError

PACKAGE = Path(reports.__file__).parent
ROOM = 4096  # bytes


def _write(path: str, size: int) -> "subprocess.CompletedProcess[str]":
    """Write ``size`` bytes where a file has `ROOM`, as on a disk that is nearly full.

    Beyond it a write fails as there: some of the bytes are in the file by then.
    """
    script = (
        "import pathlib, sys\n"
        "from reports import errors, writing\n"
        "try:\n"
        f"    writing.file(pathlib.Path({path!r}), b'n' * {size}, [])\n"
        "except errors.InputError as error:\n"
        "    sys.exit(str(error))"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("before", [None, b"before"])
def test_what_cannot_be_written_in_full_leaves_nothing(
    before: bytes | None, folder: Path
) -> None:
    """No empty or cut file, none under another name; the one before is as it was."""
    if before is not None:
        Path("a.svg").write_bytes(before)
    ran = _write("a.svg", ROOM + 1)
    assert ran.returncode == 1
    assert ran.stderr == "cannot write a.svg: File too large\n"
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found == ({} if before is None else {"a.svg": before})


def test_what_can_be_written_replaces_what_was_there(folder: Path) -> None:
    """Its permissions stay; a new file has those that the umask leaves."""
    Path("old").write_bytes(b"before")
    Path("old").chmod(0o640)
    assert _write("old", ROOM).returncode == 0
    assert _write("new", ROOM).returncode == 0
    assert {path.name for path in folder.iterdir()} == {"old", "new"}
    assert Path("old").read_bytes() == Path("new").read_bytes() == b"n" * ROOM
    Path("usual").touch()
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes["old"] == 0o640
    assert modes["new"] == modes["usual"]


def test_a_link_leads_to_what_is_written(folder: Path) -> None:
    """It stays a link, also one to a file that is not there yet."""
    (folder / "far").mkdir()
    for name in ("there", "not-yet"):
        Path(name).symlink_to(Path("far", name))
    Path("far", "there").write_bytes(b"before")
    for name in ("there", "not-yet"):
        writing.file(Path(name), b"new", [])
        assert Path(name).is_symlink()
        assert Path("far", name).read_bytes() == b"new"


def test_what_is_no_file_is_written_to_and_not_replaced(folder: Path) -> None:
    """A pipe with a name, or a device: /dev/stdout."""
    os.mkfifo("pipe")
    end = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        writing.file(Path("pipe"), b"new", [])
        assert os.read(end, 100) == b"new"
    finally:
        os.close(end)
    assert Path("pipe").is_fifo()
    with pytest.raises(InputError, match=r"cannot write \.: Is a directory"):
        writing.file(Path(), b"new", [])


def test_names_as_long_as_they_may_be_are_written(folder: Path) -> None:
    name = "n" * 255
    writing.file(Path(name), b"new", [])
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    ("output", "written"),
    [
        ("out", "out/index.html"),
        ("pages/today.html", "pages/today.html"),
        ("today.htm", "today.htm/index.html"),  # another ending: a folder's name
        ("folder.html", "folder.html/index.html"),  # a folder already
    ],
)
def test_one_file_goes_into_a_folder_or_to_its_own_name(
    output: str, written: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its ending tells which; what is written is named."""
    (folder / "folder.html").mkdir()
    writing.folder({"index.html": b"page"}, Path(output), None, [])
    assert Path(written).read_bytes() == b"page"
    assert capsys.readouterr().out == f"{written}\n"


def test_several_files_always_go_into_a_folder(folder: Path) -> None:
    """However it is called."""
    writing.folder({"a.svg": b"a", "b.svg": b"b"}, folder / "out.svg", None, [])
    assert {each.name for each in (folder / "out.svg").iterdir()} == {"a.svg", "b.svg"}

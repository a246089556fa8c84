"""The cache of prepared arrays under damage, races and full disks."""

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from histocnn import cache
from histocnn.cache import DamagedEntry, ensure, open_arrays
from histocnn.errors import InputError

IMAGES = np.arange(10 * 8 * 8 * 3, dtype=np.uint8).reshape(10, 8, 8, 3)
LABELS = np.arange(10, dtype=np.uint8) % 2


class Maker:
    """Makes the arrays and counts how often it was asked."""

    calls = 0

    def __call__(self) -> "tuple[cache.Arrays, dict[str, object]]":
        self.calls += 1
        return (IMAGES, LABELS), {"dataset": "made"}


def test_made_once_and_mapped_read_only(tmp_path: Path) -> None:
    """The second opening makes nothing; workers cannot write to the map."""
    make = Maker()
    entry = ensure(tmp_path / "data" / "entry", make)
    assert ensure(tmp_path / "data" / "entry", make) == entry
    images, labels = open_arrays(entry)
    assert make.calls == 1
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(labels, LABELS)


def flip_a_byte(entry: Path) -> None:
    """Change the last pixel."""
    with (entry / "images.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x00")


def change_the_header(entry: Path) -> None:
    """Let the same pixels be signed."""
    data = (entry / "images.npy").read_bytes()
    (entry / "images.npy").write_bytes(data.replace(b"|u1", b"|i1"))


def cut_off(entry: Path) -> None:
    """Lose the second half."""
    data = (entry / "images.npy").read_bytes()
    (entry / "images.npy").write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        cut_off,
        lambda entry: (entry / "images.npy").write_bytes(b""),
        lambda entry: (entry / "images.npy").write_bytes(b"PK\x03\x04 no archive"),
        change_the_header,
        lambda entry: (entry / "images.npy").unlink(),
        lambda entry: (entry / "labels.npy").write_bytes(b"not an array"),
        lambda entry: (entry / "entry.json").write_text("{"),
        lambda entry: (entry / "entry.json").write_text("[]"),
        lambda entry: (entry / "entry.json").unlink(),
    ],
)
def test_damage_is_noticed_and_mended(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """Whatever happened to an entry, opening it says so and `ensure` makes it anew."""
    make = Maker()
    entry = ensure(tmp_path / "entry", make)
    damage(entry)
    with pytest.raises(DamagedEntry, match="made again"):
        open_arrays(entry)
    images, _ = open_arrays(ensure(entry, make))
    assert make.calls == 2
    assert np.array_equal(images, IMAGES)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["entry", "entry.lock"]


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """The next one to write clears it away."""
    (tmp_path / "entry.x1y2" / "new").mkdir(parents=True)
    ensure(tmp_path / "entry", Maker())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["entry", "entry.lock"]


def test_two_processes_may_prepare_at_once(tmp_path: Path) -> None:
    """Four start together: one makes the entry, and all of them can open it."""
    script = f"""
import sys, time
from pathlib import Path
import numpy as np
from histocnn.cache import ensure, open_arrays
entry = Path({str(tmp_path / "entry")!r})
def make():
    (entry.parent / f"made-{{sys.argv[1]}}").touch()
    time.sleep(0.5)
    return (np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4, np.uint8)), {{}}
print(open_arrays(ensure(entry, make))[0].shape)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert answers == ["(4, 8, 8, 3)"] * 4
    assert len(list(tmp_path.glob("made-*"))) == 1


def test_a_full_disk_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No space: the message says where and what to do; nothing half is left."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "_write", full)
    with pytest.raises(InputError, match="No space left on device; set HISTOCNN_CACHE"):
        ensure(tmp_path / "data" / "entry", Maker())
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["entry.lock"]


def test_a_file_that_cannot_grow_leaves_nothing_half(tmp_path: Path) -> None:
    """The kernel itself refuses the write in the middle: no entry, one line."""
    script = f"""
import resource
from pathlib import Path
import numpy as np
from histocnn.cache import ensure
from histocnn.errors import InputError
arrays = np.zeros((100, 32, 32, 3), np.uint8), np.zeros(100, np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    ensure(Path({str(tmp_path / "entry")!r}), lambda: (arrays, {{}}))
except InputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "cannot keep prepared images" in done.stdout
    assert "File too large" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["entry.lock"]


def test_the_folder_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`HISTOCNN_CACHE` moves all caches; without it they lie in the checkout."""
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path))
    assert cache.folder() == tmp_path
    monkeypatch.delenv("HISTOCNN_CACHE")
    assert cache.folder().name == ".cache"

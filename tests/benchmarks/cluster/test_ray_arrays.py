"""Prepared images on a node: fetched once, whole or not at all."""

import threading
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cluster import ray_arrays
from benchmarks.cluster.ray_arrays import Files, obtain, pack
from histocnn import cache
from histocnn.data import DatasetSpec
from histocnn.errors import InputError
from histocnn.prepare import prepare


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver's prepared images."""
    dataset = DatasetSpec.parse("synthetic").load()
    return prepare(dataset, 32, 20, root=tmp_path_factory.mktemp("driver"))


@pytest.fixture(autouse=True)
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's folder of caches, with nothing in it."""
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "node"))
    ray_arrays._is_sound.cache_clear()
    return tmp_path / "node"


class Sent:
    """Hands out an entry's files and counts how often."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.times = 0

    def __call__(self) -> Files:
        self.times += 1
        return self.files


def test_they_arrive_as_they_were_and_once(entry: Path, node: Path) -> None:
    sent = Sent(pack(entry))
    for _ in range(3):
        got = obtain(entry.name, sent)
    assert got == node / "data" / entry.name
    assert sent.times == 1
    for theirs, ours in zip(
        cache.open_arrays(got), cache.open_arrays(entry), strict=True
    ):
        assert np.array_equal(theirs, ours)


def test_who_asks_at_the_same_time_waits(entry: Path) -> None:
    sent = Sent(pack(entry))
    threads = [
        threading.Thread(target=obtain, args=(entry.name, sent)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent.times == 1


def test_damaged_ones_are_fetched_again(entry: Path) -> None:
    sent = Sent(pack(entry))
    got = obtain(entry.name, sent)
    (got / "images.npy").write_bytes(b"cut off")
    ray_arrays._is_sound.cache_clear()  # another process, later
    obtain(entry.name, sent)
    assert sent.times == 2
    assert (got / "images.npy").read_bytes() == (entry / "images.npy").read_bytes()


def test_what_arrives_damaged_is_not_kept(entry: Path, node: Path) -> None:
    """A launch would train on it; and the next would take it for the real one."""
    files = {**pack(entry), "labels.npy": np.zeros(3, np.uint8)}
    with pytest.raises(InputError):
        obtain(entry.name, lambda: files)
    kept = {path.name for path in (node / "data").iterdir() if path.is_dir()}
    assert not kept


def test_a_name_cannot_lead_out_of_the_folder(entry: Path, node: Path) -> None:
    files = pack(entry)
    got = obtain(entry.name, lambda: {f"../../{name}": files[name] for name in files})
    assert sorted(path.name for path in got.iterdir()) == sorted(files)
    assert {path.name for path in node.iterdir()} == {"data"}


def test_a_cache_that_cannot_be_written_is_told(
    entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HISTOCNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="start it with HISTOCNN_CACHE set to"):
        obtain(entry.name, lambda: pack(entry))

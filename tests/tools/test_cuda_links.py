"""A bundle finds the machine's CUDA and has it linked for Theano."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.bundle.on_target import cuda_links


def library(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_cuda_is_linked_by_the_names_that_libgpuarray_loads(tmp_path: Path) -> None:
    """The first place that has both; links that are right already stay as they are."""
    half = library(tmp_path / "half", "libnvrtc.so.11.2")
    cublas = library(tmp_path / "a", "libcublas.so.13", "libcublasLt.so.13")
    nvrtc = library(tmp_path / "b", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0")
    files = cuda_links.find(iter([[half], [tmp_path / "none"], [cublas, nvrtc]]))
    links = tmp_path / "links"
    for _ in range(2):
        cuda_links.link(files, links)
    assert (links / "libnvrtc.so").resolve() == nvrtc / "libnvrtc.so.13"
    assert (links / "libcublas.so").resolve() == cublas / "libcublas.so.13"
    assert (links / "libcublasLt.so.13").exists()
    assert (links / "libnvrtc-builtins.so.13.0").exists()
    cuda_links.link([], links)
    assert not list(links.iterdir())


def test_the_newest_cuda_that_has_both_is_linked(tmp_path: Path) -> None:
    """By number; one library of another major version is no CUDA."""
    nvrtc = library(
        tmp_path / "a", *(f"libnvrtc.so.{n}" for n in ("9.2", "11.2", "12"))
    )
    cublas = library(tmp_path / "b", "libcublas.so.9.2", "libcublas.so.11")
    assert cuda_links.find(iter([[nvrtc], [cublas]])) == []
    new = library(tmp_path / "c", "libcublas.so.12.4", "libcublasLt.so.12")
    (new / "libcublas.so").symlink_to("libcublas.so.12.4")
    links = tmp_path / "links"
    for folders, minor, major in (
        ([nvrtc, cublas], "11.2", "11"),
        ([nvrtc, cublas, new], "12", "12.4"),
    ):
        cuda_links.link(cuda_links.find(iter([folders])), links)
        assert (links / "libnvrtc.so").resolve().name == f"libnvrtc.so.{minor}"
        assert (links / "libcublas.so").resolve().name == f"libcublas.so.{major}"
    assert not (links / "libcublas.so.11").is_symlink()
    apart = [library(tmp_path / "d", "libnvrtc.so.11.2"), new]
    assert cuda_links.find(iter([apart])) == []
    (tmp_path / "d" / "libnvrtc.so.12").symlink_to("gone")
    assert cuda_links.find(iter([apart])) == []


def test_the_newest_of_one_major_version_is_linked(tmp_path: Path) -> None:
    names = [f"lib{name}.so.12.{n}" for name in ("nvrtc", "cublas") for n in (9, 10)]
    folder = library(tmp_path / "lib", *names, "libcupti.so.9.2", "libcupti.so.12")
    first, *_ = cuda_links.profiler(iter([[folder]]))
    assert first.name == "libcupti.so.12"
    cuda_links.link(cuda_links.find(iter([[folder]])), tmp_path / "links")
    linked = tmp_path / "links" / "libcublas.so"
    assert linked.readlink() == folder / "libcublas.so.12.10"


def test_what_is_no_link_does_not_end_the_run(tmp_path: Path) -> None:
    """A file of a wanted name is replaced; other files and folders are left."""
    folder = library(tmp_path / "lib", "libnvrtc.so.13", "libcublas.so.13")
    links = library(tmp_path / "links", "notes", "libnvrtc.so")
    (links / "libcublas.so").mkdir()
    for _ in range(2):
        cuda_links.link(sorted(folder.iterdir()), links)
    assert (links / "libnvrtc.so").readlink() == folder / "libnvrtc.so.13"
    assert (links / "libcublas.so").is_dir()
    assert sorted(file.name for file in links.iterdir()) == [
        *("libcublas.so", "libcublas.so.13", "libnvrtc.so", "libnvrtc.so.13", "notes")
    ]


def test_two_runs_link_side_by_side(tmp_path: Path) -> None:
    """Each of its own CUDA: none fails, and whatever is there at the end leads on."""
    names = [f"lib{name}{n}.so.1" for name in ("nvrtc", "cublas") for n in range(20)]
    sets = [
        [library(tmp_path / each, *names) / name for name in names]
        for each in ("a", "b")
    ]
    links = tmp_path / "links"

    def many(files: list[Path]) -> None:
        for turn in range(50):
            cuda_links.link(files if turn % 3 else [], links)
        cuda_links.link(files, links)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, [*sets, *sets]))
    cuda_links.link(sets[0], links)
    assert all(link.exists() for link in links.iterdir())


def test_the_loaders_folders_have_one_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [f"/opt/{n}" for n in range(20)]
    lines = [f"\tlibx.so.{n} (libc6,x86-64) => {f}/x" for n, f in enumerate(folders)]
    monkeypatch.setattr(cuda_links, "_ask", lambda command: lines if command[0] else [])
    *_, cached, _ = cuda_links.places("", tmp_path)
    assert [str(folder) for folder in cached] == sorted(folders)


def test_cupti_is_taken_wherever_it_lies(tmp_path: Path) -> None:
    """A toolkit may lack it, or have it in a folder of its own."""
    without = library(tmp_path / "lib64", "libnvrtc.so.13", "libcublas.so.13")
    with_it = library(tmp_path / "cu13", "libcupti.so.13")
    candidates = [[without, tmp_path / "none"], [with_it]]
    assert cuda_links.profiler(iter(candidates)) == [with_it / "libcupti.so.13"]
    assert cuda_links.profiler(iter([[without]])) == []


def test_cuda_is_looked_for_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After what the user names; /usr/local/cuda is what the site has chosen."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/mine:")
    for name in ("cuda-9.2", "cuda-13.0", "cuda"):
        (tmp_path / "usr" / "local" / name).mkdir(parents=True)
    first, *rest = list(cuda_links.places("", tmp_path))
    assert list(first) == [Path("/mine")]
    toolkits = [folders[0].parent.name for folders in rest[:3]]
    assert toolkits == ["cuda", "cuda-13.0", "cuda-9.2"]

"""A bundle finds the machine's CUDA and has it linked for Theano."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tools.bundle.on_target import cuda_links

RUN = Path(cuda_links.__file__).with_name("run")


def library(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_cuda_is_linked_by_the_names_that_libgpuarray_loads(tmp_path: Path) -> None:
    """The first place that has both; what is linked already is linked where it was."""
    half = library(tmp_path / "half", "libnvrtc.so.11.2")
    cublas = library(tmp_path / "a", "libcublas.so.13", "libcublasLt.so.13")
    nvrtc = library(tmp_path / "b", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0")
    files = cuda_links.find(iter([[half], [tmp_path / "none"], [cublas, nvrtc]]))
    links = cuda_links.link(files, tmp_path / "cache")
    made = {link.name: link.lstat().st_ino for link in links.iterdir()}
    assert cuda_links.link(files, tmp_path / "cache") == links
    assert {link.name: link.lstat().st_ino for link in links.iterdir()} == made
    assert (links / "libnvrtc.so").resolve() == nvrtc / "libnvrtc.so.13"
    assert (links / "libcublas.so").resolve() == cublas / "libcublas.so.13"
    assert (links / "libcublasLt.so.13").exists()
    assert (links / "libnvrtc-builtins.so.13.0").exists()


def test_the_newest_cuda_that_has_both_is_linked(tmp_path: Path) -> None:
    """By number; one library of another major version is no CUDA."""
    nvrtc = library(
        tmp_path / "a", *(f"libnvrtc.so.{n}" for n in ("9.2", "11.2", "12"))
    )
    cublas = library(tmp_path / "b", "libcublas.so.9.2", "libcublas.so.11")
    assert cuda_links.find(iter([[nvrtc], [cublas]])) == []
    new = library(tmp_path / "c", "libcublas.so.12.4", "libcublasLt.so.12")
    (new / "libcublas.so").symlink_to("libcublas.so.12.4")
    for folders, minor, major in (
        ([nvrtc, cublas], "11.2", "11"),
        ([nvrtc, cublas, new], "12", "12.4"),
    ):
        links = cuda_links.link(cuda_links.find(iter([folders])), tmp_path)
        assert (links / "libnvrtc.so").resolve().name == f"libnvrtc.so.{minor}"
        assert (links / "libcublas.so").resolve().name == f"libcublas.so.{major}"
    assert not (links / "libcublas.so.11").is_symlink()
    assert len(list(tmp_path.glob("cuda-*"))) == 2
    apart = [library(tmp_path / "d", "libnvrtc.so.11.2"), new]
    assert cuda_links.find(iter([apart])) == []
    (tmp_path / "d" / "libnvrtc.so.12").symlink_to("gone")
    assert cuda_links.find(iter([apart])) == []


def test_the_newest_of_one_major_version_is_linked(tmp_path: Path) -> None:
    names = [f"lib{name}.so.12.{n}" for name in ("nvrtc", "cublas") for n in (9, 10)]
    folder = library(tmp_path / "lib", *names, "libcupti.so.9.2", "libcupti.so.12")
    first, *_ = cuda_links.profiler(iter([[folder]]))
    assert first.name == "libcupti.so.12"
    links = cuda_links.link(cuda_links.find(iter([[folder]])), tmp_path)
    assert (links / "libcublas.so").readlink() == folder / "libcublas.so.12.10"


def test_links_that_were_damaged_are_mended(tmp_path: Path) -> None:
    """One that is gone, leads astray or is a file; what else is there is left."""
    folder = library(tmp_path / "lib", "libnvrtc.so.13", "libcublas.so.13")
    files = sorted(folder.iterdir())
    links = cuda_links.link(files, tmp_path)
    for name in ("libnvrtc.so", "libnvrtc.so.13", "libcublas.so", "libcublas.so.13"):
        (links / name).unlink()
    library(links, "notes", "libnvrtc.so")
    (links / "libnvrtc.so.13").symlink_to("gone")
    (links / "libcublas.so").mkdir()
    assert cuda_links.link(files, tmp_path) == links
    for name in ("libnvrtc.so", "libnvrtc.so.13"):
        assert (links / name).readlink() == folder / "libnvrtc.so.13"
    assert (links / "libcublas.so").is_dir()
    assert (links / "libcublas.so.13").readlink() == folder / "libcublas.so.13"
    assert (links / "notes").exists()


def test_no_session_changes_what_another_loads(tmp_path: Path) -> None:
    """Each of its own CUDA or driver, four of each at once: its links are whole.

    From the moment when it has their folder, whatever the others do.
    """
    names = [f"lib{name}{n}.so.1" for name in ("nvrtc", "cublas") for n in range(20)]
    sets = [
        [library(tmp_path / each, *names) / name for name in names]
        for each in ("a", "b")
    ]
    sets.append(
        [*sets[0], library(tmp_path / "driver", "libcuda.so.1") / "libcuda.so.1"]
    )
    start = Barrier(4 * len(sets))

    def session(files: list[Path]) -> Path:
        start.wait(60)
        for turn in range(20):
            links = cuda_links.link(files, tmp_path / f"cache{turn}")
            for file in files:
                assert (links / file.name).readlink() == file
        return links

    with ThreadPoolExecutor(start.parties) as pool:
        folders = list(pool.map(session, sets * 4))
    assert folders == folders[: len(sets)] * 4
    assert len(set(folders)) == len(sets)
    for files, links in zip(sets, folders, strict=False):
        found = {link.name for link in links.iterdir()}
        assert found == {file.name for file in files} | {
            file.name.removesuffix(".1") for file in files
        }


def test_where_the_links_are_is_printed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Alone on its line; nothing where there is no driver."""
    folder = library(tmp_path / "lib", "libnvrtc.so.13", "libcublas.so.13")
    driver = library(tmp_path / "driver", "libcuda.so.580.1") / "libcuda.so.580.1"
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    for found in (driver, None):
        monkeypatch.setattr(cuda_links, "driver", lambda found=found: found)
        assert cuda_links.main(str(tmp_path / "a cache"), "") == 0
    (links,) = (tmp_path / "a cache").iterdir()
    assert capsys.readouterr().out == f"{links}\n"
    assert (links / "libcuda.so").readlink() == driver
    assert (links / "libnvrtc.so").readlink() == folder / "libnvrtc.so.13"


@pytest.mark.parametrize(
    ("links", "before", "loaded"),
    [
        ("/a cache/cuda-1", "", "/a cache/cuda-1"),
        ("/a cache/cuda-1", "/mine", "/a cache/cuda-1:/mine"),
        ("", "/mine", "/mine"),
        ("", "", ""),
    ],
)
def test_the_start_script_puts_the_links_first(
    links: str, before: str, loaded: str, tmp_path: Path
) -> None:
    """Those that it is told of; an empty entry would be the current folder."""
    for folder in (".envs/bench/bin", ".envs/theano-cuda"):
        (tmp_path / folder).mkdir(parents=True)
    python = tmp_path / ".envs" / "bench" / "bin" / "python"
    python.write_text(
        '#!/bin/sh\ncase $3 in *cuda_links) [ "$4" = "$HISTOCNN_CACHE" ] && echo '
        f"'{links}' ;; *) echo \"$LD_LIBRARY_PATH\" ;; esac\n"
    )
    python.chmod(0o755)
    (tmp_path / "VERSION").write_text("engine=theano\nsite_python=\n")
    variables = {"PATH": os.defpath, "HISTOCNN_CACHE": str(tmp_path / "a cache")}
    done = subprocess.run(
        ["sh", shutil.copy2(RUN, tmp_path), "doctor"],
        env=variables | ({"LD_LIBRARY_PATH": before} if before else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{loaded}\n"


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

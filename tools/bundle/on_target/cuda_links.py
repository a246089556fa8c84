"""Finds this machine's CUDA for Theano, and links it by the names that it looks for.

libgpuarray loads libcuda.so, libnvrtc.so and libcublas.so; packages of the driver and
of CUDA often have them under names with a version only, in folders that the loader
does not search. Run as ``python -m tools.bundle.on_target.cuda_links CACHE [PYTHON]``
it makes a folder of links in CACHE and prints which; PYTHON is the site's own, whose
packages may hold CUDA.
"""

import contextlib
import ctypes
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

#: Both are needed, of one CUDA; what they load in turn lies beside them.
_WANTED = ("nvrtc", "cublas")
_FOLDERS_OF_WHEELS = (
    "import glob, sys; print(*(f for p in sys.path for f in glob.glob("
    "p + '/nvidia/*/lib')), sep='\\n')"
)

Place = Sequence[Path]


def places(site_python: str | None, root: Path = Path("/")) -> Iterator[Place]:
    """Where CUDA may be, best first, each a list of folders that belong together."""
    said = os.environ.get("LD_LIBRARY_PATH", "")
    yield [Path(folder) for folder in said.split(":") if folder]
    local = root / "usr" / "local"
    for toolkit in sorted(local.glob("cuda*"), key=_newest_last, reverse=True):
        targets = toolkit / "targets" / "x86_64-linux" / "lib"
        yield [toolkit / "lib64", targets, toolkit / "extras" / "CUPTI" / "lib64"]
    yield [Path(line) for line in _ask([site_python, "-c", _FOLDERS_OF_WHEELS])]
    cached = _ask(["/sbin/ldconfig", "-p"])
    yield sorted(
        {Path(line.split(" => ")[1]).parent for line in cached if " => /" in line}
    )
    yield [local / "nvidia" / "lib64", root / "usr" / "lib" / "x86_64-linux-gnu"]


def _newest_last(toolkit: Path) -> tuple[int, ...]:
    """By version; /usr/local/cuda, the site's choice, is behind them all."""
    numbers = re.findall(r"\d+", toolkit.name)
    return tuple(map(int, numbers)) if numbers else (sys.maxsize,)


def find(candidates: Iterator[Place]) -> list[Path]:
    """The libraries of the first place that has all that is wanted; none: empty.

    They are the newest CUDA's there that has both, by version, the newest first.
    """
    for place in candidates:
        files = [file for folder in place for file in _listed(folder)]
        majors = [
            {
                _version(file)[:1]
                for file in files
                if file.name.startswith(f"lib{name}.so")
            }
            for name in _WANTED
        ]
        if both := set.intersection(*majors):
            newest = max(both)
            of_it = [file for file in files if _version(file)[:1] == newest]
            return sorted(of_it, key=_version, reverse=True)
    return []


def _version(library: Path) -> tuple[int, ...]:
    """By its name, or that of the file that it is a link to; () if neither tells."""
    for name in (library.name, Path(os.path.realpath(library)).name):
        if told := re.search(r"\.so\.([0-9]+(?:\.[0-9]+)*)$", name):
            return tuple(map(int, told[1].split(".")))
    return ()


def profiler(candidates: Iterator[Place]) -> list[Path]:
    """CUPTI of the first place that has it: any that the driver takes counts calls."""
    for place in candidates:
        for folder in place:
            with contextlib.suppress(OSError):
                if found := sorted(folder.glob("libcupti.so*")):
                    return sorted(found, key=_version, reverse=True)
    return []


def _listed(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        found = [*folder.glob("libnvrtc*.so*"), *folder.glob("libcublas*.so*")]
        found += folder.glob("libnvJitLink*.so*")
        # A toolkit's stubs and static parts are no libraries to load, nor is a link
        # to what an update removed.
        return sorted(f for f in found if ".alt." not in f.name and f.exists())
    return []


def driver() -> Path | None:
    """The driver's own library, as the loader finds it; None without a driver."""
    for name in ("libcuda.so.1", "libcuda.so"):
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)
            maps = Path("/proc/self/maps").read_text()
            loaded = re.search(r"(/\S*/libcuda\.so\S*)", maps)
            return Path(loaded[1]) if loaded else None
    for folder in (
        "/usr/local/nvidia/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib64",
    ):
        if (library := Path(folder, "libcuda.so.1")).exists():
            return library
    return None


def link(files: Sequence[Path], cache: Path) -> Path:
    """A folder of links to ``files``, by their own names and without versions.

    It lies in ``cache`` and is named by what it links to: a session with another CUDA,
    or on a node with another driver, has one of its own, and none changes what the
    workers of another load. Several sessions may make one at once, or mend one: what is
    right already is left, and the rest is put in its place in one step.
    """
    wanted: dict[str, Path] = {}
    for file in files:
        for name in (file.name, file.name.partition(".so")[0] + ".so"):
            wanted.setdefault(name, file.absolute())
    folder = cache / f"cuda-{_digest(wanted)}"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        for name, file in wanted.items():
            if _target(folder / name) == file:
                continue
            new = Path(scratch, name)
            new.symlink_to(file)
            with contextlib.suppress(IsADirectoryError):
                new.replace(folder / name)
    return folder


def _digest(links: Mapping[str, Path]) -> str:
    """16 hexadecimal digits that differ where a name or its target does."""
    lines = sorted(f"{name} {file}" for name, file in links.items())
    return hashlib.sha256(os.fsencode("\n".join(lines))).hexdigest()[:16]


def _target(link: Path) -> Path | None:
    """Where it leads; None if it is no link, or gone."""
    with contextlib.suppress(OSError):
        return link.readlink()
    return None


def _ask(command: Sequence[str | None]) -> list[str]:
    """Lines that a program prints; none where it is not there or fails."""
    if not command[0]:
        return []
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout.split("\n")
    return []


def main(cache: str, site_python: str | None = None) -> int:
    """Link what there is and print where; say what Theano's GPU cases will miss."""
    library = driver()
    if library is None:
        return 0  # no GPU here: the suite says so where one is asked for
    files = find(places(site_python))
    if not files:
        print(
            "run: CUDA's libnvrtc and libcublas, of one version, are not found, which "
            "Theano needs on the GPU; name their folder in LD_LIBRARY_PATH",
            file=sys.stderr,
        )
    print(link([*files, *profiler(places(site_python)), library], Path(cache)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

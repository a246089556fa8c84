"""Programs and shared libraries: what they need, and where they look for it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.checkout import Checkout, held, is_ready, write_stamp
from tools.uv import SetupError, Uv

#: The target's own: glibc, which has to fit its loader, and the compiler's runtime,
#: which has to be as new as whatever was compiled there. They are not carried along.
_OF_THE_TARGET = re.compile(
    r"(ld-linux.*|linux-vdso|libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s"
    r"|libstdc\+\+)\.so[.\d]*"
)


def is_elf(file: Path) -> bool:
    """Say whether ``file`` is a program or a library, not a link to one."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def elves(folder: Path) -> Iterator[Path]:
    """All programs and libraries below ``folder``."""
    return (file for file in sorted(folder.rglob("*")) if is_elf(file))


def libraries(files: Sequence[Path]) -> dict[str, Path]:
    """What ``files`` need to be loaded, of what a target may lack: name and place.

    Raises
    ------
    SetupError
        if one of them is not on this machine either.
    """
    if not files:
        return {}
    asked = subprocess.run(
        ["ldd", *map(str, files)], capture_output=True, text=True, check=False
    )
    found: dict[str, Path] = {}
    for name, place in re.findall(r"^\s+(\S+) => (.*?)(?: \(0x|$)", asked.stdout, re.M):
        if _OF_THE_TARGET.fullmatch(name):
            continue
        if not Path(place).is_file():
            raise SetupError(f"{name} is not on this machine: {place}; install it")
        found[name] = Path(place)
    return found


def strip(files: Sequence[Path]) -> None:
    """Drop debugging symbols, where this machine has the tool for it."""
    if files and shutil.which("strip"):
        command = ["strip", "--strip-unneeded", *map(str, files)]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


class Patchelf:
    """patchelf at its pinned version, set up in .envs/patchelf."""

    def __init__(self, checkout: Checkout) -> None:
        folder, lock = checkout.folder("patchelf"), checkout.bundle_lock
        if not is_ready(folder, lock):
            with held(folder):
                if not is_ready(folder, lock):
                    uv = Uv(checkout)
                    uv.venv(folder)
                    uv.sync(folder, lock)
                    write_stamp(folder, lock)
        self._program = folder / "bin" / "patchelf"

    def look_in(self, folder: str, files: Sequence[Path]) -> None:
        """Have ``files`` look for libraries in ``folder``, told from $ORIGIN on.

        Before LD_LIBRARY_PATH, so that another version that lies there, of a module
        system's, is not taken in place of the one that was built for.
        """
        if not files:
            return
        command = [str(self._program), "--force-rpath", "--set-rpath", folder]
        subprocess.run([*command, *map(str, files)], check=True)

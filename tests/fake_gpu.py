"""A GPU that is a file: stand-ins for NVIDIA's two libraries, compiled where needed."""

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
MB = 2**20
_SLOTS = 64


@dataclass(frozen=True)
class FakeGpu:
    """A GPU in ``folder``; bytes of all its memory and of a process's context."""

    folder: Path
    total: int
    context: int

    @property
    def variables(self) -> dict[str, str]:
        """What a process needs to see it in the machine's own place."""
        return {
            "HISTOCNN_FAKE_GPU": str(self.folder / "gpu"),
            "LD_LIBRARY_PATH": str(self.folder),
        }

    @property
    def users(self) -> dict[int, int]:
        """Bytes by process, those of one that was killed among them."""
        content = (self.folder / "gpu").read_bytes()[16:]
        users = (struct.unpack_from("Qq", content, 16 * n) for n in range(_SLOTS))
        return {pid: count for count, pid in users if count}

    def alive(self) -> list[int]:
        """The processes that have some of it and still run."""
        return [pid for pid in self.users if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def make(
    folder: Path,
    total: int = 24576 * MB,
    context: int = 300 * MB,
    *,
    driver: str = "WELL",
) -> FakeGpu:
    """A GPU that nobody uses; the test is skipped without a C compiler.

    Its ``driver`` is WELL, OLD, SILENT where it never starts, or STUCK where only its
    GPU never answers.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("a stand-in for a GPU needs a C compiler")
    folder.mkdir()
    library = folder / "libcuda.so.1"
    command = [compiler, "-shared", "-fPIC", "-O1", f"-D{driver}"]
    subprocess.run([*command, "-o", str(library), str(SOURCE)], check=True)
    shutil.copy(library, folder / "libnvidia-ml.so.1")
    (folder / "gpu").write_bytes(struct.pack("QQ", total, context) + bytes(16 * _SLOTS))
    return FakeGpu(folder, total, context)

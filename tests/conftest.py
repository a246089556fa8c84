"""What several tests need: a small GlaS folder, and pytest run as a user runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
HEADER = "name, patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"


# Where the tests run in the background, a shell has had Ctrl-C ignored, and whatever
# is started here would inherit that; several tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def glas(tmp_path: Path) -> Path:
    """Six small images of GlaS' layout, both classes in each split, with masks."""
    folder = tmp_path / "glas"
    folder.mkdir()
    rows = [HEADER]
    for split in ("train", "testA", "testB"):
        for number, grade in enumerate(
            ("benign, adenomatous", "malignant, poorly differentiated"), start=1
        ):
            colour = (number * 60, len(rows) * 30, 90)
            Image.new("RGB", (31, 21), colour).save(folder / f"{split}_{number}.bmp")
            Image.new("L", (31, 21)).save(folder / f"{split}_{number}_anno.bmp")
            rows.append(f"{split}_{number}, {len(rows)}, {grade}")
    (folder / "Grade.csv").write_text("\n".join(rows) + "\n")
    return folder


Pytest = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_pytest(tmp_path: Path) -> Pytest:
    """Run `pytest` in the checkout, its caches and storage kept apart."""

    def run(*arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
                f"--benchmark-storage={tmp_path / 'storage'}",
                f"--journal={tmp_path / 'journals'}",
                *arguments,
            ],
            cwd=cwd,
            env={**os.environ, "HISTOCNN_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run

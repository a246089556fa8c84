"""What is saved says how something was measured, not by whom or where."""

from pathlib import Path

import pytest

from benchmarks.privacy import without_folders, without_names


@pytest.mark.parametrize(
    ("argument", "kept"),
    [
        ("--sizes", "--sizes"),
        ("benchmarks/test_train.py", "benchmarks/test_train.py"),
        ("/data/smith/run/benchmarks/test_train.py", "…/test_train.py"),
        ("--journal=/scratch/asmith/j", "--journal=…/j"),
        ("~/results/a.json", "…/a.json"),
        ("glas:/data/patients_smith/Warwick_QU", "glas:…/Warwick_QU"),
        ("glas:/data/smith/QU?split=train,testA", "glas:…/QU?split=train,testA"),
        ("torch-cuda=/opt/acme/bin/python3", "torch-cuda=…/python3"),
        ("--benchmark-storage=file:///tmp/smith/st", "--benchmark-storage=file:…/st"),
        ("0,1,grow", "0,1,grow"),
    ],
)
def test_of_a_path_the_last_name_is_kept(argument: str, kept: str) -> None:
    assert without_folders(argument) == kept


def test_the_home_is_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's name may begin alike."""
    monkeypatch.setattr(Path, "home", lambda: Path("/root"))
    text = "/root/a, /root and /rootkits/data, /root.old"
    told = without_names(text, Path("/checkout"))
    assert told == "~/a, ~ and /rootkits/data, /root.old"

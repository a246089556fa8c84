"""Sessions of `benchmarks/test_setups.py`, with workers that answer at once."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import test_setups as setups
from histocnn.job import Job
from tests.benchmarks.test_sessions import Session
from tests.fake_worker import Behaviour

LAUNCHES = 2
NAMES = list(setups.SETUPS["torch", "cpu"])
COMMAND = (
    *("benchmarks/test_setups.py", "--engines", "torch", "--devices", "cpu"),
    *("--launches", str(LAUNCHES), "--rounds", "1", "--repeats", "0"),
)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """PyTorch's set-ups on a CPU, in a folder of their own."""
    return Session(tmp_path, COMMAND, "torch")


def test_setups_of_a_case_are_measured_once_for_all_of_their_tests(
    session: Session,
) -> None:
    """Each saves its own variables beside the measurements of all set-ups."""
    code, printed = session.run()
    assert code == 0, printed
    trained = session.trained()
    assert list(trained.values()) == [LAUNCHES * len(NAMES)] * len(setups.SIZES)
    saved = session.saved()["benchmarks"]
    for size in setups.SIZES:
        cases = [case for case in saved if f"-{size}px-" in case["name"]]
        assert [case["params"]["setup"] for case in cases] == NAMES
        first, *others = [case["extra_info"]["by_turns"] for case in cases]
        assert list(first) == NAMES
        assert others == [first] * len(others)
        variables = {
            case["params"]["setup"]: case["extra_info"]["variables"] for case in cases
        }
        assert "OMP_WAIT_POLICY" not in variables["suite"]
        assert variables["passive"]["OMP_WAIT_POLICY"] == "PASSIVE"


def test_why_a_case_was_not_measured_is_found_out_once(session: Session) -> None:
    """All of its tests fail with it, and the next case is measured."""
    openings = session.folder / "openings"
    behaviour = Behaviour(faults={"64px": "out-of-memory"}, openings=str(openings))
    code, printed = session.run(behaviour=behaviour)
    assert code == 1, printed
    assert printed.count("ERROR benchmarks/test_setups.py") == len(NAMES), printed
    opened = Counter(line.split()[0] for line in openings.read_text().splitlines())
    assert list(opened.values()) == [1, LAUNCHES * len(NAMES)]


@pytest.mark.parametrize("cnmem", ["0", "grow", "1", "async"])
def test_on_a_gpu_the_suites_threads_sleep_and_the_others_spin(cnmem: str) -> None:
    """Nothing else differs."""
    job = Job("torch", "cuda", 64, 20, cnmem, 2)
    spinning, suite = (
        setups.SETUPS["torch", "cuda"][name](job, Path("/cache"))
        for name in ("spinning", "suite")
    )
    assert suite == spinning | {"OMP_WAIT_POLICY": "PASSIVE"}
    assert suite != spinning

"""Whole sessions on three Ray nodes of this machine, with workers that answer at once.

What is saved is what one machine would have saved, whoever is killed meanwhile.
"""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import environments
from tests.benchmarks.cluster.ray_here import NODES, RayHere, eventually
from tests.benchmarks.test_sessions import Session
from tests.fake_worker import Behaviour

LAUNCHES = 6
CASES = 4
pytestmark = pytest.mark.skipif(
    environments.missing("ray") is not None, reason="make env ENGINE=ray builds Ray"
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHere]:
    """A cluster whose workers take half a second to open a job."""
    log = tmp_path_factory.mktemp("log") / "log"
    behaviour = Behaviour(opening=0.5, log=str(log))
    with RayHere(msgspec.json.encode(behaviour).decode()) as cluster:
        yield cluster


@pytest.fixture
def session(here: RayHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """In a folder of its own, with the cluster's token."""
    for name, value in here.variables.items():
        monkeypatch.setenv(name, value)
    return Session(tmp_path)


def on(here: RayHere) -> tuple[str, ...]:
    """Options of a session on the cluster."""
    address = ("--launcher", "ray", "--ray-address", here.address)
    return (*address, "--launches", str(LAUNCHES))


def launches(saved: dict[str, Any]) -> list[dict[str, Any]]:
    """All that were saved, of all cases."""
    return [
        launch
        for case in saved["benchmarks"]
        for launch in case["extra_info"]["launches"]
    ]


def check(session: Session) -> dict[str, Any]:
    """Every case has its launches, none of them twice, and nothing is left over."""
    saved = session.saved()
    found = launches(saved)
    assert len(saved["benchmarks"]) == CASES
    assert Counter(
        len(case["extra_info"]["launches"]) for case in saved["benchmarks"]
    ) == {LAUNCHES: CASES}
    # Made-up times differ from launch to launch: a repeated one would show.
    times = [launch["rounds"][0]["seconds"] for launch in found]
    assert len(set(times)) == len(times)
    assert not saved["outcomes"]
    nodes = saved["cluster"]["nodes"]
    assert {launch["launched"]["node"] for launch in found} == set(nodes)
    assert {launch["launched"]["launcher"] for launch in found} == {"local"}
    hard = saved["machine_info"]["fingerprint"]["hard"]  # the same machine
    assert all(node["fingerprint"]["hard"] == hard for node in nodes.values())
    assert session.journals() == []
    return saved


def records(session: Session) -> int:
    """Launches in the journal."""
    return sum(path.read_bytes().count(b"\n") - 1 for path in session.journals())


def test_launches_of_each_case_come_from_several_nodes(
    here: RayHere, session: Session
) -> None:
    """Three nodes measure at the same time; each launch says where it ran."""
    code, printed = session.run(*on(here))
    assert code == 0, printed
    saved = check(session)
    assert len(saved["cluster"]["nodes"]) == len(NODES)
    for case in saved["benchmarks"]:
        ran = {each["launched"]["node"] for each in case["extra_info"]["launches"]}
        assert len(ran) == len(NODES)
    assert " of 3 nodes: measured training" in printed


def test_a_node_that_is_killed_costs_one_launch(
    here: RayHere, session: Session
) -> None:
    """The others make it again, and what it had finished counts."""
    with session.start(*on(here)) as process:
        try:
            eventually(lambda: records(session) >= CASES)
            here.kill(NODES[1])
            printed, _ = process.communicate(timeout=120)
        finally:
            here.start_node(NODES[1])
            here.await_line(NODES[1], "measures for")
    assert process.returncode == 0, printed
    check(session)
    assert "left the cluster" in printed
    assert printed.count("was lost and is made again") == 1


def test_a_session_that_is_killed_goes_on_where_it_was(
    here: RayHere, session: Session
) -> None:
    """Nothing that was finished is measured again; no worker stays behind."""
    with session.start(*on(here)) as process:
        eventually(lambda: records(session) >= CASES)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = records(session)
    assert CASES <= kept < CASES * LAUNCHES
    time.sleep(1)
    code, printed = session.run(*on(here), "--resume")
    assert code == 0, printed
    assert f"{kept} launches are finished" in printed
    check(session)


def test_the_plan_is_printed_and_nothing_is_measured(
    here: RayHere, session: Session
) -> None:
    """With the nodes that there are, and with others."""
    code, printed = session.run(*on(here), "--collect-only", "-q")
    assert code == 0, printed
    row = next(line.split() for line in printed.splitlines() if "c-" in line[:30])
    assert row[1:4] == [str(len(NODES)), str(CASES), str(CASES * LAUNCHES)]
    assert "expected wall time" in printed
    assert not session.json.exists()


def test_a_budget_is_of_one_machine(here: RayHere, session: Session) -> None:
    """In a line."""
    code, printed = session.run(*on(here), "--budget", "60")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "--budget shares out the time of one machine" in printed


def test_what_measures_this_machine_is_left_out(
    here: RayHere, session: Session
) -> None:
    """Its times would be beside those of the nodes, and disturb a node here."""
    others = ("benchmarks/test_load.py", "-k", "test_load")
    code, printed = session.run(*on(here), *others)
    assert code == 0, printed
    assert "it measures this machine, and --launcher names a cluster" in printed
    assert "passed" not in printed


def test_a_node_that_cannot_keep_images_is_set_aside(
    here: RayHere, session: Session
) -> None:
    """The others measure all of it; the file has the facts of those alone."""
    images = here.folder / NODES[0] / "data"
    images.rename(images.with_name("kept"))
    images.touch()
    try:
        code, printed = session.run(*on(here))
    finally:
        images.unlink()
        images.with_name("kept").rename(images)
    assert code == 0, printed
    assert printed.count("is set aside, and ") == 1
    assert "cannot keep prepared images in" in printed
    assert len(check(session)["cluster"]["nodes"]) == len(NODES) - 1

"""What the reporter costs: large files, beside pytest-benchmark's own comparison.

Whole processes are timed, from the command to its end, by turns, so that a drift of the
machine hits all of them. The files are made of a case that was measured (results/), so
that they hold all that the suite saves.
"""

import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.environments import ROOT
from benchmarks.replay import Stopwatch

STOPWATCH = Stopwatch()
MEASURED = ROOT / "results" / "h100" / "theano-cpu-200px.json"
LAUNCHES, ROUNDS = 5, 20  # of a case
TURNS = 5
_REPORTS = (sys.executable, "-m", "reports")
# {}: the files.
_COMMANDS = {
    "speedup": (*_REPORTS, "speedup", "{}", "{}"),
    "guard": (*_REPORTS, "guard", "{}", "--against", "{}"),
    "compare": (sys.executable, "-m", "pytest_benchmark", "compare", "{}", "{}"),
}


@dataclass(frozen=True)
class Cost:
    """What a command took: ``seconds`` from its start to its end, a run each.

    ``peak_bytes`` is the most memory that all of its processes had together, what they
    share counted once (Linux' proportional set size): sampled 50 times a second in a
    run of its own, since that takes time too.
    """

    seconds: list[float]
    peak_bytes: int


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """A file as the suite saved it."""
    content: dict[str, Any] = json.loads(MEASURED.read_text())
    return content


def _cases(
    template: dict[str, Any], count: int, seed: int, *, conditions: bool
) -> Iterator[dict[str, Any]]:
    """``count`` cases of LAUNCHES × ROUNDS; without ``conditions`` of times alone."""
    chance = random.Random(seed)
    case = template["benchmarks"][0]
    extra = case["extra_info"]
    (launch, *_) = extra["launches"]
    round_ = {**launch["rounds"][0], "disturbed": [], "counts": True}
    engines = ("jax", "tensorflow", "theano", "torch")
    grid = itertools.product(range(32, 1000, 4), (5, 10, 20, 50, 100), range(1, 11))
    for size, batch, cores in itertools.islice(grid, count // len(engines)):
        for engine in engines:
            axes = {"engine": engine, "size": size, "batch": batch, "cores": cores}
            data = [
                size / cores * chance.lognormvariate(0, 0.05)
                for _ in range(LAUNCHES * ROUNDS)
            ]
            rounds = [
                {**round_, "seconds": each} if conditions else {"seconds": each}
                for each in data
            ]
            launches = [
                {
                    **(launch if conditions else {}),
                    "rounds": rounds[first : first + ROUNDS],
                }
                for first in range(0, len(rounds), ROUNDS)
            ]
            name = f"test_train[{engine}-{size}px-b{batch}-cores{cores}]"
            yield {
                **case,
                "name": name,
                "fullname": f"benchmarks/test_train.py::{name}",
                "params": {**case["params"], **axes},
                "stats": {**case["stats"], "data": data, "rounds": len(data)},
                "extra_info": {
                    **extra,
                    "job": {**extra["job"], **axes},
                    "launches": launches,
                },
            }


def _save(
    path: Path, template: dict[str, Any], cases: Iterator[dict[str, Any]]
) -> None:
    """A case at a time: all of them as objects would take gigabytes."""
    rest = {name: value for name, value in template.items() if name != "benchmarks"}
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(rest).removesuffix("}"))
        file.write(', "benchmarks": [')
        for number, case in enumerate(cases):
            file.write(", " if number else "")
            file.write(json.dumps(case))
        file.write("]}")


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _peak_bytes(command: Sequence[str]) -> int:
    peak = 0
    with psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _held(process))
            time.sleep(0.02)
    assert process.returncode == 0
    return peak


def _held(process: psutil.Process) -> int:
    held = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            held += each.memory_full_info().pss
    except psutil.Error:  # it has just ended
        return 0
    return held


def _costs(
    commands: Mapping[str, Sequence[str]], config: pytest.Config
) -> dict[str, Cost]:
    """What each of ``commands`` takes, measured by turns."""
    peaks = {name: _peak_bytes(command) for name, command in commands.items()}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(1 if config.getoption("benchmark_disable") else TURNS):
        for name, command in commands.items():
            seconds[name].append(_seconds(command))
    return {name: Cost(seconds[name], peaks[name]) for name in commands}


@pytest.fixture(scope="module")
def two_files(
    template: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Callable[[int, bool], dict[str, Cost]]:
    """Runs both commands over two files of so many cases, once a kind of file."""

    @cache
    def costs(count: int, conditions: bool) -> dict[str, Cost]:
        folder = tmp_path_factory.mktemp("files")
        files = [folder / f"{name}.json" for name in "ab"]
        for seed, file in enumerate(files):
            _save(file, template, _cases(template, count, seed, conditions=conditions))
        commands = {
            name: _filled(command, files) for name, command in _COMMANDS.items()
        }
        found = _costs(commands, pytestconfig)
        for file in files:  # half a gigabyte
            file.unlink()
        return found

    return costs


def _filled(command: Sequence[str], files: Sequence[Path]) -> list[str]:
    """``command`` with the ``files`` in their places."""
    names = iter(map(str, files))
    return [next(names) if word == "{}" else word for word in command]


def _replay(benchmark: Any, cost: Cost) -> None:
    benchmark.extra_info["peak_bytes"] = cost.peak_bytes
    benchmark.pedantic(STOPWATCH.advance, rounds=STOPWATCH.load(cost.seconds))


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.parametrize(
    ("count", "conditions"),
    [
        pytest.param(10_000, False, id="10000-cases-times"),
        pytest.param(2_000, True, id="2000-cases-conditions"),
    ],
)
@pytest.mark.benchmark(group="reports-files", timer=STOPWATCH)
def test_two_files(
    benchmark: Any,
    two_files: Callable[[int, bool], dict[str, Cost]],
    command: str,
    count: int,
    conditions: bool,
) -> None:
    """``speedup`` and ``guard`` of two files, and pytest-benchmark's own compare.

    ``times``: 5 launches of 20 rounds, of which nothing but the time is kept, 80 MB a
    file; ``conditions``: all that the suite keeps of a launch and a round, six times as
    much a case.
    """
    _replay(benchmark, two_files(count, conditions)[command])


@pytest.mark.benchmark(group="reports-page", timer=STOPWATCH)
def test_page(
    benchmark: Any,
    template: dict[str, Any],
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    """``page`` of 500 cases of 100 rounds, and how large it is."""
    file = tmp_path / "run.json"
    _save(file, template, _cases(template, 500, 0, conditions=True))
    command = [*_REPORTS, "page", str(file), "--output", str(tmp_path / "page")]
    (cost,) = _costs({"page": command}, pytestconfig).values()
    (page,) = (tmp_path / "page").glob("*.html")
    benchmark.extra_info["page_bytes"] = page.stat().st_size
    _replay(benchmark, cost)

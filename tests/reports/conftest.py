"""Saved files as pytest-benchmark writes them, small and made to order."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

Record = dict[str, Any]


def _round(
    seconds: float,
    *disturbed: str,
    counts: bool | None = None,
    **joules: float,
) -> Record:
    """One epoch, as it is saved since its conditions are; left out if disturbed."""
    return {
        "seconds": seconds,
        "loss": 0.6,
        "conditions": {
            "foreign_cores": 0.01,
            "pressure": {"cpu": 0.0},
            "gpu": None,
            "joules": joules,
        },
        "disturbed": list(disturbed),
        "counts": not disturbed if counts is None else counts,
    }


def _case(
    *launches: Sequence[float | Record],
    engine: str = "theano",
    device: str = "cpu",
    size: int = 64,
    batch: int = 20,
    cnmem: str | None = None,
    cores: int = 1,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    stopped: Record | None = None,
    **job: Any,
) -> Record:
    """One training case; each launch is its rounds, or their seconds alone.

    ``notes`` are every launch's. Without loop or precision in ``job`` it is a case as
    it was saved before there was a choice.
    """
    params = {
        "engine": engine,
        "device": device,
        "size": size,
        "batch": batch,
        "cnmem": cnmem,
        "cores": cores,
    }
    name = f"test_train[{engine}-{device}-{size}px-b{batch}-cores{cores}]"
    return {
        "group": "train",
        "name": name,
        "fullname": f"benchmarks/test_train.py::{name}",
        "params": params,
        "extra_info": {
            "job": {**params, "images": 300, "dataset": "tissue", "seed": 0, **job},
            "launches": [
                {
                    "phases": {"import_seconds": 0.9, "steady_seconds": 5.0},
                    "warm_up": {"seconds": 2.0, "loss": 0.69},
                    "rounds": [
                        each
                        if isinstance(each, dict)
                        else {"seconds": each, "loss": 0.6}
                        for each in rounds
                    ],
                    **({"notes": list(notes)} if notes else {}),
                }
                for rounds in launches or [(1.0,)]
            ],
            **({"warnings": list(warnings)} if warnings else {}),
            **({"stopped": stopped} if stopped else {}),
        },
        "stats": {"median": 1.0, "rounds": 1},
    }


def _untimed(
    kind: str,
    message: str = "",
    signal: str | None = None,
    *launches: Sequence[float],
    **job: Any,
) -> Record:
    """One training case that has an outcome; ``launches`` ended well before."""
    record = _case(*launches, **job)
    extra = record.pop("extra_info")
    return {
        **{name: record[name] for name in ("name", "fullname", "params")},
        "job": extra["job"],
        "outcome": {
            "kind": kind,
            "message": message,
            "signal": signal,
            "words": "Traceback\n  the worker's last words",
        },
        "launches": extra["launches"] if launches else [],
    }


@pytest.fixture
def case() -> Callable[..., Record]:
    return _case


@pytest.fixture(name="round_")
def a_round() -> Callable[..., Record]:
    return _round


@pytest.fixture
def untimed() -> Callable[..., Record]:
    return _untimed


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a file into the working folder, which is a fresh one; gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(
        name: str,
        *cases: Record,
        node: str = "lab",
        commit: str = "c0ffee",
        dirty: bool = False,
        outcomes: Sequence[Record] = (),
        hard: Record | None = None,
        info: Record | None = None,
        when: str = "2026-11-21T20:42:02+00:00",
        cluster: object = None,
    ) -> str:
        document: Record = {
            "machine_info": {
                "node": node,
                "system": "Linux",
                "machine": "x86_64",
                "cpu": {
                    "brand_raw": "Xeon",
                    "count": 16,
                    "hz_actual": [sum(name.encode()), 0],
                },
            },
            "commit_info": {"id": commit, "dirty": dirty},
            "benchmarks": cases,
            "datetime": when,
            "version": "5.3.1",
        }
        if outcomes:
            document["outcomes"] = list(outcomes)
        if hard is not None:
            document["machine_info"]["fingerprint"] = {"hard": hard, "soft": {}}
        document["machine_info"].update(info or {})
        if cluster is not None:
            document["cluster"] = cluster
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=4))
        return name

    return write


@pytest.fixture
def mutants() -> Callable[[str, int, int], Iterator[str]]:
    """Writes bad versions of a file over ``bad.json``; gives a table format for each.

    Each is cut, has a byte changed, or a value swapped.
    """
    values = (b"null", b"-1", b"0", b'"x"', b"[]", b"{}", b"NaN", b"1e999", b"true")

    def write(good_file: str, count: int, seed: int) -> Iterator[str]:
        chance = random.Random(seed)
        good = json.dumps(json.loads(Path(good_file).read_bytes())).encode()
        for _ in range(count):
            content = bytearray(good)
            kind = chance.randrange(3)
            if kind == 0:
                del content[chance.randrange(len(content)) :]
            elif kind == 1:
                content[chance.randrange(len(content))] = chance.randrange(256)
            else:
                start = content.index(b": ", chance.randrange(len(content) - 40)) + 2
                end = min(content.find(mark, start) % len(content) for mark in b",}]")
                content[start:end] = chance.choice(values)
            Path("bad.json").write_bytes(content)
            yield chance.choice(["plain", "github", "latex", "csv", "html", "json"])

    return write

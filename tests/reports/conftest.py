"""Saved files as pytest-benchmark writes them, small and made to order."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Record = dict[str, Any]


def _case(
    *launches: Sequence[float],
    engine: str = "theano",
    device: str = "cpu",
    size: int = 64,
    batch: int = 20,
    cnmem: str | None = None,
    cores: int = 1,
    notes: Sequence[str] = (),
    **job: Any,
) -> Record:
    """One training case; each launch is the seconds of its rounds.

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
                    "phases": {"import_seconds": 0.9, "steady_seconds": sum(rounds)},
                    "warm_up": {"seconds": 2.0, "loss": 0.69},
                    "rounds": [{"seconds": each, "loss": 0.6} for each in rounds],
                    **({"notes": list(notes)} if notes else {}),
                }
                for rounds in launches or [(1.0,)]
            ],
        },
        "stats": {"median": 1.0, "rounds": 1},
    }


@pytest.fixture
def case() -> Callable[..., Record]:
    return _case


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
    ) -> str:
        document = {
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
            "datetime": "2026-11-21T20:42:02+00:00",
            "version": "5.3.1",
        }
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=4))
        return name

    return write

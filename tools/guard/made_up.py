"""Results that nobody measured, in the place of those that are still to come.

With them `python -m reports guard` says before a run what it would say after hours.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Case = Mapping[str, Any]

_JOB = {
    "engine": "made-up",
    "device": "cpu",
    "size": 32,
    "batch": 10,
    "cores": 1,
    "images": 20,
}
#: Of no case of the suite's.
ANY: Case = {"name": "case", "fullname": "case.py::case", "params": _JOB}
_MACHINE = {"node": "made-up"}
_SECONDS = (1.0, 1.1, 1.2)  # of three launches; alike they would be one


def write(
    file: Path, cases: Sequence[Case] = (ANY,), machine: Mapping[str, Any] = _MACHINE
) -> Path:
    """Have ``file`` be a saved file of three launches of each case; return it.

    ``cases`` have their ``name`` and ``fullname``, the whole job as ``params`` and, if
    need be, as what they were ``launched``; ``machine`` is pytest-benchmark's
    ``machine_info``. Of engines' versions and of the commit the file says nothing.
    """
    document = {
        "machine_info": machine,
        "commit_info": {},
        "benchmarks": [_benchmark(case) for case in cases],
    }
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def _benchmark(case: Case) -> dict[str, Any]:
    launched = {"launched": case["launched"]} if "launched" in case else {}
    launches = [{"rounds": [{"seconds": each}], **launched} for each in _SECONDS]
    return {
        **{name: case[name] for name in ("name", "fullname", "params")},
        "extra_info": {"job": case["params"], "launches": launches},
    }

"""Python run as the local launcher runs a worker: in its engine's own environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import environments
from histocnn import cache, engines, pinning
from histocnn.job import Job
from tests.conftest import ROOT


def absent(engine: str) -> str | None:
    """Why ``engine`` cannot train on this machine's CPU; None where it can."""
    interpreter = environments.interpreter(engine)
    return environments.missing(engine) or engines.get(engine).lacks(interpreter)


def printed_by(job: Job, *arguments: str, scratch: Path | None = None) -> Any:
    """The JSON that Python, given ``arguments``, printed last, set up for ``job``.

    The engine keeps what it compiles in ``scratch``, in the suite's own place if None.
    Skips the test where the engine is absent; fails it with what Python said where that
    failed.
    """
    if reason := absent(job.engine):
        pytest.skip(reason)
    done = subprocess.run(
        [environments.interpreter(job.engine), *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        | pinning.environment(job.cores)
        | engines.get(job.engine).environment(job, scratch or cache.scratch()),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

"""How a benchmark fails where a launch does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.launchers import Launcher
from benchmarks.outcomes import MeasuringFailed
from histocnn.errors import InputError
from histocnn.job import Job


@contextmanager
def in_a_line(name: str) -> Iterator[None]:
    """Fail the test in a line, ``name`` first, where a launch within does.

    So does what is broken on this machine.
    """
    try:
        yield
    except (MeasuringFailed, InputError) as error:
        # Or pytest would print the chain behind it.
        raise pytest.fail.Exception(f"{name}: {error}", pytrace=False) from None


def skip_without(launcher: Launcher, *jobs: Job) -> None:
    """Skip the test where ``launcher`` lacks what one of ``jobs`` needs.

    It fails, in a line, where that is broken.
    """
    for job in jobs:
        with in_a_line(job.id):
            if reason := launcher.missing(job):
                pytest.skip(reason)

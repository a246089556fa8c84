"""The pytest plugin: options, the session's suite, what is known before it measures."""

import signal
from collections.abc import Mapping

import pytest

from benchmarks import (
    axes,
    conduct,
    destinations,
    driver,
    environments,
    gpu_memory,
    launchers,
    options,
    theanorc,
)
from benchmarks.axes import Grid
from benchmarks.ballast import parse_cap
from benchmarks.budget import parse_seconds
from benchmarks.launchers import Settings, parse_size
from benchmarks.session import BUDGET, SUITE, suite_of
from benchmarks.suite import Suite
from histocnn.errors import InputError

pytest_plugins = ["benchmarks.saving", "benchmarks.collecting"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's own options, in a group of their own."""
    options.add(parser.getgroup("histocnn", "what to measure (histocnn)"))


def pytest_configure(config: pytest.Config) -> None:
    """Take part in how cases run and how results are saved.

    This comes before the terminal's reporter does, whose end is then around ours.
    """
    config.pluginmanager.register(conduct)
    config.pluginmanager.register(destinations)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Look at where results go; once a session has started, it would try to save."""
    try:
        destinations.check(session.config)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is to be known of the GPU before cases run, if anything is."""
    option = config.getoption
    try:
        overrides = {name: option(name) for name in axes.OPTIONS}
        grid = axes.select(option("grid"), overrides)
        gpu = launchers.gpu(option("launcher"))
        if option("launcher") not in launchers.names_here():
            return []  # another machine's GPU, and another user's settings
    except InputError:
        return []  # said once the suite is made
    notes = (
        driver.silence(),
        _pool_note(option("cnmem"), grid),
        _memory_note(grid, gpu),
    )
    return [note for note in notes if note]


def _pool_note(cnmem: str | None, grid: Grid) -> str | None:
    """What the user's Theano settings ask for, which training does not obey."""
    concerned = "theano" in grid.engines and "cuda" in grid.devices
    if not concerned and not theanorc.asks(cnmem):
        return None
    return theanorc.note(cnmem, grid.cnmem)


def _memory_note(grid: Grid, gpu: Mapping[str, str]) -> str | None:
    """Why nobody looks at the GPU that workers get."""
    if "cuda" not in grid.devices or (why := gpu_memory.doubt(gpu)) is None:
        return None
    return f"no GPU's memory, clocks and energy are told: {why}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Make the suite before anything is collected: a bad option costs one line."""
    option = session.config.getoption
    here = option("launcher") in launchers.names_here()
    # What is finished is saved then, and the terminal put in order.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    try:
        session.config.stash[BUDGET] = _budget(option("budget"), here=here)
        session.config.stash[SUITE] = Suite(
            grid=option("grid"),
            overrides={name: option(name) for name in axes.OPTIONS},
            dataset=option("dataset"),
            launcher=option("launcher"),
            settings=Settings(
                parse_size(option("memory_limit")),
                option("image"),
                environments.parse_interpreters(option("interpreter"), here=here),
                parse_cap(option("gpu_memory"), launchers.gpu(option("launcher"))),
                option("ray_address"),
                option("machines"),
            ),
            timeout=option("timeout"),
            precision=option("precision"),
            repeats=option("repeats"),
            order_seed=option("order_seed"),
        )
    except InputError as error:
        raise pytest.UsageError(str(error)) from error


def _budget(text: str | None, *, here: bool) -> float | None:
    """Seconds for all launches; None for no limit, and always if not ``here``."""
    budget = parse_seconds(text)
    if budget is not None and not here:
        raise InputError(
            "--budget shares out the time of one machine; with a cluster leave it out, "
            "or limit each case by --time-cap"
        )
    return budget


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back what the suite holds, however the session ended."""
    if (suite := config.stash.get(SUITE, None)) is not None:
        suite.close()


@pytest.fixture
def suite(pytestconfig: pytest.Config) -> Suite:
    """What this session measures."""
    return suite_of(pytestconfig)

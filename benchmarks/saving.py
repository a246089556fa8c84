"""What a saved file says beside its times: outcomes, the machine, no names."""

import platform
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import psutil
import pytest

from benchmarks import conduct, environments, fingerprint
from benchmarks.privacy import without_names
from histocnn import pinning

_untimed = pytest.StashKey[list[dict[str, Any]]]()


def keep_outcome(config: pytest.Config, benchmark: Any, facts: dict[str, Any]) -> None:
    """Have ``facts`` saved among the outcomes, under the names of ``benchmark``.

    For a case that is in no campaign (`Conductor.outcomes`) and has no time.
    """
    names = {name: getattr(benchmark, name) for name in ("name", "fullname", "params")}
    config.stash.setdefault(_untimed, []).append(names | facts)


@pytest.hookimpl(trylast=True)
def pytest_benchmark_update_json(
    config: pytest.Config, output_json: dict[str, Any]
) -> None:
    """Put kept outcomes behind those of a campaign, which `conduct` has put there."""
    if kept := config.stash.get(_untimed, []):
        output_json["outcomes"] = [*output_json.get("outcomes", []), *kept]


def hard_digest(config: pytest.Config) -> str:
    """Of the facts of this machine that forbid a comparison."""
    taken = _fingerprint(config.getoption("host_name"))
    return fingerprint.hard_digest(taken.hard)


@cache
def _fingerprint(host_name: bool) -> fingerprint.Fingerprint:
    return fingerprint.take(host_name=host_name)


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Store what times depend on, and nothing that names the machine or its user."""
    machine_info.pop("node", None)
    for momentary in ("hz_actual", "hz_actual_friendly"):
        # They differ at each look, and with them each comparison would warn.
        machine_info.get("cpu", {}).pop(momentary, None)
    machine_info["release"] = without_names(platform.release(), environments.ROOT)
    machine_info["usable_cpus"] = len(pinning.usable_cpus())
    machine_info["memory_bytes"] = psutil.virtual_memory().total
    taken = _fingerprint(config.getoption("host_name"))
    conductor = conduct.conductor_of(config)
    if conductor is not None and (images := conductor.images()):
        taken = replace(taken, soft=replace(taken.soft, images=images))
    machine_info["fingerprint"] = msgspec.to_builtins(taken)


def pytest_benchmark_update_commit_info(commit_info: dict[str, Any]) -> None:
    """Leave out what people put their names into."""
    for named in ("branch", "project"):
        commit_info.pop(named, None)


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_compare_machine_info(
    machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Leave to pytest-benchmark's warning only what forbids a comparison.

    Soft facts (git's state, free swap, …) differ at each run, and older files have no
    fingerprint at all. Both are its own copies, made to be compared.
    """
    both = (machine_info, compared_benchmark["machine_info"])
    for each in both:
        for soft in ("release", "memory_bytes"):  # a page more or less of it
            each.pop(soft, None)
    hard = [each.pop("fingerprint", {}).get("hard") for each in both]
    if all(hard):
        for each, facts in zip(both, hard, strict=True):
            each["fingerprint"] = facts

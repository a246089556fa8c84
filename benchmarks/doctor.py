"""What this machine can run, and what to do about what it cannot: ``make doctor``."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import gpu_facts, gpu_needs, launchers
from benchmarks.environments import ROOT
from benchmarks.kernel_facts import Kernel
from benchmarks.launchers import Launcher
from histocnn import engines, pinning
from histocnn.errors import InputError
from histocnn.job import Job

_LEAST_DISK = 5 * 2**30  # bytes: the environments and images of all engines
_LEAST_MEMORY = 4 * 2**30
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, what to do (None: nothing)."""

    what: str
    found: str
    remedy: str | None = None


def cores() -> Iterator[Finding]:
    """CPUs, and how steady their clock is."""
    usable, present = len(pinning.usable_cpus()), os.cpu_count() or 1
    quota = Kernel().cpu_quota
    lent = "" if quota is None else f"; a control group lends the time of {quota:g}"
    yield Finding("cores", f"{usable} usable of {present}{lent}")
    if not _GOVERNOR.exists():
        yield Finding("governor", "not told by this kernel (a virtual machine?)")
        return
    governor = _GOVERNOR.read_text().strip()
    steady = governor == "performance"
    remedy = None if steady else "cpupower frequency-set -g performance steadies times"
    yield Finding("governor", governor, remedy)


def memory() -> Iterator[Finding]:
    """Memory that is free now, and disk where environments and caches go."""
    free = psutil.virtual_memory().available
    little = "close other programs" if free < _LEAST_MEMORY else None
    yield Finding("memory", f"{free / 2**30:.1f} GB free", little)
    space = shutil.disk_usage(ROOT).free
    full = "free some: all engines need about 5 GB" if space < _LEAST_DISK else None
    yield Finding("disk", f"{space / 2**30:.1f} GB free in the checkout", full)


def gpu() -> Iterator[Finding]:
    """NVIDIA GPUs as the driver tells of them, and whether CUDA shows one."""
    facts = gpu_facts.read()
    if not facts.gpus:
        why = facts.problem or "the driver lists none"
        yield Finding("GPU", f"none: {why}", "GPU cases are skipped until then")
        return
    each = zip(facts.gpus, facts.states, facts.instances, strict=True)
    for index, (one, state, instances) in enumerate(each):
        size = "?" if one.memory_bytes is None else f"{one.memory_bytes / 2**30:.0f}"
        cut = f", MIG mode with {instances} instances" if state.mig else ""
        found = f"{one.model or 'unnamed'}, {size} GB{cut}, driver {facts.driver}"
        yield Finding(f"GPU {index}", found)
    if facts.problem:
        yield Finding("GPU", facts.problem, "the others are usable")
    if reason := gpu_needs.unusable(facts):
        yield Finding("GPU cases", "none runs on this machine itself", reason)


def docker() -> Iterator[Finding]:
    """A Docker engine, and whether it can hand a GPU to a container."""
    import docker as sdk

    try:
        client = sdk.from_env()
        facts = client.info()
    except (sdk.errors.DockerException, OSError) as error:
        yield Finding(
            "Docker",
            f"no engine answers: {_short(error)}",
            "start it, or do without --launcher docker",
        )
        return
    yield Finding("Docker", f"engine {facts['ServerVersion']}, {facts['Driver']}")
    if "nvidia" in facts["Runtimes"]:
        yield Finding("Docker GPU", "NVIDIA runtime registered")
    else:
        yield Finding(
            "Docker GPU",
            "no NVIDIA runtime",
            "install the NVIDIA Container Toolkit for GPU cases in containers",
        )


def cases() -> Iterator[Finding]:
    """Each engine on each of its devices, for each launcher of this machine.

    A launcher that lacks the same for all of them has one line.
    """
    jobs = [
        Job(engine, device, 64, 10, None if device == "cpu" else "0", 1)
        for engine in engines.names()
        for device in engines.get(engine).DEVICES
    ]
    for name in launchers.names_here():
        launcher = launchers.get(name)
        reasons = [_missing(launcher, job) for job in jobs]
        if reasons[0] and len(set(reasons)) == 1:
            yield Finding(f"{name} cases", "no", reasons[0])
            continue
        for job, reason in zip(jobs, reasons, strict=True):
            what = f"{name} {job.engine}-{job.device}"
            yield Finding(what, "no" if reason else "runs", reason)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    cores,
    memory,
    gpu,
    docker,
    cases,
)


def main(argv: Sequence[str]) -> int:
    """Print all findings; exit code 1 where no case at all can run.

    There is no option but ``--help``: another word in ``argv`` ends it with code 2.
    """
    argparse.ArgumentParser(
        prog="python -m benchmarks.doctor",
        description="What this machine can run, and what to do about what it cannot.",
        epilog="Exit code 1: no case at all can run.",
    ).parse_args(argv)
    findings = [finding for check in CHECKS for finding in check()]
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        remedy = f" — {finding.remedy}" if finding.remedy else ""
        print(f"{finding.what:{width}}  {finding.found}{remedy}")
    return 0 if any(finding.found == "runs" for finding in findings) else 1


def _missing(launcher: Launcher, job: Job) -> str | None:
    try:
        return launcher.missing(job)
    except InputError as error:
        return str(error)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

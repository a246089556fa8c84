"""Fingerprint: the facts of a machine and its software that times depend on.

It names neither the user nor, unless asked, the machine.
"""

import hashlib
import json
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchmarks import gpu_facts, software_facts
from benchmarks.environments import ROOT
from benchmarks.gpu_facts import Gpu, GpuFacts, GpuState
from benchmarks.kernel_facts import Kernel
from benchmarks.privacy import without_names
from benchmarks.software_facts import Git
from histocnn import pinning

_DIGEST = 16  # hexadecimal digits, as `reports` has them
_GIB = 2**30


@dataclass(frozen=True)
class Hard:
    """Facts whose difference forbids a comparison; None is what nobody tells.

    ``usable_cpus`` counts the hardware threads that this process may run on,
    ``physical_cores`` the cores that they are on. ``memory_bytes`` and the GPUs' are as
    installed (`installed`), since what a kernel or driver leaves of it varies.
    ``cpu_quota`` is how many cores' time a control group allows; None for no limit.
    ``container`` is what holds the measuring side, None outside of any.
    """

    architecture: str
    cpu_model: str | None
    usable_cpus: int
    physical_cores: int | None
    smt: bool | None
    cpu_quota: float | None
    memory_bytes: int | None
    gpus: tuple[Gpu, ...]
    container: str | None


@dataclass(frozen=True)
class Soft:
    """Facts whose difference deserves a note; None is what nobody tells.

    ``packages`` are versions by name; ``locks`` the SHA-256 of each environment's lock,
    hexadecimal; ``images`` the identity of each container image that cases run in.
    ``host`` is the machine's name, where it was asked for.
    """

    kernel: str | None
    microcode: str | None
    is_virtual: bool | None
    governor: str | None
    boost: bool | None
    base_mhz: float | None
    max_mhz: float | None
    numa_nodes: int | None
    huge_pages: str | None
    swap_bytes: int | None
    gpu_driver: str | None
    gpus: tuple[GpuState, ...]
    packages: dict[str, str]
    locks: dict[str, str]
    images: dict[str, str]
    git: Git | None
    host: str | None


@dataclass(frozen=True)
class Fingerprint:
    """All that is known of where and with what was measured."""

    hard: Hard
    soft: Soft


def take(
    images: Mapping[str, str] | None = None,
    host_name: bool = False,
    *,
    root: Path = Path("/"),
    checkout: Path = ROOT,
) -> Fingerprint:
    """The fingerprint of this machine; what it does not tell is None, never an error.

    Parameters
    ----------
    images
        container images that cases run in: identities (``sha256:…``) by name.
    host_name
        store the machine's name, too.
    root, checkout
        where /proc and /sys are, and where the suite is.
    """
    kernel = Kernel(root, pinning.usable_cpus())
    graphics = gpu_facts.read()
    return Fingerprint(
        _hard(kernel, graphics),
        _soft(kernel, graphics, images or {}, host_name, checkout),
    )


def hard_digest(hard: Hard) -> str:
    """16 hexadecimal digits that differ where any hard fact does, as in `reports`."""
    text = json.dumps(msgspec.to_builtins(hard), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def installed(memory: int | None) -> int | None:
    """Bytes of memory as it was bought, from the bytes that are left of it.

    Kernels and drivers keep some percent for themselves, one version more than the
    next. Rounded up to GiB, or to a sixteenth of the power of two below where that is
    more: 503.5 GiB are 512.
    """
    if memory is None:
        return None
    step = max(_GIB, (1 << max(memory, 1).bit_length() - 1) // 16)
    return -(-memory // step) * step


def _hard(kernel: Kernel, graphics: GpuFacts) -> Hard:
    return Hard(
        architecture=platform.machine(),
        cpu_model=kernel.cpu_model,
        usable_cpus=len(kernel.cpus),
        physical_cores=kernel.physical_cores,
        smt=kernel.smt,
        cpu_quota=kernel.cpu_quota,
        memory_bytes=installed(kernel.memory_bytes),
        gpus=tuple(
            replace(gpu, memory_bytes=installed(gpu.memory_bytes))
            for gpu in graphics.gpus
        ),
        container=kernel.container,
    )


def _soft(
    kernel: Kernel,
    graphics: GpuFacts,
    images: Mapping[str, str],
    host_name: bool,
    checkout: Path,
) -> Soft:
    return Soft(
        # who builds a kernel or an image may put a name into that of the thing
        kernel=kernel.release and without_names(kernel.release, checkout),
        microcode=kernel.microcode,
        is_virtual=kernel.is_virtual,
        governor=kernel.governor,
        boost=kernel.boost,
        base_mhz=kernel.base_mhz,
        max_mhz=kernel.max_mhz,
        numa_nodes=kernel.numa_nodes,
        huge_pages=kernel.huge_pages,
        swap_bytes=kernel.swap_bytes,
        gpu_driver=graphics.driver,
        gpus=graphics.states,
        packages=software_facts.packages(),
        locks=software_facts.locks(checkout),
        images={
            without_names(name, checkout): without_names(identity, checkout)
            for name, identity in images.items()
        },
        git=software_facts.git(checkout),
        host=socket.gethostname() if host_name else None,
    )

"""Engines: every other file of this folder is one, named as ``--engines`` names it.

An engine is a module with the names of the protocol `Engine`. Importing it imports no
framework: the measuring side reads the declarations without having any installed, and
only `Engine.load`, inside the worker, imports Keras and what computes under it.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from histocnn import listing

if TYPE_CHECKING:
    from histocnn.job import Job


class Runtime(Protocol):
    """An engine after loading, in the worker."""

    @property
    def keras(self) -> ModuleType:
        """The `keras` package, set to this engine."""

    def seed(self, seed: int) -> None:
        """Seed what decides the order of the images."""

    def synchronise(self) -> None:
        """Return when the device has done all that it was asked."""

    def threads(self) -> int:
        """Threads that the engine says it computes with; read back, not remembered."""

    def device_name(self) -> str:
        """The device's name as the engine reports it."""


class Engine(Protocol):
    """The contract of an engine's module.

    Attributes
    ----------
    DISTRIBUTIONS
        packages whose versions are stored with every result.
    DEVICES
        where it can train: ``cpu``, ``cuda``.
    DATA_FORMAT
        the image layout that it is fastest with: ``channels_first`` or
        ``channels_last``.
    FLIPS_KERNELS
        whether its convolution is one in the mathematical sense, which turns the
        kernel by half, where the others correlate.
    """

    DISTRIBUTIONS: tuple[str, ...]
    DEVICES: tuple[str, ...]
    DATA_FORMAT: str
    FLIPS_KERNELS: bool

    def unsupported(self, job: "Job") -> str | None:
        """Why this engine has no such combination; None where it has."""

    def lacks(self, interpreter: Path) -> str | None:
        """What this machine lacks beside the environment of ``interpreter``, if any."""

    def environment(self, job: "Job", cache: Path) -> dict[str, str]:
        """Variables to set before the worker starts; ``cache`` lasts between launches.

        They override those of `histocnn.pinning.environment`.
        """

    def load(self, job: "Job") -> Runtime:
        """Import the framework and set its threads and its memory pool."""


def names() -> tuple[str, ...]:
    """The engines there are."""
    return listing.names(sys.modules[__name__])


def get(name: str) -> Engine:
    """The engine ``name``; `InputError` lists those there are."""
    return cast(Engine, listing.member(sys.modules[__name__], "engine", name))

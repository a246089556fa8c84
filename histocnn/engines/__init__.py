"""Engines: every other file of this folder is one, named as ``--engines`` names it.

An engine is a module with the names of the protocol `Engine`. Importing it imports no
framework: the measuring side reads the declarations without having any installed, and
only `Engine.load`, inside the worker, imports Keras and what computes under it.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from histocnn import listing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from histocnn.job import Job
    from histocnn.measurement import EngineMemory


class Program(Protocol):
    """An epoch compiled, or as near to it as the machine allows.

    Attributes
    ----------
    notes
        in what it falls short, each a sentence: what could not be compiled, and why.
    """

    notes: tuple[str, ...]

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Have these on the device in place of those before; shapes never change.

        ``images`` are (n, …) in the engine's layout, ``labels`` (n, 1).
        """

    def run(self, order: "NDArray[np.int32]") -> tuple[Any, Any]:
        """Train on the loaded images in the order given, (n,), batch after batch.

        Returns the steps' losses and accuracies, each (n / batch,): what NumPy's
        `asarray` takes, and may wait for.
        """

    def weights(self) -> "list[NDArray[np.float32]]":
        """The weights as they are now, as `Model.get_weights` orders them."""


class Runtime(Protocol):
    """An engine after loading, in the worker."""

    @property
    def keras(self) -> ModuleType:
        """The `keras` package, set to this engine."""

    @property
    def compile_options(self) -> dict[str, Any]:
        """What `Model.compile` is to be told for the engine to be at its best."""

    def as_input(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> tuple[Any, Any]:
        """What `Model.fit` is given: the arrays, or the engine's own kind of them."""

    def put(self, array: "NDArray[np.float32]") -> Any:
        """A copy of ``array`` on the device, there when this returns."""

    def free_bytes(self) -> int | None:
        """Device memory that a program may still have; None where it is the host's."""

    def memory(self) -> "EngineMemory | None":
        """The GPU memory that it has, by its own count; None on the CPU."""

    def compilations(self) -> int:
        """How many times something was compiled or traced in this process so far."""

    def fused(self, model: Any, job: "Job") -> Program:
        """``model``'s training compiled by the epoch, with its optimiser and loss.

        The program starts from the model's weights, which it may leave where they are.
        """

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
    PRECISIONS
        of `histocnn.job.PRECISIONS` those that it has on some device.
    LEAST_DRIVER
        the oldest NVIDIA driver, as its first two numbers, that runs what the locked
        CUDA environment holds; None where it has none.
    """

    DISTRIBUTIONS: tuple[str, ...]
    DEVICES: tuple[str, ...]
    DATA_FORMAT: str
    PRECISIONS: tuple[str, ...]
    FLIPS_KERNELS: bool
    LEAST_DRIVER: tuple[int, int] | None

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

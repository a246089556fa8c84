"""Job: one combination of the axes, checked once, when it is made."""

from dataclasses import dataclass

from histocnn import engines
from histocnn.errors import InputError
from histocnn.memory import MEBIBYTE, MemoryPool
from histocnn.model import feature_side, smallest_size

DEVICES = ("cpu", "cuda")
LOOPS = ("fit", "fused", "peer")
PRECISIONS = ("float32", "tf32", "bfloat16")


@dataclass(frozen=True)
class Job:
    """What one case trains, on what.

    Attributes
    ----------
    engine, device
        who computes, and where: ``cpu`` or ``cuda``.
    size
        side of the square RGB images, px.
    batch, images
        images a step and images an epoch; ``batch`` divides ``images``, so that every
        step of an epoch does the same work.
    cnmem
        the GPU memory pool as `MemoryPool.parse` reads it; None on the CPU.
    cores
        CPU cores that the process may use.
    dataset
        the dataset's label (`histocnn.data.DatasetSpec.label`).
    seed
        of the starting weights and of the order of the images.
    loop
        who runs the epoch: ``fit`` is Keras' `Model.fit`, ``fused`` the same Keras
        model in compiled calls with the images on the device, ``peer`` the same
        network written by hand in the engine's framework, without Keras.
    precision
        of products: ``float32`` is float32 throughout; ``tf32`` lets an NVIDIA GPU
        round the factors to 10 bits of mantissa; ``bfloat16`` computes in that type
        and keeps weights, loss and optimiser in float32.
    gpu_memory
        MiB that the GPU is made to have, a larger one's rest being held by a
        `histocnn.ballast`; None for all of it, and on the CPU.
    machine
        the type of machine that it is for, by the name that results have for it, where
        a run measures on several; None where there is one.
    """

    engine: str
    device: str
    size: int
    batch: int
    cnmem: str | None
    cores: int
    images: int = 300
    dataset: str = "tissue"
    seed: int = 0
    loop: str = "fit"
    precision: str = "float32"
    gpu_memory: int | None = None
    machine: str | None = None

    def __post_init__(self) -> None:
        """Raise `InputError` for the first thing that cannot be."""
        engines.get(self.engine)
        for name, known in (
            ("device", DEVICES),
            ("loop", LOOPS),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"unknown {name} {getattr(self, name)!r}; there are: "
                    f"{', '.join(known)}"
                )
        for name in ("size", "batch", "images", "cores"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f"{name}={value!r}: expected a whole number from 1 up")
        if feature_side(self.size) < 1:
            raise InputError(
                f"size={self.size} px is too small for three convolutions with "
                f"pooling; the smallest is {smallest_size()} px"
            )
        self._check_batch()
        self._check_pool()

    def _check_batch(self) -> None:
        if self.batch > self.images:
            raise InputError(
                f"batch={self.batch} is larger than images={self.images}; "
                "lower --batches or raise --images"
            )
        if self.images % self.batch:
            raise InputError(
                f"batch={self.batch} does not divide images={self.images}, and a "
                "shorter last step would blur the timing; choose --images as a "
                "multiple of every batch size"
            )

    def _check_pool(self) -> None:
        if (self.cnmem is None) != (self.device == "cpu"):
            raise InputError(
                f"cnmem={self.cnmem!r} on device {self.device!r}: a GPU case needs a "
                "memory pool, a CPU case has none"
            )
        if self.cnmem is not None and str(MemoryPool.parse(self.cnmem)) != self.cnmem:
            raise InputError(
                f"cnmem={self.cnmem!r} is written {MemoryPool.parse(self.cnmem)} here"
            )
        if self.gpu_memory is not None and (
            self.device == "cpu"
            or type(self.gpu_memory) is not int
            or self.gpu_memory < 1
        ):
            raise InputError(
                f"gpu_memory={self.gpu_memory!r} on device {self.device!r}: a GPU case "
                "may have a whole number of MB, a CPU case has none"
            )

    @property
    def pool(self) -> MemoryPool | None:
        """The memory pool that ``cnmem`` names; None on the CPU."""
        return None if self.cnmem is None else MemoryPool.parse(self.cnmem)

    def reserved_bytes(self, total_bytes: int) -> int | None:
        """Bytes that the pool reserves on a GPU of ``total_bytes``; None for nothing.

        A fraction is one of `gpu_memory` where that is set.
        """
        if self.pool is None:
            return None
        if self.gpu_memory is not None:
            total_bytes = self.gpu_memory * MEBIBYTE
        return self.pool.reserved_bytes(total_bytes)

    @property
    def id(self) -> str:
        """Reads like ``theano-cpu-64px-b20-cores2``, ``theano-cuda-200px-b50-cnmem1``.

        A GPU case leaves its cores out: they are all that the machine has. Loop and
        precision are named where they are not the usual ones: ``…-cores2-fused-tf32``,
        and so is the memory that the GPU is made to have: ``…-cnmem1-of4096MB``. Last
        comes the machine, where there are several: ``…-cores2-on-xeon-16c-3f2a``.
        """
        last = f"cores{self.cores}" if self.cnmem is None else f"cnmem{self.cnmem}"
        parts = [self.engine, self.device, f"{self.size}px", f"b{self.batch}", last]
        parts += [f"of{self.gpu_memory}MB"] if self.gpu_memory is not None else []
        parts += [self.loop] if self.loop != "fit" else []
        parts += [self.precision] if self.precision != "float32" else []
        parts += [f"on-{self.machine}"] if self.machine is not None else []
        return "-".join(parts)

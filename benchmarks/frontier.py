"""The search for the largest batch that trains, by doubling and bisection.

Whether a batch fits is only known by trying; what lies between a batch that did and a
larger one that did not is taken to change over once. Memory is not quite so orderly (an
engine may choose another algorithm, with other needs, for another batch), so a result
is only what was run: this batch trained, that one did not.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from histocnn.job import Job

#: The batch refused is larger than the largest by at most this share of it.
RESOLUTION = 1 / 16
#: Images of a step beyond which nobody looks.
MOST = 65536

_FLOATS_PER_PIXEL = 160  # a step's, an image: activations and gradients, roughly
_FLOAT_BYTES = 4


class Tried(Protocol):
    """What came of one batch."""

    @property
    def batch(self) -> int:
        """Images of the step."""

    @property
    def fits(self) -> bool:
        """Whether it trained."""


Probe = TypeVar("Probe", bound=Tried)


@dataclass(frozen=True)
class Frontier(Generic[Probe]):
    """All ``probes`` in their order, and of them the two at the frontier.

    ``largest`` is the largest that fits, None where not even a batch of one does.
    ``refused`` is the smallest that does not, above ``largest``; None where none was
    refused up to the most that was to be tried.
    """

    largest: Probe | None
    refused: Probe | None
    probes: tuple[Probe, ...]


def search(probe: Callable[[int], Probe], start: int, most: int) -> Frontier[Probe]:
    """Find the largest batch from 1 to ``most`` for which ``probe`` fits.

    From ``start`` on it is doubled, or halved, until one fits and one does not, then
    the gap between them is halved until it is within `RESOLUTION` of the largest. With
    a start within a factor of two of the frontier that takes 6 probes (7 where the
    start is odd), and one more for each factor of two beyond.
    """
    fitting: Probe | None = None
    refused: Probe | None = None
    probes: list[Probe] = []
    batch = min(max(start, 1), most)
    while True:
        tried = probe(batch)
        probes.append(tried)
        if tried.fits:
            fitting = tried
        else:
            refused = tried
        least = fitting.batch if fitting else 0
        if refused is None:
            if least == most:
                break
            batch = min(2 * least, most)
        elif fitting is None:
            if refused.batch == 1:
                break
            batch = refused.batch // 2
        elif refused.batch - least <= max(1, RESOLUTION * least):
            break
        else:
            batch = (least + refused.batch) // 2
    return Frontier(fitting, refused, tuple(probes))


def guess(case: Job, known: Mapping[Job, int], gpu_bytes: int) -> int:
    """A batch to start with: the nearest neighbour's largest, scaled by image area.

    Without a neighbour of the same engine it is what ``gpu_bytes`` should hold. Jobs
    stand for cases here, whatever their batch; ``known`` has their largest batches.
    """
    neighbours = [job for job in known if job.engine == case.engine and known[job]]
    if not neighbours:
        return _by_memory(case, gpu_bytes)

    def distance(job: Job) -> tuple[int, float]:
        axes = ("loop", "precision", "cnmem")
        differing = sum(getattr(job, axis) != getattr(case, axis) for axis in axes)
        return differing, abs(math.log(job.size / case.size))

    nearest = min(neighbours, key=distance)
    return max(1, round(known[nearest] * (nearest.size / case.size) ** 2))


def most_images(case: Job, host_bytes: int, *limits: int | None) -> int:
    """The largest batch worth trying: `MOST`, or what a quarter of the host holds.

    The worker has its images there as float32, and Keras may copy them. ``limits`` are
    bytes that it may use of the host at most; None: all.
    """
    host_bytes = min([host_bytes, *(each for each in limits if each is not None)])
    image = case.size**2 * 3 * _FLOAT_BYTES
    return max(1, min(MOST, host_bytes // 4 // image))


def _by_memory(case: Job, gpu_bytes: int) -> int:
    image = case.size**2 * _FLOATS_PER_PIXEL * _FLOAT_BYTES
    return max(1, gpu_bytes // image)

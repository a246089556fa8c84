"""Memory frontiers as a file holds them: the largest batch of a case, and the next."""

from dataclasses import dataclass, replace

from reports import decoding, schema
from reports.combination import Combination
from reports.errors import InputError, printable


@dataclass(frozen=True)
class Frontier:
    """The largest batch that trained on a GPU, and the smallest that was refused.

    ``combination`` has no batch of its own: batch and images are 1 in all. ``refused``
    is None where none was refused up to the most that was tried; ``asked_bytes`` and
    ``free_bytes`` of the GPU's memory are None where nobody told. ``probes`` counts
    the batches that were tried, ``images_per_second`` is of the largest one's step.
    """

    combination: Combination
    largest: int
    refused: int | None
    asked_bytes: int | None
    free_bytes: int | None
    images_per_second: float | None
    probes: int
    device: str


def frontier(benchmark: schema.Benchmark) -> Frontier | None:
    """The frontier that ``benchmark`` is; None if it is something else.

    Raises
    ------
    InputError
        if a value in it is wrong, or contradicts another.
    """
    saved = decoding.decode_extra(benchmark.extra_info).frontier
    if saved is None:
        return None
    refused, refusal = saved.smallest_refused, saved.refused or schema.Refusal()
    if refused is not None and refused <= saved.largest:
        raise InputError(
            f"smallest_refused is {refused}, not above largest, {saved.largest}"
        )
    seconds = [
        p.seconds for p in saved.probes if p.batch == saved.largest and p.seconds
    ]
    return Frontier(
        combination=replace(Combination.of(saved.job), batch=1, images=1),
        largest=saved.largest,
        refused=refused,
        asked_bytes=refusal.asked_bytes,
        free_bytes=refusal.free_bytes,
        images_per_second=saved.largest / seconds[0] if seconds else None,
        probes=len(saved.probes),
        device=printable(saved.device_name),
    )

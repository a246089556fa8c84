"""Memory frontiers as a file holds them: the largest batch of a case, and the next."""

from dataclasses import dataclass

from msgspec import Raw
from msgspec.structs import replace

from reports import decoding, schema
from reports.combination import Combination
from reports.errors import InputError, printable


@dataclass(frozen=True)
class Frontier:
    """The largest batch that trained on a GPU, and the smallest that was refused.

    ``combination`` has no batch of its own: batch and images are 1 in all. ``largest``
    is 0 where not even one image trained. ``refused`` is None where none was refused up
    to the most that was tried; ``asked_bytes`` and ``free_bytes`` of the GPU's memory
    are None where nobody told. ``probes`` counts the batches that were tried,
    ``images_per_second`` is of the largest one's step.
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
    saved = decoding.extra_of(benchmark).frontier
    return None if saved is None else _checked(saved)


def untimed(content: Raw) -> Frontier | None:
    """The frontier that ``content``, the record of a case without a time, holds.

    It is one of 0, since any other has the time of its largest batch. None, and raises,
    as `frontier` does.
    """
    saved = decoding.decode_outcome(content).frontier
    return None if saved is None else _checked(saved)


def _checked(saved: schema.Frontier) -> Frontier:
    refused, refusal = saved.smallest_refused, saved.refused or schema.Refusal()
    if refused is not None and refused <= saved.largest:
        raise InputError(
            f"smallest_refused is {refused}, not above largest, {saved.largest}"
        )
    if saved.largest == 0 and refused != 1:
        raise InputError(
            f"smallest_refused is {refused}, expected 1 where largest is 0"
        )
    combination = Combination.of(saved.job)
    if combination.device != "cuda":
        raise InputError(f"device is {combination.device}, expected cuda")
    if saved.largest:
        _require_probe(saved, "largest", saved.largest, fits=True)
    elif fitting := [probe.batch for probe in saved.probes if probe.fits]:
        raise InputError(f"largest is 0, and a probe says that {fitting[0]} fits")
    if refused is not None:
        _require_probe(saved, "smallest_refused", refused, fits=False)
    seconds = [
        p.seconds for p in saved.probes if p.batch == saved.largest and p.seconds
    ]
    return Frontier(
        combination=replace(combination, batch=1, images=1),
        largest=saved.largest,
        refused=refused,
        asked_bytes=refusal.asked_bytes,
        free_bytes=refusal.free_bytes,
        images_per_second=saved.largest / seconds[0] if seconds else None,
        probes=len(saved.probes),
        device=printable(saved.device_name),
    )


def _require_probe(
    saved: schema.Frontier, name: str, batch: int, *, fits: bool
) -> None:
    """`InputError` unless ``batch``, the value of ``name``, was tried and came so."""
    tried = {probe.fits for probe in saved.probes if probe.batch == batch}
    if tried != {fits}:
        found = "fits" if True in tried else "does not fit"
        told = f"whose probe says that it {found}" if tried else "which has no probe"
        raise InputError(f"{name} is {batch}, {told}")

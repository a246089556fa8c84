"""Batches tried on a GPU, each in a fresh process, and what is told of them."""

import re
import time
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from benchmarks.frontier import Frontier, search
from benchmarks.gpu_memory import in_megabytes
from benchmarks.outcomes import CaseOutcome, MeasuringFailed, MemoryShort, Outcome
from benchmarks.settling import Effort
from benchmarks.suite import Suite
from histocnn.job import Job
from histocnn.measurement import Launch, Measurement

#: Prepared once a size; larger batches repeat them.
IMAGES = 300

#: How Python, C++ and NumPy say that the host's memory ran out. Engines raise
#: `MemoryError` for a GPU's too, and name it then; so do CUDA's libraries `bad_alloc`.
_HOSTS = re.compile(
    r"\bMemoryError:(?!.*([Gg]pu|GPU|device memory))|bad_alloc(?!.*cuda)"
    r"|Unable to allocate .* for an array|DefaultCPUAllocator"
)


@dataclass(frozen=True)
class Probe:
    """A batch that was tried: its launch, or the outcome of one that did not fit.

    ``wall_seconds`` are from the process's start to its end.
    """

    job: Job
    wall_seconds: float
    launch: Launch | None = None
    outcome: Outcome | None = None

    @property
    def batch(self) -> int:
        """Images of its only step."""
        return self.job.batch

    @property
    def fits(self) -> bool:
        """Whether it trained."""
        return self.launch is not None

    @property
    def why_not(self) -> str:
        """Why it did not fit, in a line; "" where it did."""
        return self.outcome.message if self.outcome else ""

    @property
    def short(self) -> MemoryShort:
        """What was asked and free where it did not fit, as far as anybody tells."""
        return (self.outcome and self.outcome.short) or MemoryShort()


@dataclass(frozen=True)
class Prober:
    """Tries batches of ``case``, a job of one image, up to ``most`` images."""

    suite: Suite
    case: Job
    most: int

    def search(self, start: int) -> Frontier[Probe]:
        """Find the largest; raises as `probe` does."""
        return search(self.probe, start, self.most)

    def probe(self, batch: int) -> Probe:
        """Train two epochs of one step of ``batch`` images in a fresh process.

        Raises `MeasuringFailed` for any outcome but a want of the GPU's memory, for
        that too where others held much of it, and `InputError` for what is broken on
        this machine.
        """
        job = replace(self.case, batch=batch, images=batch)
        effort = Effort(launches=1, rounds=1, timeout=self.suite.timeout)
        start = time.monotonic()
        try:
            launch = self.suite.launch(job, effort, images=IMAGES)
        except MeasuringFailed as failure:
            outcome = failure.outcome
            if (why := _no_frontier(outcome)) is not None:
                told = f"batch {batch}: {why}"
                raise MeasuringFailed(replace(outcome, message=told)) from None
            return Probe(job, time.monotonic() - start, outcome=outcome)
        return Probe(job, time.monotonic() - start, launch)


def _no_frontier(outcome: Outcome) -> str | None:
    """What came of a batch whose size was not too large; None where it was."""
    if outcome.kind != "out-of-memory":
        return outcome.message
    if _is_hosts(outcome):
        return f"the host, not the GPU, ran {outcome.message}"
    others = outcome.short.others_bytes if outcome.short else None
    if others is None:
        return None
    return (
        f"{outcome.message}; others held {in_megabytes(others)} of it: end those "
        "processes, or give a --gpu-memory that fits beside them"
    )


def _is_hosts(outcome: Outcome) -> bool:
    """Whether it was the host's memory that ran out; the kernel kills for no other."""
    # What is known of the GPU is behind, in any case (`readback.explained`).
    said = outcome.message.partition(" (cnmem=")[0]
    return outcome.signal is not None or _HOSTS.search(said) is not None


def in_words(found: Frontier[Probe], measurement: Measurement | None) -> str:
    """The frontier and what it took, in a line.

    ``measurement`` is the largest's; None where nothing trains.
    """
    seconds = sum(probe.wall_seconds for probe in found.probes)
    count = len(found.probes)
    cost = f"{count} probe{'' if count == 1 else 's'}, {seconds:.0f} s"
    if measurement is None:
        return f"{_nothing_trains(found)}; {cost}"
    batch = measurement.job.batch
    speed = f"{batch / measurement.median_seconds:,.0f} images/s"
    if found.refused is None:
        limit = "the most that is tried here"
    else:
        short = found.refused.short
        told = (("asked for", short.asked_bytes), ("free", short.free_bytes))
        why = [f"{what} {in_megabytes(n)}" for what, n in told if n is not None]
        limit = f"{found.refused.batch:,} does not"
        limit += f" ({', '.join(why)})" if why else ""
    return f"batch {batch:,} trains ({speed}), {limit}; {cost}"


def _nothing_trains(found: Frontier[Probe]) -> str:
    assert found.refused is not None, "without a largest, one image was refused"
    return f"nothing trains, not even a batch of 1: {found.refused.why_not}"


def record(found: Frontier[Probe], measurement: Measurement | None) -> dict[str, Any]:
    """What is saved, not under the names by which the reporter takes a grid's case.

    ``measurement`` as in `in_words`.
    """
    refused = found.refused
    job = measurement.job if measurement else found.probes[-1].job
    saved = {
        "job": job,
        "gpu_memory": job.gpu_memory,
        # Nobody but an engine that trains tells its name.
        "device_name": measurement.launches[0].device_name if measurement else "",
        "largest": measurement.job.batch if measurement else 0,
        "smallest_refused": None if refused is None else refused.batch,
        "refused": refused and refused.outcome and _refusal(refused.outcome),
        "probes": [_tried(probe) for probe in found.probes],
        "measurement": measurement,
    }
    plain: dict[str, Any] = msgspec.to_builtins(saved)
    return plain


def untimed(found: Frontier[Probe]) -> dict[str, Any]:
    """What is saved where nothing trains: the outcome of one image, and the frontier.

    No time is in it, as in the other outcomes of a file: the refused process's own is
    no epoch's.
    """
    refused = found.refused
    assert refused is not None
    assert refused.outcome is not None
    outcome = replace(refused.outcome, message=_nothing_trains(found)).anonymous()
    plain: dict[str, Any] = msgspec.to_builtins(CaseOutcome(refused.job, outcome))
    return plain | {"frontier": record(found, None)}


def _refusal(outcome: Outcome) -> dict[str, Any]:
    short = outcome.short or MemoryShort()
    return {
        "message": outcome.anonymous().message,
        "asked_bytes": short.asked_bytes,
        "free_bytes": short.free_bytes,
    }


def _tried(probe: Probe) -> dict[str, Any]:
    """A probe in plain figures: seconds and bytes, None where nobody tells."""
    launch = probe.launch
    memory = launch.gpu_memory if launch else None
    return {
        "batch": probe.batch,
        "fits": probe.fits,
        "seconds": launch.rounds[0].seconds if launch else None,
        "wall_seconds": probe.wall_seconds,
        "peak_bytes": memory.after.peak if memory else None,
        "reserved_bytes": memory.after.reserved if memory else None,
        "process_bytes": memory.process_after if memory else None,
        "peak_rss_bytes": launch.peak_rss_bytes if launch else None,
        "asked_bytes": probe.short.asked_bytes,
        "free_bytes": probe.short.free_bytes,
    }

"""Samples: kept for as long as a launch lasts, and summed up for each round."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.sentinel.cpu import CpuTimes
from benchmarks.sentinel.nvml import GpuSample
from histocnn.measurement import Conditions, GpuConditions

_Number = TypeVar("_Number", int, float)

_MOST = 40_000  # an hour at 10 Hz: some 30 MB
# What counts by hundredths of a second cannot tell less than a few of them from none.
WINDOW_SECONDS = 0.4
#: Of a window, what the worker must have trained in for its energy to be told. Behind
#: short rounds it rests until their window is over: six of 30 ms on an H100 then seemed
#: to take 5.4 to 6.3 J each, and 450 in a row 13.1 J.
_TRAINED_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Sample:
    """What all meters said at ``at`` (`time.monotonic`).

    All but ``mhz`` and parts of ``gpu`` count from some start, so that it is two
    samples' difference that means something: ``own`` is the worker's CPU seconds,
    ``stalled`` the seconds of pressure by resource, ``joules`` by meter.
    """

    at: float
    cpus: CpuTimes | None = None
    own: float | None = None
    stalled: dict[str, float] = field(default_factory=dict)
    mhz: float | None = None
    gpu: GpuSample | None = None
    joules: dict[str, float] = field(default_factory=dict)


class History:
    """Samples in the order of their times.

    Beyond ``most`` it keeps every second one of the older half: a round of long ago is
    then known by a wider window, but is known.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._samples: list[Sample] = []

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, sample: Sample) -> None:
        """Keep ``sample``, which is the newest."""
        self._samples.append(sample)
        if len(self._samples) > self._most:
            half = self._most // 2
            self._samples[:half] = self._samples[:half:2]

    @property
    def last(self) -> float:
        """When the newest was taken; long ago where there is none."""
        return self._samples[-1].at if self._samples else float("-inf")

    def window(
        self, start: float, end: float, since: float = float("-inf")
    ) -> list[Sample]:
        """The fewest samples that hold [start, end] and are 0.4 s apart or more.

        Where the window must be wider than the round, it is so at its beginning: what
        came before a round is known when the round ends. It never reaches back to
        before ``since``, and then is wider at its end. It is as wide as there are
        samples where there are too few.
        """
        newest = len(self._samples) - 1
        if newest < 0:
            return []
        last = min(bisect_left(self._samples, end, key=_at), newest)
        start = max(since, min(start, self._samples[last].at - WINDOW_SECONDS))
        first = max(0, bisect_right(self._samples, start, key=_at) - 1)
        wide = self._samples[first].at + WINDOW_SECONDS
        last = max(last, min(bisect_left(self._samples, wide, key=_at), newest))
        return self._samples[first : last + 1]


def _at(sample: Sample) -> float:
    return sample.at


def conditions(
    window: Sequence[Sample],
    cores: int,
    start: float,
    end: float,
    span: tuple[float, float],
) -> Conditions:
    """What ``window`` says of a round from ``start`` to ``end`` on ``cores`` CPUs.

    ``span`` is from when to when the worker trained without a pause, the round within.
    Its energy is told where the window is of training, and holds all but a tenth of the
    round, as it does where no samples are missing.
    """
    if len(window) < 2:
        return Conditions()
    first, last = window[0], window[-1]
    seconds = last.at - first.at
    foreign, stolen = _taken(first, last, cores)
    gpus = [sample.gpu for sample in window if sample.gpu is not None]
    metered = all(
        min(last.at, until) - max(first.at, since) >= _TRAINED_SHARE * whole
        for (since, until), whole in ((span, seconds), ((start, end), end - start))
    )
    share = (end - start) / seconds
    return Conditions(
        foreign_cores=foreign,
        steal_cores=stolen,
        pressure={
            name: stalled / seconds
            for name, stalled in _differences(first.stalled, last.stalled).items()
        },
        cpu_mhz=_mean(sample.mhz for sample in window),
        gpu=_gpu(gpus) if gpus else None,
        joules={
            name: joule * share
            for name, joule in (_joules(window) if metered else {}).items()
        },
    )


def _taken(
    first: Sample, last: Sample, cores: int
) -> tuple[float | None, float | None]:
    """Cores that other processes and the hypervisor had."""
    if first.cpus is None or last.cpus is None:
        return None, None
    # A kernel that only pretends, such as a sandbox's, has a file full of zeros.
    if last.cpus.counted <= first.cpus.counted:
        return None, None
    seconds = last.at - first.at
    stolen = max(0.0, last.cpus.stolen - first.cpus.stolen)
    if first.own is None or last.own is None:
        return None, stolen / seconds
    unused = last.cpus.unused - first.cpus.unused
    busy = cores * seconds - unused - stolen
    own = last.own - first.own
    return max(0.0, busy - own) / seconds, stolen / seconds


def _gpu(samples: Sequence[GpuSample]) -> GpuConditions:
    reasons = {reason for sample in samples for reason in sample.reasons}
    return GpuConditions(
        sm_mhz=_mean(sample.sm_mhz for sample in samples),
        throttled=tuple(sorted(reasons)),
        foreign_processes=_highest(sample.foreign for sample in samples),
        foreign_share=_mean(sample.share for sample in samples),
        temperature=_highest(sample.temperature for sample in samples),
        watts=_mean(sample.watts for sample in samples),
    )


def _joules(window: Sequence[Sample]) -> dict[str, float]:
    """What each meter counted in ``window``."""
    first, last = window[0], window[-1]
    joules = _differences(first.joules, last.joules)
    gpus = [sample.gpu for sample in window if sample.gpu is not None]
    if (energy := _gpu_joules(gpus, last.at - first.at)) is not None:
        joules["gpu"] = energy
    return joules


def _gpu_joules(samples: Sequence[GpuSample], seconds: float) -> float | None:
    """By its meter; without one, as GPUs before Volta are, by its mean power."""
    if len(samples) < 2:
        return None
    first, last = samples[0].joules, samples[-1].joules
    if first is not None and last is not None:
        return last - first
    watts = _mean(sample.watts for sample in samples)
    return None if watts is None else watts * seconds


def _differences(first: dict[str, float], last: dict[str, float]) -> dict[str, float]:
    return {
        name: max(0.0, value - first[name])
        for name, value in last.items()
        if name in first
    }


def _mean(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return statistics.fmean(told) if told else None


def _highest(values: Iterable[_Number | None]) -> _Number | None:
    return max((value for value in values if value is not None), default=None)

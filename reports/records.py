"""Records: training cases as a file holds them, each with its times or outcome."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reports import decoding, launched, schema, stats
from reports.combination import Combination
from reports.errors import InputError, printable
from reports.launched import Place
from reports.texts import lines, shortened, word

_IN_WORDS = {
    "out-of-memory": "out of memory",
    "timed-out": "timed out",
    "did-not-train": "did not train",
    "unsupported": "cannot run here",
}


class Launch(msgspec.Struct, frozen=True, array_like=True):
    """One worker process, by its epochs that count.

    ``rounds`` is how many they are, ``median`` that of their seconds, the launch's one
    sample, and ``counted_seconds`` the sum. A million of them would take long to keep.
    ``notes`` say in what its loop fell short of its best (streamed, not compiled, …),
    each a printable line of at most `texts.LONGEST_NOTE` characters. ``joules`` has the
    energy of each of those epochs that has any, summed over ``meters``; neither has
    anything where two of them were not metered alike. ``identity`` is the same for one
    launch in whatever file it is, and whichever of its epochs count there. ``phases``,
    ``memory`` (of a GPU) and ``wall_seconds`` are None or 0 where the file does not
    tell; ``all_seconds`` is the sum over all rounds, those that do not count among
    them. ``node`` is that of a cluster which measured it, "" where none did.
    """

    rounds: int
    median: float
    counted_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    joules: tuple[float, ...] = ()
    meters: tuple[str, ...] = ()
    identity: int = 0
    phases: schema.Phases | None = None
    memory: schema.GpuMemory | None = None
    wall_seconds: float = 0.0
    waited_seconds: float = 0.0
    all_seconds: float = 0.0
    device: str = ""
    node: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a case that has no time.

    ``kind`` is one of the suite's (``out-of-memory``, ``timed-out``, ``crashed``,
    ``did-not-train``, ``unsupported``, ``failed``) or what a later one writes;
    ``message`` a line for people, ``signal`` what ended a crashed worker, "" if none.
    """

    kind: str
    message: str
    signal: str = ""

    @property
    def has_run(self) -> bool:
        """Whether anything was tried: an unsupported case is known beforehand."""
        return self.kind != "unsupported"

    def __str__(self) -> str:
        words = _IN_WORDS.get(self.kind, self.kind)
        return f"{words} ({self.signal})" if self.signal else words


@dataclass(frozen=True)
class Stopped:
    """Why no more launches of a case were made; half-widths as relative errors.

    ``why`` is ``precision``, ``time-cap``, ``budget``, ``fixed`` or ``interrupted``.
    ``half_width`` is that of the 95 % interval by then, ``precision`` the one that was
    asked for; None where there is no such figure.
    """

    why: str
    half_width: float | None
    precision: float | None


class Case(msgspec.Struct, frozen=True, array_like=True):
    """One training case as one file holds it: with ``launches`` or with an ``outcome``.

    ``left_out`` has an entry a round that no statistic takes: what disturbed it, each
    in a phrase. ``warnings`` say why the times are less sure than they look.
    ``versions`` are those of the engine's packages, as pairs of name and version.
    ``places`` are where its launches were, each once: a node of a cluster with the
    digest of its hard facts, either "" where the file does not tell it; no place where
    all were on the machine that saved the file.
    """

    name: str
    combination: Combination
    launches: tuple[Launch, ...]
    outcome: Outcome | None = None
    left_out: tuple[tuple[str, ...], ...] = ()
    stopped: Stopped | None = None
    warnings: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    places: tuple[Place, ...] = ()

    @property
    def engine_version(self) -> str:
        """The engine's own, "" where the file does not tell."""
        return dict(self.versions).get(self.combination.engine, "")


def timed(name: str, benchmark: schema.Benchmark) -> Case | None:
    """The training case that ``benchmark`` is; None if it is something else.

    Raises
    ------
    InputError
        if a value in it is wrong, or if none of its rounds counts.
    """
    extra = decoding.extra_of(benchmark)
    if extra.launches is msgspec.UNSET:
        return None
    launches = [_launch(each) for each in extra.launches]
    counted = tuple([launch for launch in launches if launch.rounds])
    left_out = [
        lines(round_.disturbed)
        for launch in extra.launches
        for round_ in launch.rounds
        if not round_.counts
    ]
    if not counted:
        count = len(left_out)
        raise InputError(f"no time is left: none of its rounds counts ({count})")
    job = {**_plain(benchmark.params), **extra.job}
    places: tuple[Place, ...] = ()
    if special := launched.not_usual([launch.launched for launch in extra.launches]):
        job |= launched.told_apart(special)
        places = launched.places(special)
    return Case(
        name,
        Combination.of(job),
        counted,
        left_out=tuple(left_out),
        stopped=_stopped(extra.stopped) if extra.stopped else None,
        warnings=lines(extra.warnings),
        versions=_versions(decoding.decode_versions(extra.launches[0].versions)),
        places=places,
    )


def untimed(name: str, content: msgspec.Raw) -> Case:
    """The training case that has an outcome in place of times.

    Raises
    ------
    InputError
        if a value in it is wrong.
    """
    record = decoding.decode_outcome(content)
    ended = [launch.launched for launch in record.launches]
    special = launched.not_usual(ended or [record.launched])
    last = [record.launched] if launched.is_placed(record.launched) else []
    outcome = Outcome(
        word(record.outcome.kind) or "?",
        shortened(record.outcome.message),
        word(record.outcome.signal or ""),
    )
    job = {**_plain(record.params), **record.job, **launched.told_apart(special)}
    places = launched.places([*special, *last])
    return Case(name, Combination.of(job), (), outcome, places=places)


def _launch(launch: schema.Launch) -> Launch:
    everything = tuple([each.seconds for each in launch.rounds])
    rounds = [each for each in launch.rounds if each.counts]
    meters, joules = _energy(rounds)
    seconds: Sequence[float] = everything
    if len(rounds) < len(everything):
        seconds = [each.seconds for each in rounds]
    return Launch(
        len(seconds),
        stats.launch_median(seconds) if seconds else math.nan,
        math.fsum(seconds),
        lines(launch.notes),
        joules,
        meters,
        # Clocks of nanoseconds do not repeat themselves.
        hash(everything),
        launch.phases,
        launch.gpu_memory,
        launch.wall_seconds,
        launch.waited_seconds,
        math.fsum(everything),
        printable(launch.device_name),
        launch.launched.node and launched.node(launch.launched),
    )


def _versions(versions: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((printable(name), word(of)) for name, of in sorted(versions.items()))


def _stopped(stopped: schema.Stopped) -> Stopped:
    return Stopped(word(stopped.why), stopped.half_width, stopped.precision)


def _energy(rounds: list[schema.Round]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The meters of ``rounds`` and their sums, one of each round that has any.

    Nothing where two rounds have different meters.
    """
    conditions = [each.conditions for each in rounds]
    readings = [each.joules for each in conditions if each and each.joules]
    if len({frozenset(each) for each in readings}) != 1:
        return (), ()
    meters = tuple(sorted(printable(meter) for meter in readings[0]))
    return meters, tuple([sum(each.values()) for each in readings])


def _plain(params: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters that JSON can hold; objects are saved as their useless repr."""
    return {
        name: value
        for name, value in (params or {}).items()
        if not (isinstance(value, str) and value.startswith("UNSERIALIZABLE["))
    }

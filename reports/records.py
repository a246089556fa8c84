"""Records: training cases as a file holds them, each with its times or outcome."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reports import decoding, schema, stats
from reports.combination import Combination
from reports.errors import InputError, printable

_USUAL = schema.Launched()
LONGEST_NOTE = 300  # characters
_LONGEST_WORD = 40  # of what has to fit a cell
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
    each a printable line of at most `LONGEST_NOTE` characters. ``joules`` has the
    energy of each of those epochs, summed over ``meters``; neither has anything where
    not every one of them was metered alike. ``identity`` is the same for one launch in
    whatever file it is, and whichever of its epochs count there. ``phases``, ``memory``
    (of a GPU) and ``wall_seconds`` are None or 0 where the file does not tell;
    ``all_seconds`` is the sum over all rounds, those that do not count among them.
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
    """

    name: str
    combination: Combination
    launches: tuple[Launch, ...]
    outcome: Outcome | None = None
    left_out: tuple[tuple[str, ...], ...] = ()
    stopped: Stopped | None = None
    warnings: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()

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
        _lines(round_.disturbed)
        for launch in extra.launches
        for round_ in launch.rounds
        if not round_.counts
    ]
    if not counted:
        count = len(left_out)
        raise InputError(f"no time is left: none of its rounds counts ({count})")
    launched = [launch.launched for launch in extra.launches]
    return Case(
        name,
        Combination.of({**_plain(benchmark.params), **extra.job, **_unusual(launched)}),
        counted,
        left_out=tuple(left_out),
        stopped=_stopped(extra.stopped) if extra.stopped else None,
        warnings=_lines(extra.warnings),
        versions=_versions(decoding.decode_versions(extra.launches[0].versions)),
    )


def untimed(name: str, content: msgspec.Raw) -> Case:
    """The training case that has an outcome in place of times.

    Raises
    ------
    InputError
        if a value in it is wrong.
    """
    record = decoding.decode_outcome(content)
    launched = [launch.launched for launch in record.launches] or [record.launched]
    outcome = Outcome(
        _word(record.outcome.kind) or "?",
        _shortened(record.outcome.message),
        _word(record.outcome.signal or ""),
    )
    job = {**_plain(record.params), **record.job, **_unusual(launched)}
    return Case(name, Combination.of(job), (), outcome)


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
        _lines(launch.notes),
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
    )


def _versions(versions: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((printable(name), _word(of)) for name, of in sorted(versions.items()))


def _stopped(stopped: schema.Stopped) -> Stopped:
    return Stopped(_word(stopped.why), stopped.half_width, stopped.precision)


def _energy(rounds: list[schema.Round]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The meters of all ``rounds`` and their sums, a round each; else nothing."""
    readings = [each.conditions.joules for each in rounds if each.conditions]
    if not any(readings):
        return (), ()
    metered = {frozenset(each) for each in readings}
    if len(readings) < len(rounds) or len(metered) != 1 or not readings[0]:
        return (), ()
    meters = tuple(sorted(printable(meter) for meter in readings[0]))
    return meters, tuple([sum(each.values()) for each in readings])


def _unusual(launched: list[schema.Launched]) -> dict[str, str]:
    """What workers were launched as, where that is not the usual.

    Times of a container, or of a site's own Python, are not pooled with others.
    """
    if launched.count(_USUAL) == len(launched):
        return {}
    found = {}
    for fact in _USUAL.__struct_fields__:
        values = {getattr(each, fact) for each in launched}
        if values != {getattr(_USUAL, fact)}:
            found[fact] = ", ".join(sorted(values))
    return found


def _plain(params: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters that JSON can hold; objects are saved as their useless repr."""
    return {
        name: value
        for name, value in (params or {}).items()
        if not (isinstance(value, str) and value.startswith("UNSERIALIZABLE["))
    }


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    if not texts:
        return ()
    return tuple([_shortened(text) for text in texts if text.strip()])


def _word(text: str) -> str:
    return _shortened(text, _LONGEST_WORD)


def _shortened(text: str, most: int = LONGEST_NOTE) -> str:
    # cut first: what is spelled out may be ten times as long
    line = printable(text.strip()[: most + 1])
    return line if len(line) <= most else f"{line[: most - 1]}…"

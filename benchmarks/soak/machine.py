"""What a soak has to work with here: engines that run, cores, a disk to fill."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import environments, launchers
from benchmarks.launchers import Settings
from histocnn import engines, pinning
from histocnn.errors import InputError
from histocnn.job import Job

#: A small case that every engine can train, to ask launchers about.
_SIZE, _BATCH, _IMAGES = 32, 10, 20


@dataclass(frozen=True)
class Machine:
    """What sessions may be made of.

    ``engines`` are those that can run, by launcher; launchers without one are not in
    it. ``can_fill`` is whether a disk of a session's own can be filled up.
    """

    engines: Mapping[str, tuple[str, ...]]
    cores: int
    can_fill: bool


def survey(
    asked: Sequence[str] | None, interpreters: Sequence[str], *, can_fill: bool
) -> Machine:
    """Ask each launcher which engines it can start on this machine's CPUs.

    ``asked`` are the only engines to use (None: all), ``interpreters`` the suite's
    options of that name. `InputError` where none is left, or one asked for is missing.
    """
    settings = Settings(interpreters=environments.parse_interpreters(interpreters))
    known = engines.names() if asked is None else tuple(asked)
    runs: dict[str, tuple[str, ...]] = {}
    why: dict[str, list[str]] = defaultdict(list)
    for name in launchers.names():
        for engine in known:
            reason = _missing(name, engine, settings)
            if reason is None:
                runs[name] = (*runs.get(name, ()), engine)
            else:
                why[engine].append(f"{name}: {reason}")
    for engine in known if asked is not None else ():
        if not any(engine in each for each in runs.values()):
            reasons = "; ".join(why[engine])
            raise InputError(f"engine {engine} cannot run here: {reasons}")
    if not runs:
        raise InputError("no engine is set up; run: make env ENGINE=tensorflow")
    return Machine(runs, len(pinning.usable_cpus()), can_fill)


def _missing(launcher: str, engine: str, settings: Settings) -> str | None:
    """Why ``engine`` cannot be started there; None where it can."""
    job = Job(engine, "cpu", _SIZE, _BATCH, cnmem=None, cores=1, images=_IMAGES)
    try:
        return launchers.get(launcher, settings).missing(job)
    except InputError as error:
        return str(error)

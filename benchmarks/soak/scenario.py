"""What a session of a soak measures and what strikes it: drawn from a seed (pure)."""

import itertools
import random
from dataclasses import dataclass
from typing import Literal, TypeVar

from benchmarks.settling import LEAST_LAUNCHES
from benchmarks.soak.machine import Machine
from histocnn.job import Job

Kind = Literal["kill suite", "kill worker", "kill container", "hog CPU", "fill disk"]

_SIGNALS: dict[Kind, tuple[str, ...]] = {
    "kill suite": ("SIGKILL", "SIGTERM", "SIGINT"),
    # A stopped worker is ended by the suite's own --timeout.
    "kill worker": ("SIGKILL", "SIGSEGV", "SIGSTOP"),
}
#: How often each kind is drawn beside the others.
_WEIGHTS: dict[Kind, int] = {
    "kill suite": 6,
    "kill worker": 4,
    "kill container": 4,
    "hog CPU": 2,
    "fill disk": 2,
}
_IMAGES = (20, 24, 30, 36, 40, 48, 60)
_MOST_LAUNCHES = 8  # of all cases of a session: it is to end within a minute or so
_MOST_STRUCK_RUNS = 5
_COLD = 0.1

_Value = TypeVar("_Value", int, str)


@dataclass(frozen=True)
class Fault:
    """Something done to a run of the suite.

    It strikes once the share ``moment`` (0 to 1) of the launches that the run had
    before it is in the journal, and then ``delay`` (0 to 1) of the time that a launch
    takes has passed. ``lasting`` is for how many seconds where it is not done in an
    instant, ``signal`` the name of the signal sent.
    """

    kind: Kind
    moment: float
    delay: float
    lasting: float = 0.0
    signal: str = ""

    @property
    def name(self) -> str:
        """Kind and signal, as tables list it."""
        return f"{self.kind} {self.signal}".strip()

    def launches(self, left: int) -> int:
        """After how many of the ``left`` launches it is due, all of them included."""
        return int(self.moment * (left + 1))


@dataclass(frozen=True)
class Scenario:
    """A session: a small grid, and the faults of each run but the last.

    ``launches`` None: as many as the ``precision`` needs, within a ``time_cap`` in
    seconds. ``cold``: with no cache, so that Theano compiles all anew.
    """

    number: int
    launcher: str
    engines: tuple[str, ...]
    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    cores: tuple[int, ...]
    images: int
    rounds: int
    repeats: int
    launches: int | None
    precision: float
    time_cap: int
    cold: bool
    runs: tuple[tuple[Fault, ...], ...]

    def cases(self) -> list[str]:
        """The ids of its cases."""
        grid = itertools.product(self.engines, self.sizes, self.batches, self.cores)
        return [
            Job(engine, "cpu", size, batch, None, cores, self.images).id
            for engine, size, batch, cores in grid
        ]

    def least_launches(self) -> int:
        """Of all its cases, where each has a time in the end."""
        return len(self.cases()) * (self.launches or LEAST_LAUNCHES)

    def options(self) -> list[str]:
        """Of the suite's command line, the same for each run of the session."""
        effort = (
            [f"--precision={self.precision}", f"--time-cap={self.time_cap}"]
            if self.launches is None
            else [f"--launches={self.launches}"]
        )
        return [
            f"--launcher={self.launcher}",
            "--devices=cpu",
            f"--engines={','.join(self.engines)}",
            f"--sizes={_list(self.sizes)}",
            f"--batches={_list(self.batches)}",
            f"--cores={_list(self.cores)}",
            f"--images={self.images}",
            f"--rounds={self.rounds}",
            f"--repeats={self.repeats}",
            *effort,
        ]

    def __str__(self) -> str:
        effort = "precision" if self.launches is None else f"{self.launches} launches"
        cold = ", cold" if self.cold else ""
        cases = len(self.cases())
        return (
            f"{'+'.join(self.engines)} {self.launcher}, {cases} case"
            f"{'s' * (cases > 1)} × {effort}{cold}"
        )


def draw(seed: int, number: int, machine: Machine) -> Scenario:
    """Session ``number`` of the soak with ``seed``: the same on the same machine."""
    chance = random.Random(f"{seed}/{number}")
    launcher = chance.choice(sorted(machine.engines))
    engines = _some(chance, machine.engines[launcher])
    images = chance.choice(_IMAGES)
    batches = [batch for batch in range(4, images + 1) if images % batch == 0]
    sizes = chance.sample(range(22, 65), chance.choice((1, 1, 2)))
    cores = _some(chance, tuple(range(1, machine.cores + 1)))
    cases = len(engines) * len(sizes) * len(cores)
    launches = chance.choice((1, 2, 3, None))
    if cases * (launches or LEAST_LAUNCHES) > _MOST_LAUNCHES:
        launches = max(1, _MOST_LAUNCHES // cases)
    return Scenario(
        number=number,
        launcher=launcher,
        engines=engines,
        sizes=tuple(sizes),
        batches=(chance.choice(batches),),
        cores=cores,
        images=images,
        rounds=chance.randint(1, 3),
        repeats=chance.randint(0, 2),
        launches=launches,
        precision=chance.choice((0.05, 0.2)),
        time_cap=chance.randint(5, 20),
        # A container's compile cache is a volume that all sessions share.
        cold=chance.random() < _COLD and launcher == "local",
        runs=tuple(
            _faults(chance, launcher, machine)
            for _ in range(chance.randint(1, _MOST_STRUCK_RUNS))
        ),
    )


def _faults(
    chance: random.Random, launcher: str, machine: Machine
) -> tuple[Fault, ...]:
    """One or two faults for a run."""
    elsewhere: Kind = "kill worker" if launcher == "docker" else "kill container"
    kinds = [
        kind
        for kind in _WEIGHTS
        if kind != elsewhere and (machine.can_fill or kind != "fill disk")
    ]
    weights = [_WEIGHTS[kind] for kind in kinds]
    return tuple(
        Fault(
            kind=kind,
            moment=chance.random(),
            delay=chance.random() ** 2,  # often at once, where states change
            lasting=chance.uniform(2, 12),
            signal=chance.choice(_SIGNALS.get(kind, ("",))),
        )
        for kind in chance.choices(kinds, weights, k=chance.choice((1, 1, 2)))
    )


def _some(chance: random.Random, values: tuple[_Value, ...]) -> tuple[_Value, ...]:
    """One or two of ``values``."""
    number = min(len(values), chance.choice((1, 1, 2)))
    return tuple(chance.sample(values, number))


def _list(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))

"""How many times faster a GPU is than so many CPU cores, over all batch sizes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from msgspec.structs import replace

from reports import stats
from reports.baseline import Baseline
from reports.combination import ASSUMED, Combination
from reports.comparison import comparable
from reports.origins import Machine
from reports.pool import Pooled

#: Whose CPU time a GPU is compared with.
SAME, BEST = "same engine", "best CPU engine"
#: What a cell may bear behind its speed-up, in this order, and what that means.
MARKS = {
    "°": "over fewer batch sizes: not all were measured on so many cores",
    "‖": "the best of fewer engines than on other numbers of cores",
    "†": "GPU and CPU differ in precision: part of the ratio comes from that",
    "§": "GPU and CPU were measured with different commits of the suite",
}
#: Facts of a case that may differ between engines without making it another task.
_APART = ("gpu_memory", "interpreter")

Task = tuple[Machine, int, int, int, int, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Pair:
    """A GPU case and the CPU case that it is compared with, of one batch size."""

    gpu: Pooled
    cpu: Pooled

    @property
    def speedup(self) -> stats.Speedup:
        """t_cpu / t_gpu with its interval."""
        return stats.speedup(self.cpu.medians, self.gpu.medians)

    @property
    def codes_differ(self) -> bool:
        """Whether the two were measured with different commits of the suite."""
        return not self.gpu.code.is_commit_of(self.cpu.code)

    @property
    def precisions_differ(self) -> bool:
        """Whether part of the speed-up comes from other arithmetic."""
        return self.gpu.combination.precision != self.cpu.combination.precision

    @property
    def batch(self) -> int:
        """The batch size of both."""
        return self.gpu.combination.batch

    @property
    def cpu_name(self) -> str:
        """The CPU case's engine, with its loop where that is not Keras' own."""
        return _name(self.cpu)


@dataclass(frozen=True)
class Row:
    """One GPU setting against the CPU: a list of pairs for each number of cores.

    ``gpus`` are its cases in the order of their batch sizes, ``against`` is `SAME` or
    `BEST`; ``cells`` has the pairs in that order too, and no entry for numbers of cores
    that nothing was measured on. ``engines`` are those among which the best was found,
    by number of cores.
    """

    gpus: tuple[Pooled, ...]
    against: str
    cells: Mapping[int, tuple[Pair, ...]]
    engines: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def mean(self, cores: int) -> stats.Speedup | None:
        """Geometric mean over batch sizes against so many ``cores``; None if none."""
        pairs = self.cells.get(cores, ())
        if not pairs:
            return None
        return stats.mean_speedup([(p.cpu.medians, p.gpu.medians) for p in pairs])

    def highest(self, cores: int) -> Pair | None:
        """The pair of the highest speed-up, as the paper prints them; None if none."""
        pairs = self.cells.get(cores, ())
        return max(pairs, key=lambda pair: pair.speedup.ratio, default=None)

    def marks(self, cores: int, pairs: Sequence[Pair] | None = None) -> str:
        """Those of `MARKS` that a cell bears; ``pairs``: of these of it, not of all."""
        pairs = self.cells.get(cores, ()) if pairs is None else pairs
        borne = {
            "°": self.is_partial(cores),
            "‖": self.lacks_engines(cores),
            "†": any(pair.precisions_differ for pair in pairs),
            "§": any(pair.codes_differ for pair in pairs),
        }
        return "".join(mark for mark in MARKS if borne[mark])

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes that any cell is of, in their order."""
        found = {pair.batch for pairs in self.cells.values() for pair in pairs}
        return tuple(sorted(found))

    def is_partial(self, cores: int) -> bool:
        """Whether this cell lacks a batch size that another of the row is of."""
        pairs = self.cells.get(cores, ())
        return bool(pairs) and tuple(pair.batch for pair in pairs) != self.batches

    def lacks_engines(self, cores: int) -> bool:
        """Whether the best of this cell is of fewer engines than another cell's."""
        everyone = frozenset[str]().union(
            *(self.engines.get(n, ()) for n in self.cells)
        )
        return cores in self.cells and self.engines.get(cores, everyone) != everyone


def rows(cases: Iterable[Pooled]) -> tuple[Row, ...]:
    """A row for each GPU setting and whom it is compared with; in the cases' order.

    Where no other engine was faster on any CPU, there is no row for the best one.
    """
    known = list(cases)
    timed = [case for case in known if case.outcome is None]
    on_cpu = [case for case in timed if case.combination.device == "cpu"]
    same = {(case.combination, case.machine): case for case in on_cpu}
    tried: dict[Task, list[Pooled]] = defaultdict(list)
    for case in known:
        if case.combination.device == "cpu":
            tried[_task(case, case.combination.cores)].append(case)
    groups: dict[tuple[Combination, Machine], list[Pooled]] = defaultdict(list)
    for case in timed:
        if case.combination.device != "cpu":
            setting = replace(case.combination, batch=0)
            groups[setting, case.machine].append(case)
    cores = sorted({case.combination.cores for case in on_cpu}, reverse=True)
    found = []
    for gpus in groups.values():
        own = Row(tuple(gpus), SAME, _own_cells(gpus, cores, same))
        best = _best_row(gpus, cores, tried)
        found += [own] if own.cells else []
        found += [best] if _tells_more(best, own) else []
    return tuple(found)


def _tells_more(best: Row, own: Row) -> bool:
    """Whether another engine was faster on any CPU."""
    return any(
        pair not in own.cells.get(cores, ())
        for cores, pairs in best.cells.items()
        for pair in pairs
    )


def _own_cells(
    gpus: Sequence[Pooled],
    cores: Sequence[int],
    on_cpu: Mapping[tuple[Combination, Machine], Pooled],
) -> dict[int, tuple[Pair, ...]]:
    """For each number of ``cores`` the pairs with the same engine on them."""
    cells = {
        n: tuple(Pair(gpu, cpu) for gpu in gpus if (cpu := _same(gpu, n, on_cpu)))
        for n in cores
    }
    return {n: pairs for n, pairs in cells.items() if pairs}


def _same(
    gpu: Pooled, cores: int, on_cpu: Mapping[tuple[Combination, Machine], Pooled]
) -> Pooled | None:
    """The same engine's case on so many cores, in the nearest precision it has."""
    baseline = Baseline((("device", "cpu"), ("cores", cores)))
    for combination in baseline.candidates(gpu.combination):
        cpu = on_cpu.get((combination, gpu.machine))
        if cpu is not None and comparable(gpu, cpu):
            return cpu
    return None


def _best_row(
    gpus: Sequence[Pooled], cores: Sequence[int], tried: Mapping[Task, Sequence[Pooled]]
) -> Row:
    """Against the fastest, at batch sizes where all were tried that were at any.

    An engine that was measured at one batch size only would make a dent there, which
    looks as if the GPU had been slow.
    """
    cells, engines = {}, {}
    for n in cores:
        by_gpu = [(gpu, _rivals(gpu, tried.get(_task(gpu, n), ()))) for gpu in gpus]
        names = [frozenset(map(_name, rivals)) for _, rivals in by_gpu]
        engines[n] = frozenset[str]().union(*names)
        pairs = tuple(
            Pair(gpu, best)
            for (gpu, rivals), named in zip(by_gpu, names, strict=True)
            if named == engines[n] and (best := _fastest(rivals)) is not None
        )
        if pairs:
            cells[n] = pairs
    return Row(tuple(gpus), BEST, cells, engines)


def _rivals(gpu: Pooled, cpus: Iterable[Pooled]) -> list[Pooled]:
    """Those in float32 or in the GPU case's own precision."""
    allowed = {gpu.combination.precision, ASSUMED["precision"]}
    return [
        cpu
        for cpu in cpus
        if cpu.combination.precision in allowed and comparable(gpu, cpu)
    ]


def _fastest(cases: Iterable[Pooled]) -> Pooled | None:
    """None where none of them has a time: all ran out of memory, say."""
    timed = [case for case in cases if case.outcome is None]
    return min(timed, key=lambda case: median(case.medians), default=None)


def _name(case: Pooled) -> str:
    """Its engine, with its loop where that is not Keras' own."""
    engine, loop = case.combination.engine, case.combination.loop
    return engine if loop == ASSUMED["loop"] else f"{engine} {loop}"


def _task(case: Pooled, cores: int) -> Task:
    """What a case computes on ``cores`` cores, whoever does it and in what loop."""
    combination = case.combination
    return (
        case.machine,
        combination.size,
        combination.batch,
        combination.images,
        cores,
        tuple(each for each in combination.others if each[0] not in _APART),
    )

"""The headline of files without a GPU: the speed-up of many cores over few."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from reports import stats
from reports.combination import ASSUMED, Combination
from reports.comparison import comparable
from reports.origins import Machine
from reports.page import headline
from reports.page.headline import Headline, Line
from reports.pool import Pooled

_MOST_LINES = 6


@dataclass(frozen=True)
class _Group:
    """An engine's cases in one loop and precision on one machine.

    ``tasks`` has a mapping for all cases that differ in their cores only: by those.
    """

    setting: Combination
    tasks: tuple[Mapping[int, Pooled], ...]

    @property
    def fewest(self) -> int:
        """What speed-ups are over."""
        return min(n for task in self.tasks for n in task)

    @property
    def cores(self) -> tuple[int, ...]:
        """More than the fewest, where a case was measured on both; the most first."""
        more = {n for task in self.tasks for n in task} - {self.fewest}
        return tuple(sorted((n for n in more if self.pairs(n)), reverse=True))

    def pairs(self, cores: int) -> list[tuple[Pooled, Pooled]]:
        """Of each task its case on the fewest and on so many ``cores``."""
        both = (task for task in self.tasks if {self.fewest, cores} <= task.keys())
        pairs = [(task[self.fewest], task[cores]) for task in both]
        return [pair for pair in pairs if comparable(*pair)]

    def mean(self, cores: int) -> stats.Speedup | None:
        """Geometric mean over tasks; None where no task was measured on both."""
        pairs = [(few.medians, many.medians) for few, many in self.pairs(cores)]
        return stats.mean_speedup(pairs) if pairs else None


def of(cases: Sequence[Pooled]) -> Headline | None:
    """What CPU cases on several numbers of cores bear out; None without any such.

    The engine that speaks for all is the one measured most widely, not the fastest.
    """
    groups = sorted(_groups(cases), key=_width, reverse=True)
    if not groups:
        return None
    shown = [
        group for group in groups[:_MOST_LINES] if group.fewest == groups[0].fewest
    ]
    cores = sorted({n for group in shown for n in group.cores}, reverse=True)
    means = [[group.mean(n) for n in cores] for group in shown]
    told = [each for row in means for each in row if each is not None]
    return Headline(
        claim=_claim(groups[0]),
        caption=f"Times as fast as {headline.cores(groups[0].fewest)}",
        headings=tuple(map(headline.cores, cores)),
        lines=tuple(
            Line(_label(group), tuple([headline.figure(mean) for mean in row]))
            for group, row in zip(shown, means, strict=True)
        ),
        notes=(
            f"Speed-up = seconds on {headline.cores(groups[0].fewest)} / seconds on so "
            "many; means are geometric, over all cases measured on both.",
            *headline.legend(told),
            *_commits([pair for g in shown for n in g.cores for pair in g.pairs(n)]),
        ),
    )


def _groups(cases: Sequence[Pooled]) -> Iterator[_Group]:
    """Those with a speed-up to tell."""
    tasks: dict[tuple[Combination, Machine], dict[int, Pooled]] = defaultdict(dict)
    for case in cases:
        if case.outcome is None and case.combination.device == "cpu":
            task = replace(case.combination, cores=0)
            tasks[task, case.machine][case.combination.cores] = case
    groups: dict[tuple[Combination, Machine], list[Mapping[int, Pooled]]] = {}
    for (task, machine), by_cores in tasks.items():
        if len(by_cores) > 1:
            setting = replace(task, size=0, batch=0)
            groups.setdefault((setting, machine), []).append(by_cores)
    for (setting, _), found in groups.items():
        group = _Group(setting, tuple(found))
        if group.cores:
            yield group


def _width(group: _Group) -> tuple[object, ...]:
    """How widely measured: from how few to how many cores, and in how many cases."""
    setting = group.setting
    return (
        -group.fewest,
        group.cores[0],
        len(group.pairs(group.cores[0])),
        setting.loop == ASSUMED["loop"],
        setting.precision == ASSUMED["precision"],
    )


def _claim(group: _Group) -> str:
    most, fewest = group.cores[0], group.fewest
    mean = group.mean(most)
    assert mean is not None, "cores has those only that a case was measured on"
    who = f"On {headline.cores(most)}, {group.setting.engine}"
    return headline.claim(who, [(mean, f"on {fewest}")])


def _commits(pairs: Sequence[tuple[Pooled, Pooled]]) -> Iterator[str]:
    if not all(few.code.is_commit_of(many.code) for few, many in pairs):
        yield "Some speed-ups are between different commits of the suite."


def _label(group: _Group) -> str:
    setting = group.setting
    pairs = group.pairs(group.cores[0])
    only = pairs[0][0].combination
    cases = f"Mean of {len(pairs)} cases"
    if len(pairs) == 1:
        cases = f"{only.size} px, batch {only.batch}"
    return (
        f"{cases}, {setting.engine}, loop {setting.loop}, {setting.precision}, "
        f"{pairs[0][0].where}"
    )

"""Words: the labels, titles and captions of drawings, all of it plain text."""

from collections.abc import Sequence

from reports import digits, stats, texts
from reports.figures.groups import Group
from reports.gpu import Pair
from reports.pool import Pooled


def pool(cnmem: str) -> str:
    """A memory pool as a legend names it."""
    return f"cnmem = {cnmem}" if cnmem else "cnmem not told"


def with_pool(cnmem: str) -> str:
    """The same as part of a sentence."""
    if not cnmem:
        return "with a memory pool or none, which is not told"
    kind = "without" if cnmem == "0" else "with"
    return f"{kind} a memory pool ({pool(cnmem)})"


def cores(count: int) -> str:
    """``1 core``, ``16 cores``."""
    return "1 core" if count == 1 else f"{count} cores"


def time_label(case: Pooled, time: stats.EpochTime) -> str:
    """What a time is of, the time, its range and what that is."""
    combination = case.combination
    of = f"{combination.size} px, batch {combination.batch}, {_pool(case)}"
    low, high = (None, None) if time.launches == 1 else (time.low, time.high)
    value = _ranged(time.seconds, "s", low, high, time.has_interval)
    return f"{of}: {value}, {_launches(time.launches)}"


def speedup_label(pair: Pair, low: float | None, high: float | None) -> str:
    """What a speed-up is of, the ratio, its range and what that is."""
    speedup = pair.speedup
    gpu, cpu = pair.gpu.combination, pair.cpu.combination
    of = f"{gpu.size} px, batch {gpu.batch}, {_pool(pair.gpu)}, {cores(cpu.cores)}"
    value = _ranged(speedup.ratio, "×", low, high, speedup.low is not None)
    on_gpu, on_cpu = len(pair.gpu.launches), len(pair.cpu.launches)
    against = f"{on_cpu} on the CPU ({pair.cpu_name}, {cpu.precision})"
    return f"{of}: {value}, {_launches(on_gpu)} on the GPU, {against}"


def conditions(group: Group) -> str:
    """A sentence on what is the same in all cases of ``group``, and where they ran."""
    case = group.cases[0]
    combination = case.combination
    versions = {dict(each.versions).get(combination.engine, "") for each in group.cases}
    engine = " ".join([combination.engine, " or ".join(sorted(versions - {""}))])
    facts = [
        engine.strip(),
        f"loop {combination.loop}",
        combination.precision,
        f"{combination.images} images an epoch",
        *[f"{name} {value}" for name, value in combination.others],
        group.device,
        f"beside {case.where}",
    ]
    commits = {(each.code.commit, each.code.file) for each in group.cases}
    several = f"; measured with {len(commits)} commits of the suite"
    return _sentences([f"{', '.join(facts)}{several if len(commits) > 1 else ''}"])


def without_time(cases: Sequence[Pooled]) -> str:
    """A sentence on ``cases`` that were tried and have no time; "" if none."""
    if not cases:
        return ""
    named = [
        f"{c.combination.size} px, batch {c.combination.batch}, {_pool(c)} "
        f"({c.outcome})"
        for c in cases
    ]
    return _sentences([f"No time: {texts.few(named, '; ')}"])


def against(pairs: Sequence[Pair]) -> str:
    """Sentences on the CPU's side of ``pairs``."""
    names = ", ".join(dict.fromkeys(pair.cpu_name for pair in pairs))
    said = [f"On the CPU: {names}"]
    if any(pair.codes_differ for pair in pairs):
        said.append("GPU and CPU were measured with different commits of the suite")
    differ = dict.fromkeys(
        f"{pair.gpu.combination.precision} against {pair.cpu.combination.precision}"
        for pair in pairs
        if pair.precisions_differ
    )
    if differ:
        said.append(
            f"The precisions differ ({', '.join(differ)}), and part of the ratio comes "
            "from that"
        )
    return _sentences(said)


def _pool(case: Pooled) -> str:
    cnmem = case.combination.cnmem
    return f"cnmem {cnmem}" if cnmem else pool("")


def _launches(count: int) -> str:
    return "1 launch" if count == 1 else f"{count} launches"


def _ranged(
    value: float, unit: str, low: float | None, high: float | None, is_interval: bool
) -> str:
    """``0.195 s (95 %: 0.186–0.204)``, ``0.229 s (range 0.225–0.233)``, ``12.8 s``."""
    if low is None or high is None:
        return f"{digits.number(value)} {unit}"
    write = digits.with_interval if is_interval else digits.with_extremes
    number, _, ends = write(value, low, high).partition(" (")
    return f"{number} {unit} ({'95 %:' if is_interval else 'range'} {ends}"


def _sentences(said: Sequence[str]) -> str:
    return " ".join([f"{each}." for each in said])

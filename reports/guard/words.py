"""The guard's sentences: its outcome above the table, what things mean below it."""

import shlex
from collections import Counter
from collections.abc import Sequence
from statistics import median

from reports import stats
from reports.fingerprints import Difference
from reports.guard import failures, percent, table
from reports.guard.judging import OPEN, REGRESSIONS, Row, Word
from reports.guard.pairing import Pairing
from reports.guard.testing import Limits
from reports.saved import Saved

_FEW = stats.LAUNCHES_FOR_INTERVAL
_NAMED = 3


def outcome(rows: Sequence[Row]) -> str:
    """What it all comes to, in a few words."""
    there = {row.word for row in rows}
    if there & set(REGRESSIONS):
        return f"regression: {counts(rows)}"
    if Word.SUSPECT in there:
        return f"not decided: {counts(rows)}"
    seen = " seen" if Word.INCONCLUSIVE in there else ""
    untested = "; no case could be tested" if seen and not _tested(rows) else ""
    return f"no regression{seen}: {counts(rows)}{untested}"


def heading(rows: Sequence[Row], *, comparable: bool) -> str:
    """The same as a comment opens with it: 'passed' if nothing at all is open."""
    found = Counter(row.word for row in rows)
    open_ = found[Word.INCONCLUSIVE]
    if not rows:
        return "Nothing compared: machines or engines differ"
    if any(found[each] for each in REGRESSIONS):
        told = f"Guard failed: {counts(rows)}"
    elif found[Word.SUSPECT]:
        told = f"Guard undecided: {counts(rows)}"
    elif open_ and _tested(rows):
        count = f"{open_} of {cases(len(rows))}"
        told = f"No regression found; {count} inconclusive{_failed(rows)}"
    elif open_:
        told = f"No regression found; no case could be tested{_failed(rows)}"
    elif comparable:
        told = f"Guard passed: {counts(rows)}"
    else:
        told = f"No regression found: {counts(rows)}"
    return told if comparable else f"Not all could be compared. {told}"


def counts(rows: Sequence[Row]) -> str:
    """``1 broken, 2 suspect of 8 cases``: what is not in order."""
    found = Counter(row.word for row in rows)
    told = [f"{found[each]} {each}" for each in (*REGRESSIONS, *OPEN) if found[each]]
    all_ = f"{' of ' if told else ''}{cases(len(rows))}"
    return f"{', '.join(told)}{all_}{_failed(rows)}"


def _failed(rows: Sequence[Row]) -> str:
    """In how many cases launches failed beside others; "" in none."""
    count = sum(bool(failures.of(row)) for row in rows)
    return f"; launches failed in {cases(count)}" if count else ""


def _tested(rows: Sequence[Row]) -> bool:
    """Whether any of them had launches enough."""
    return any(row.screened and row.screened.p is not None for row in rows)


def power(rows: Sequence[Row], limits: Limits) -> str:
    """How many launches there were, and how small a slow-down would have shown."""
    made = [
        len(side.launches)
        for row in rows
        for side in (row.couple.base, row.couple.head)
        if side.launches
    ]
    told = _range(made) if made else "no"
    launches = f"{told} {'launch' if told == '1' else 'launches'} a side"
    tests = [row.screened for row in rows if row.screened]
    found = sorted(each.smallest for each in tests if each.smallest is not None)
    if not found:
        return f"{launches}; too few for any slow-down to show"
    chance = f"at {percent.text(limits.power)} power"
    middle = table.share(median(found))
    missing = len(tests) - len(found)
    if len(found) == 1:
        text = f"a slow-down of {middle} would have shown, {chance}"
    else:
        text = (
            f"slow-downs from {middle} on would have shown in half of them, from "
            f"{table.share(found[-1])} on in all, {chance}"
        )
    return f"{launches}; {text}" + (
        f"; in {cases(missing)} none would" if missing else ""
    )


def sides(base: Saved, head: Saved) -> str:
    """What was compared with what, by commit."""
    return f"base {_side(base)}; head {_side(head)}"


def meaning(limits: Limits) -> str:
    """What times and their ratio are, and from where on it is too high."""
    return (
        "base and head: geometric means over launches; ratio = head / base: above 1 is "
        f"slower; allowed is {percent.text(limits.slowdown)} more"
    )


def legend(rows: Sequence[Row], limits: Limits) -> list[str]:
    """A line for each verdict and mark that the table shows."""
    there = {row.word for row in rows}
    q, alpha = percent.text(limits.q), percent.text(limits.alpha)
    confidence = percent.text(stats.CONFIDENCE)
    meanings = {
        Word.BROKEN: "trained in base and not in head",
        Word.SLOWER: "by more than is allowed, by fresh launches alone (Holm over all "
        f"suspects, {alpha})",
        Word.SUSPECT: "at first sight slower than is allowed (Benjamini and Hochberg; "
        f"{q} of suspects may be none); fresh launches decide",
        Word.INCONCLUSIVE: "too few launches, or too noisy: a slow-down of more than "
        "is allowed is neither shown nor excluded",
        Word.FASTER: "by more than a slow-down may be",
        Word.MENDED: "trains in head and did not in base",
        Word.SAME: f"a slow-down of more than is allowed is excluded ({confidence}, "
        "one-sided)",
    }
    lines = [f"{word}: {meanings[word]}" for word in Word if word in there]
    tests = [row.tested for row in rows if row.tested]
    if any(test.low is not None for test in tests):
        lines.append(
            f"ratio (low–high): {confidence} interval over launches (Welch, on logs)"
        )
    if any(test.low is None for test in tests):
        lines.append(
            f"* fewer than {_FEW} launches on a side: too few to test; measure with "
            f"--launches {_FEW} or more"
        )
    if any(test.smallest is not None for test in tests):
        lines.append(
            "slow-down that shows: the smallest that passes the tests in "
            f"{percent.text(limits.power)} of repeats, by how the case's own launches "
            "scatter"
        )
    return lines


def left(pairing: Pairing) -> list[str]:
    """A line for what was compared in spite of something, one for what was not."""
    lines = [
        f"compared all the same: {each.name} is {each.first} in base and "
        f"{each.second} in head"
        for each in pairing.allowed
    ]
    counts = (
        (pairing.new, "new: in head alone"),
        (pairing.gone, "gone: in base alone"),
        (pairing.untimed, "without a time on either side"),
        (pairing.elsewhere, "of base measured on machines that head has no file of"),
    )
    told = [f"{cases(count)} {words}" for count, words in counts if count]
    return [*lines, *(["; ".join(told)] if told else [])]


def refusals(differences: Sequence[Difference]) -> list[str]:
    """A line for each fact that forbids the comparison, with its two values."""
    return [
        f"not comparable: {each.name} is {each.first} in base and {each.second} in "
        f"head; --allow {shlex.quote(each.name)} compares all the same"
        for each in differences
    ]


def figures(row: Row) -> str:
    """One row in a sentence: how much slower, of what and how many launches."""
    base, head = row.couple.base, row.couple.head
    failed = "".join([f"; {each}" for each in failures.of(row)])
    if row.tested is None:
        before, after = (table.epoch_in_words(side) for side in (base, head))
        return f"{row.word}: {before} in base, {after} in head{failed}"
    return (
        f"{row.word}: {table.ratio(row)} times as long as in base, allowed is "
        f"{percent.text(row.tested.slowdown)} more{_expected(row)}; "
        f"{table.epoch_in_words(base)} in base, {table.epoch(head)} s in head, "
        f"{len(base.launches)} and {len(head.launches)} launches{failed}"
    )


def _expected(row: Row) -> str:
    if row.expected is None:
        return ""
    return f" on top of the {(row.expected.factor - 1) * 100:+.6g} % expected"


def _side(side: Saved) -> str:
    codes = dict.fromkeys(
        f"{str(case.code).partition(', version')[0]}" for case in side.cases
    )
    named = [*list(codes)[:_NAMED], *(["…"] if len(codes) > _NAMED else [])]
    files = len({file.path for file in side.files})
    count = "1 file" if files == 1 else f"{files} files"
    return f"{count}, {' and '.join(named)}"


def cases(count: int) -> str:
    """``1 case``, ``8 cases``."""
    return "1 case" if count == 1 else f"{count} cases"


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"

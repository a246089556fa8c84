"""What came of every case: its verdict, and the figures that it rests on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from reports.combination import Combination
from reports.guard import names, pairing, testing
from reports.guard.names import NodeIds
from reports.guard.pairing import Couple
from reports.guard.testing import Limits, Pair, Tested, Verdict
from reports.guard.thresholds import Expected, Threshold, Thresholds


class Word(StrEnum):
    """A verdict, in the order of a table: what matters first.

    ``BROKEN`` has a time in base and an outcome in its place in head, ``MENDED`` the
    other way round; ``SLOWER`` passed a second look at fresh launches.
    """

    BROKEN = "broken"
    SLOWER = "slower"
    SUSPECT = "suspect"
    INCONCLUSIVE = "inconclusive"
    FASTER = "faster"
    MENDED = "mended"
    SAME = "same"


#: What fails a run.
REGRESSIONS = (Word.BROKEN, Word.SLOWER)
#: What more launches would settle.
OPEN = (Word.SUSPECT, Word.INCONCLUSIVE)


class Row(Struct, frozen=True):
    """One case: ``couple`` is what was ``tested``, of the ``first`` look or the second.

    There is no test where a side has no time. ``screened`` is what stage one found,
    the same as ``tested`` unless ``fresh``: unless the ``second`` look decided. That is
    there, and undecided, where it has too few launches with a time, None where nobody
    looked again. ``name`` is the case's alone among all.
    """

    first: Couple
    second: Couple | None
    name: str
    node_id: str
    word: Word
    tested: Tested | None = None
    screened: Tested | None = None
    fresh: bool = False
    threshold: Threshold | None = None
    expected: Expected | None = None

    @property
    def couple(self) -> Couple:
        """The launches that the verdict is of, or their outcome."""
        return self.second if self.fresh and self.second is not None else self.first


class Known(Struct, frozen=True):
    """A case before any test: what the files and the team's thresholds say of it.

    ``id`` is what thresholds match, and what several cases may share; ``name`` is not.
    """

    couple: Couple
    id: str
    name: str
    node_id: str
    threshold: Threshold | None
    expected: Expected | None

    def pair(self, couple: Couple) -> Pair:
        """``couple``, with head as it would be had what was expected not happened."""
        head = couple.head.medians
        if self.expected:
            head = tuple([each / self.expected.factor for each in head])
        slowdown = self.threshold.slowdown if self.threshold else None
        return Pair(self.name, couple.base.medians, head, slowdown)

    def seen(self, tested: Tested) -> Tested:
        """``tested`` with the ratio as it was measured."""
        if not self.expected:
            return tested
        factor = self.expected.factor
        low, high = tested.low, tested.high
        return replace(
            tested,
            ratio=tested.ratio * factor,
            low=None if low is None else low * factor,
            high=None if high is None else high * factor,
        )


def known(
    couples: Sequence[Couple], node_ids: NodeIds, thresholds: Thresholds
) -> tuple[Known, ...]:
    """Every case by its name, with what is said of it."""
    called = [node_ids[each.combination, each.head.machine] for each in couples]
    ids = [
        names.short(node_id, each.combination)
        for node_id, each in zip(called, couples, strict=True)
    ]
    unique = names.unique(couples, ids)
    return tuple(
        [
            Known(
                each,
                id_,
                name,
                node_id,
                thresholds.threshold(id_, each.combination),
                thresholds.change(id_, each.combination, each.base.code.commit),
            )
            for each, id_, name, node_id in zip(
                couples, ids, unique, called, strict=True
            )
        ]
    )


def judge(
    cases: Sequence[Known], limits: Limits, fresh: Sequence[Couple] = ()
) -> tuple[Row, ...]:
    """Screen all ``cases``, then look again at the suspects with ``fresh`` launches."""
    timed = [each for each in cases if _timed(each.couple)]
    screened = dict(
        zip(
            [each.name for each in timed],
            testing.screen([each.pair(each.couple) for each in timed], limits),
            strict=True,
        )
    )
    among = _by_combination(fresh)
    machines = {each.couple.head.machine for each in cases}
    second = {
        each.name: couple
        for each in timed
        if screened[each.name].verdict == Verdict.SUSPECT
        and (couple := pairing.find(each.couple, among, machines))
    }
    again = [
        each for each in timed if each.name in second and _timed(second[each.name])
    ]
    pairs = [each.pair(second[each.name]) for each in again]
    confirmed = {
        str(tested.pair.key): tested
        for tested in testing.confirm(pairs, limits)
        if tested.pair.can_be_tested  # of too few launches there is no second look
    }
    return tuple(
        [
            _row(
                each,
                screened.get(each.name),
                confirmed.get(each.name),
                second.get(each.name),
            )
            for each in cases
        ]
    )


def _row(
    case: Known, screened: Tested | None, tested: Tested | None, fresh: Couple | None
) -> Row:
    latest, decided = screened, False
    if screened is None:
        word = Word.BROKEN if case.couple.head.outcome else Word.MENDED
    elif tested is not None and fresh is not None:
        latest, decided, word = tested, True, Word(tested.verdict.value)
    elif fresh is not None and fresh.head.outcome and not fresh.base.outcome:
        latest, decided, word = None, True, Word.BROKEN
    else:
        word = Word(screened.verdict.value)
    return Row(
        case.couple,
        fresh,
        case.name,
        case.node_id,
        word,
        case.seen(latest) if latest else None,
        case.seen(screened) if screened else None,
        decided,
        case.threshold,
        case.expected,
    )


def _timed(couple: Couple) -> bool:
    return not couple.base.outcome and not couple.head.outcome


def _by_combination(couples: Sequence[Couple]) -> Mapping[Combination, list[Couple]]:
    found = defaultdict(list)
    for each in couples:
        found[each.combination].append(each)
    return found


def exit_code(rows: Sequence[Row], *, comparable: bool, strict: bool) -> int:
    """What the command ends with: 3 not comparable, 1 regression, 4 undecided, 0."""
    if not comparable:
        return 3
    if any(row.word in REGRESSIONS for row in rows):
        return 1
    return 4 if strict and any(row.word in OPEN for row in rows) else 0

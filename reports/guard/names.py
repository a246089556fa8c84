"""What a case is called: by pytest, and in an XML file or a comment, each name once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from reports.combination import Combination, varying
from reports.guard.pairing import Couple
from reports.load import SavedFile
from reports.origins import Machine

NodeIds = Mapping[tuple[Combination, Machine], str]


def node_ids(files: Iterable[SavedFile]) -> NodeIds:
    """Pytest's name of each case (``benchmarks/test_train.py::test_train[…]``).

    That of a cluster's case may end in the machine's.
    """
    found: dict[tuple[Combination, Machine], str] = {}
    for file in files:
        for case in file.cases:
            found.setdefault((case.combination, file.machine), case.name)
    return found


def short(node_id: str, combination: Combination) -> str:
    """A case's id: what pytest has between its brackets (``theano-cpu-200px-b10``)."""
    function = node_id.partition("::")[2] or node_id
    _, bracket, rest = function.partition("[")
    if bracket and rest.endswith("]") and len(rest) > 1:
        return rest[:-1]
    return function or combination.describe()


def unique(couples: Sequence[Couple], called: Sequence[str]) -> list[str]:
    """``called``, and where two are the same what else there is to a case."""
    if len(set(called)) == len(called):
        return list(called)
    fields = varying([each.combination for each in couples])
    twice = Counter(called)
    names = []
    for couple, name in zip(couples, called, strict=True):
        values = [(field, couple.combination.value(field)) for field in fields]
        told = [f"{field}={value}" for field, value in values if value is not None]
        more = [*told, couple.head.source]
        names.append(name if twice[name] == 1 else f"{name} ({', '.join(more)})")
    # the same again is told apart by its number, the first of it by none
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[place] = f"{name} #{seen[name]}"
    return names

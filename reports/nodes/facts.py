"""Soft facts (kernel, driver, packages, …) in which nodes of one type differ."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from reports import fingerprints
from reports.facts_table import cut
from reports.fingerprints import NOT_SAVED
from reports.load import SavedFile
from reports.origins import Machine

_NAMED = 4
_HOST = "host"  # what nodes are called differs in all

#: A machine type and the name of a node.
Place = tuple[Machine, str]


def differing(files: Iterable[SavedFile]) -> dict[Place, str]:
    """In what a node is not as most of its type are; no entry where in nothing.

    Where no value is that of most, all nodes are told.
    """
    types: dict[Machine, dict[str, dict[str, str]]] = defaultdict(dict)
    for file in files:
        for node in file.nodes:
            told = {fact.name: str(fact) for fact in fingerprints.soft_of([node])}
            told.pop(_HOST, None)
            types[file.machine].setdefault(node.name, {}).update(told)
    found = {}
    for machine, nodes in types.items():
        facts = dict.fromkeys(fact for told in nodes.values() for fact in told)
        counts = {
            fact: Counter([told.get(fact, NOT_SAVED) for told in nodes.values()])
            for fact in facts
        }
        for name, told in nodes.items():
            if apart := list(_apart(told, counts)):
                more = len(apart) - _NAMED
                count = "1 more fact" if more == 1 else f"{more} more facts"
                others = f" and {count}" if more > 0 else ""
                found[machine, name] = f"{'; '.join(apart[:_NAMED])}{others}"
    return found


def _apart(
    told: Mapping[str, str], counts: Mapping[str, Counter[str]]
) -> Iterator[str]:
    """``kernel 6.1.0-20, elsewhere 6.1.0-18`` for each fact that most do not share."""
    for fact, values in counts.items():
        value = told.get(fact, NOT_SAVED)
        if 2 * values[value] > values.total() or len(values) == 1:
            continue
        other = next(each for each, _ in values.most_common(2) if each != value)
        yield f"{cut(fact)} {cut(value)}, elsewhere {cut(other)}"

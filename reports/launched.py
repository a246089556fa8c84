"""What the workers of a case were launched as, and on which nodes of a cluster."""

from collections.abc import Sequence

from reports import schema
from reports.schema import Launched
from reports.texts import word

#: A node of a cluster, and the digest of its hard facts.
Place = tuple[str, str]

_USUAL = schema.Launched()
_TOLD_APART = ("launcher", "interpreter")


def not_usual(every: Sequence[Launched]) -> Sequence[Launched]:
    """All of ``every``; none where all are the usual, as they mostly are."""
    return () if every.count(_USUAL) == len(every) else every


def told_apart(special: Sequence[Launched]) -> dict[str, str]:
    """What is not the usual in `not_usual` ones, and makes another case.

    Times of a container, or of a site's own Python, are not pooled with others.
    """
    found = {}
    for fact in _TOLD_APART if special else ():
        values = {getattr(each, fact) for each in special}
        if values != {getattr(_USUAL, fact)}:
            found[fact] = ", ".join(sorted(values))
    return found


def places(special: Sequence[Launched]) -> tuple[Place, ...]:
    """Where `not_usual` ones were, each once; none unless any was in a cluster."""
    if not any(map(is_placed, special)):
        return ()
    return tuple(dict.fromkeys((node(each), word(each.machine)) for each in special))


def is_placed(launched: Launched) -> bool:
    """Whether it says where in a cluster it was."""
    return bool(launched.node or launched.machine)


def node(launched: Launched) -> str:
    """The node that it was on, "" where it was on none."""
    return word(launched.node)

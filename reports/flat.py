"""JSON of any shape, flattened: a dotted name and one line of text for each value."""

from collections.abc import Sequence
from itertools import groupby

from reports.combination import text_of
from reports.errors import printable

#: Of what there is none: JSON's null, which facts are that nobody tells.
NOTHING = "—"

_DEEPEST = 4  # beyond it, and in larger objects than that, a value is one text
_LARGEST = 500
_GIB = 2**30


def flatten(value: object, name: str = "", depth: int = 0) -> dict[str, str]:
    """The texts of all that ``value`` holds, by names such as ``gpus.model``.

    An object's values stand by themselves. A list of objects, such as that of GPUs,
    gives for each of their names one text of all: ``2 × NVIDIA H100, NVIDIA A100``.
    """
    children: dict[str, object] = {}
    if isinstance(value, dict):
        children = {str(key): each for key, each in value.items()}
    elif isinstance(value, list) and all(isinstance(each, dict) for each in value):
        names = dict.fromkeys(str(key) for each in value for key in each)
        children = {key: [each.get(key) for each in value] for key in names}
    if not 0 < len(children) <= _LARGEST or depth == _DEEPEST:
        return {name: _text(name, value)}
    found: dict[str, str] = {}
    for key, each in children.items():
        place = ".".join(filter(None, (name, printable(key))))
        found.update(flatten(each, place, depth + 1))
    return found


def _text(name: str, value: object) -> str:
    if isinstance(value, list) and not any(isinstance(e, list | dict) for e in value):
        return _listed([_text(name, each) for each in value])
    if value is None or value == {}:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("bytes"):
        return _bytes(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    return text_of(value)


def _listed(texts: Sequence[str]) -> str:
    """In their order, what follows itself once with its count."""
    runs = [(text, len(list(alike))) for text, alike in groupby(texts)]
    told = [text if count == 1 else f"{count} × {text}" for text, count in runs]
    return ", ".join(told) or NOTHING


def _bytes(count: int) -> str:
    """In GiB where that takes few digits: 128 GiB, 79.5 GiB; else the count itself."""
    if count and count % (_GIB // 16) == 0 and abs(count) < 2**60:
        return f"{count / _GIB:.10g} GiB"
    return str(count)
